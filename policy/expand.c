/* SPDX-License-Identifier: MIT */
/*
 * expand.c - ${NAME} and ${NAME:-fallback} in paths and domains
 */
#include "policy/expand.h"

#include <errno.h>
#include <string.h>

#include "core/limits.h"

#define MAX_NESTING 16U

/* Texts still to be read, innermost last; instead of recursion. */
struct frames {
	struct str rest[MAX_NESTING];
	size_t n;
};

static bool is_name_char(char c, bool first)
{
	if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_')
		return true;
	return !first && c >= '0' && c <= '9';
}

/* Index of the '}' that closes the "${" in front of s, or -1. */
static ptrdiff_t closing_brace(struct str s)
{
	size_t depth = 1;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] == '{') {
			depth++;
			i++;
		} else if (s.p[i] == '{') {
			depth++;
		} else if (s.p[i] == '}' && --depth == 0) {
			return (ptrdiff_t)i;
		}
	}
	return -1;
}

static bool lookup(const struct policy_vars *vars, struct str name,
		   struct str *ret)
{
	for (size_t i = 0; vars && i < vars->n; i++) {
		if (str_eq(vars->names[i], name)) {
			*ret = vars->values[i];
			return true;
		}
	}
	for (char *const *e = vars ? vars->environment : NULL; e && *e; e++) {
		struct str pair = str_from(*e);

		if (!str_starts(pair, name) || pair.n <= name.n + 1 ||
		    pair.p[name.n] != '=')
			continue;
		*ret = str_skip(pair, name.n + 1);
		return true;
	}
	return false;
}

/* body: between "${" and "}". Splits NAME and fallback. */
static int parse_body(struct str body, struct str *ret_name,
		      struct str *ret_fallback, bool *ret_has_fallback)
{
	size_t n = 0;

	while (n < body.n && is_name_char(body.p[n], n == 0))
		n++;
	*ret_name = str_from_n(body.p, n);
	*ret_fallback = str_skip(body, n);
	*ret_has_fallback = str_starts(*ret_fallback, STR(":-"));
	if (n == 0 || (ret_fallback->n > 0 && !*ret_has_fallback))
		return -EINVAL;
	*ret_fallback = str_skip(*ret_fallback, *ret_has_fallback ? 2 : 0);
	return 0;
}

/* A value is text, not pattern: a directory called "*" must not widen a rule */
static void put_literal(struct buf *out, struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] != '\0' && strchr("*?[]{},\\", value.p[i]))
			buf_putc(out, '\\');
		buf_putc(out, value.p[i]);
	}
}

/* rest starts behind "${". Puts the value out or pushes the fallback. */
static int expand_one(struct frames *f, const struct policy_vars *vars,
		      bool any_name, struct buf *out, struct str *ret_name)
{
	struct str *rest = &f->rest[f->n - 1];
	ptrdiff_t end = closing_brace(*rest);
	struct str name, fallback, value;
	bool has_fallback;

	if (end < 0 || parse_body(str_from_n(rest->p, (size_t)end), &name,
				  &fallback, &has_fallback) < 0) {
		*ret_name = *rest;
		return -EINVAL;
	}
	*rest = str_skip(*rest, (size_t)end + 1);
	if (lookup(vars, name, &value)) {
		put_literal(out, value);
		return 0;
	}
	if (has_fallback) {
		if (f->n == MAX_NESTING)
			return -E2BIG;
		f->rest[f->n++] = fallback;
		return 0;
	}
	*ret_name = name;
	if (!any_name)
		return -ENOENT;
	buf_put_str(out, name);
	return 0;
}

int expand_vars(struct str text, const struct policy_vars *vars, bool any_name,
		struct buf *out, struct str *ret_name)
{
	struct frames f = { .rest = { text }, .n = 1 };
	int r;

	*ret_name = text;
	while (f.n > 0) {
		struct str *rest = &f.rest[f.n - 1];
		ptrdiff_t at = str_find(*rest, STR("${"));

		if (at < 0) {
			buf_put_str(out, *rest);
			f.n--;
			continue;
		}
		buf_put(out, rest->p, (size_t)at);
		*rest = str_skip(*rest, (size_t)at + 2);
		r = expand_one(&f, vars, any_name, out, ret_name);
		if (r < 0)
			return r;
		if (out->len > (size_t)4 * LIMIT_PATH)
			return -E2BIG;
	}
	return out->error;
}
