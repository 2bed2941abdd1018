/* SPDX-License-Identifier: MIT */
/*
 * yamlread.c - typed reading of a YAML tree, with errors that name the place
 */
#include "base/yamlread.h"

#include <errno.h>
#include <stdarg.h>

#include "base/num.h"

void ypath_format(const struct ypath *path, struct buf *out)
{
	const struct ypath *steps[YAMLDOC_DEPTH_MAX + 1];
	size_t n = 0;

	for (; path && n < ARRAY_LEN(steps); path = path->up)
		steps[n++] = path;
	while (n-- > 0) {
		if (!steps[n]->key.p) {
			buf_printf(out, "[%zu]", steps[n]->index);
			continue;
		}
		if (out->len)
			buf_putc(out, '.');
		buf_put_escaped(out, steps[n]->key);
	}
}

static void message(const struct ypath *at, struct buf *out, const char *fmt,
		    va_list ap) _printf_(3, 0);
static void message(const struct ypath *at, struct buf *out, const char *fmt,
		    va_list ap)
{
	ypath_format(at, out);
	if (out->len)
		buf_puts(out, ": ");
	buf_vprintf(out, fmt, ap);
}

int yread_error(const struct yreader *r, const struct ypath *at,
		const struct ynode *node, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	message(at, &text, fmt, ap);
	va_end(ap);
	diag_error(r->diag, r->file, node->line, node->column, "%s",
		   buf_cstr(&text));
	return -EINVAL;
}

void yread_warn(const struct yreader *r, const struct ypath *at,
		const struct ynode *node, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	message(at, &text, fmt, ap);
	va_end(ap);
	diag_warn(r->diag, r->file, node->line, node->column, "%s",
		  buf_cstr(&text));
}

static void describe(const struct ynode *node, struct buf *out)
{
	struct str shown = str_from_n(node->text.p, MIN(node->text.n, 60));

	switch (node->type) {
	case YNODE_NULL:
		buf_puts(out, "nothing");
		return;
	case YNODE_SEQUENCE:
		buf_puts(out, "a list");
		return;
	case YNODE_MAPPING:
		buf_puts(out, "a mapping");
		return;
	case YNODE_SCALAR:
		break;
	}
	buf_puts(out, node->quoted ? "the quoted text \"" : "\"");
	buf_put_escaped(out, shown);
	buf_puts(out, shown.n < node->text.n ? "...\"" : "\"");
}

int yread_mismatch(const struct yreader *r, const struct ypath *at,
		   const struct ynode *node, const char *what)
{
	_cleanup_buf_ struct buf found = BUF_INIT;

	describe(node, &found);
	return yread_error(r, at, node, "expected %s, found %s", what,
			   buf_cstr(&found));
}

int yread_str(const struct yreader *r, const struct ypath *at,
	      const struct ynode *node, struct str *ret)
{
	if (node->type == YNODE_NULL)
		return 0;
	if (node->type != YNODE_SCALAR)
		return yread_mismatch(r, at, node, "text");
	*ret = node->text;
	return 0;
}

int yread_bool(const struct yreader *r, const struct ypath *at,
	       const struct ynode *node, bool *ret)
{
	if (node->type == YNODE_NULL || ynode_as_bool(node, ret))
		return 0;
	return yread_mismatch(r, at, node, "true or false");
}

/* Digits of a base that is a power of two, after the prefix. */
static int parse_radix(struct str s, unsigned int bits, int64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		unsigned int d = 99;

		if (c >= '0' && c <= '9')
			d = c - (unsigned int)'0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			d = (c | 32U) - (unsigned int)'a' + 10;
		if (d >= 1U << bits)
			return -EINVAL;
		if (v >> (63 - bits))
			return -ERANGE;
		v = v << bits | d;
	}
	*ret = (int64_t)v;
	return 0;
}

static int parse_int(struct str s, int64_t *ret)
{
	char digits[72] = "";
	size_t n = 0;
	struct str d = { digits, 0 };

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '_')
			continue;
		if (n == sizeof(digits))
			return -ERANGE;
		digits[n++] = s.p[i];
	}
	d.n = n;
	if (n > 2 && digits[0] == '0' && (digits[1] | 32) == 'x')
		return parse_radix(str_skip(d, 2), 4, ret);
	if (n > 2 && digits[0] == '0' && (digits[1] | 32) == 'o')
		return parse_radix(str_skip(d, 2), 3, ret);
	if (n > 2 && digits[0] == '0' && (digits[1] | 32) == 'b')
		return parse_radix(str_skip(d, 2), 1, ret);
	if (n > 1 && digits[0] == '0')
		return parse_radix(d, 3, ret);
	return num_parse_i64(digits[0] == '+' ? str_skip(d, 1) : d, ret);
}

int yread_int(const struct yreader *r, const struct ypath *at,
	      const struct ynode *node, int64_t min, int64_t max, int64_t *ret)
{
	int64_t v = 0;
	int e = -EINVAL;

	if (node->type == YNODE_NULL)
		return 0;
	if (node->type == YNODE_SCALAR && !node->quoted)
		e = parse_int(node->text, &v);
	if (e == -EINVAL)
		return yread_mismatch(r, at, node, "a whole number");
	if (e == -ERANGE || v < min || v > max)
		return yread_error(r, at, node,
				   "%.40s is out of range (%lld to %lld)",
				   node->text.p, (long long)min,
				   (long long)max);
	*ret = v;
	return 0;
}

int yread_duration(const struct yreader *r, const struct ypath *at,
		   const struct ynode *node, int64_t *ret_ns)
{
	if (node->type == YNODE_NULL)
		return 0;
	if (node->type != YNODE_SCALAR ||
	    num_parse_duration(node->text, ret_ns) < 0)
		return yread_mismatch(r, at, node,
				      "a duration such as 30s, 1h30m or 7d");
	return 0;
}

int yread_size(const struct yreader *r, const struct ypath *at,
	       const struct ynode *node, uint64_t *ret_bytes)
{
	if (node->type == YNODE_NULL)
		return 0;
	if (node->type != YNODE_SCALAR ||
	    num_parse_size(node->text, ret_bytes) < 0)
		return yread_mismatch(r, at, node,
				      "a size such as 512, 10MB or 1GiB");
	return 0;
}

int yread_strings(const struct yreader *r, const struct ypath *at,
		  const struct ynode *node, struct ystrings *ret)
{
	struct ystrings out = { 0 };

	if (node->type == YNODE_NULL)
		return 0;
	if (node->type != YNODE_SEQUENCE)
		return yread_mismatch(r, at, node,
				      "a list of texts such as [a, b]");
	out.v = arena_alloc(r->arena, (node->n + 1) * sizeof(*out.v));
	if (!out.v)
		return -ENOMEM;
	ynode_foreach(e, node)
	{
		struct ypath here = { .up = at, .index = out.n };
		struct str s = STR("");
		int err = yread_str(r, &here, e->value, &s);

		if (err < 0)
			return err;
		out.v[out.n++] = s;
	}
	*ret = out;
	return 0;
}

int yread_strmap(const struct yreader *r, const struct ypath *at,
		 const struct ynode *node, struct ystrmap *ret)
{
	struct ystrmap out = { 0 };

	if (node->type == YNODE_NULL)
		return 0;
	if (node->type != YNODE_MAPPING)
		return yread_mismatch(r, at, node, "a mapping of NAME: text");
	out.names = arena_alloc(r->arena, (node->n + 1) * sizeof(*out.names));
	out.values = arena_alloc(r->arena, (node->n + 1) * sizeof(*out.values));
	if (!out.names || !out.values)
		return -ENOMEM;
	ynode_foreach(e, node)
	{
		struct ypath here = { .up = at, .key = e->key->text };
		struct str s = STR("");
		int err = yread_str(r, &here, e->value, &s);

		if (err < 0)
			return err;
		out.names[out.n] = e->key->text;
		out.values[out.n++] = s;
	}
	*ret = out;
	return 0;
}

void yread_unknown_text(const struct ypath *at, struct str key,
			const char *const *known, size_t n_known,
			struct buf *out)
{
	const char *near = diag_suggest(key, known, n_known);
	_cleanup_buf_ struct buf where = BUF_INIT;

	ypath_format(at, &where);
	buf_puts(out, "unknown key \"");
	buf_put_escaped(out, str_from_n(key.p, MIN(key.n, 60)));
	buf_putc(out, '"');
	if (where.len)
		buf_printf(out, " in %s", buf_cstr(&where));
	if (near)
		buf_printf(out, "; did you mean \"%s\"?", near);
}
