/* SPDX-License-Identifier: MIT */
/*
 * glob_below.c - the part of a pattern that lies in one directory
 *
 * The directory's name is read from the pattern's beginning, as an automaton
 * would: `at` holds every place of the pattern where what is left of it may
 * begin. What is left behind the name and a '/' makes the new patterns.
 */
#include <errno.h>

#include "base/glob.h"
#include "base/utf8.h"

struct places {
	bool at[GLOB_MAX_PATTERN + 1];
};

struct split {
	struct str pattern; /* without braces */
	struct str dir;
	glob_expand_fn *fn;
	void *arg;
};

/* Length of the element of a pattern that begins at i. */
static size_t element(struct str p, size_t i)
{
	struct str rest = str_skip(p, i);
	size_t n = 1;
	uint32_t c;

	if (str_starts(rest, STR("**")))
		return 2;
	if (rest.p[0] == '\\' && rest.n > 1)
		return 1 + utf8_next(str_skip(rest, 1), &c);
	if (rest.p[0] != '[')
		return utf8_next(rest, &c);
	while (n < rest.n && rest.p[n] != ']')
		n += rest.p[n] == '\\' ? 2 : 1;
	return MIN(rest.n, n + 1);
}

static bool has_braces(struct str p)
{
	for (size_t i = 0; i < p.n; i += element(p, i)) {
		if (p.p[i] == '{')
			return true;
	}
	return false;
}

static bool is_run(struct str element)
{
	return element.p[0] == '*';
}

/* A run may be empty: what follows it may begin there, too. */
static void skip_runs(struct str p, struct places *l)
{
	for (size_t i = 0; i < p.n; i += element(p, i)) {
		struct str e = str_from_n(p.p + i, element(p, i));

		if (l->at[i] && is_run(e))
			l->at[i + e.n] = true;
	}
}

static bool takes(struct str e, struct str c)
{
	if (e.p[0] == '[')
		return glob_match(e, '/', c);
	if (e.p[0] == '?')
		return c.p[0] != '/';
	if (e.p[0] == '\\')
		e = str_skip(e, 1);
	return str_eq(e, c);
}

static void step(struct str p, struct places *l, struct str c)
{
	struct places next = { { false } };

	for (size_t i = 0; i < p.n; i += element(p, i)) {
		struct str e = str_from_n(p.p + i, element(p, i));

		if (!l->at[i])
			continue;
		if (is_run(e))
			next.at[i] |= e.n == 2 || c.p[0] != '/';
		else
			next.at[i + e.n] |= takes(e, c);
	}
	*l = next;
	skip_runs(p, l);
}

static void put_escaped(struct buf *b, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (glob_is_pattern(str_from_n(text.p + i, 1)))
			buf_putc(b, '\\');
		buf_putc(b, text.p[i]);
	}
}

static int emit(const struct split *s, const char *between, struct str rest)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	put_escaped(&b, s->dir);
	buf_puts(&b, between);
	buf_put_str(&b, rest);
	return b.error ? b.error : s->fn(s->arg, buf_str(&b));
}

static int split_one(void *arg, struct str pattern)
{
	struct split *s = arg;
	struct places l = { { true } };
	bool behind_run = false;
	uint32_t c;
	int r = 0;

	/* More braces than glob_expand() takes apart. */
	if (pattern.n > GLOB_MAX_PATTERN || has_braces(pattern))
		return -E2BIG;
	skip_runs(pattern, &l);
	for (size_t i = 0, n; i < s->dir.n; i += n) {
		n = utf8_next(str_skip(s->dir, i), &c);
		step(pattern, &l, str_from_n(s->dir.p + i, n));
	}
	if (l.at[pattern.n])
		r = emit(s, "", STR_NONE);
	step(pattern, &l, STR("/"));
	for (size_t i = 0, n; i < pattern.n && r >= 0; i += n) {
		n = element(pattern, i);
		/* Behind a run is part of what the run itself gives. */
		if (l.at[i] && !behind_run)
			r = emit(s, "/", str_skip(pattern, i));
		behind_run = l.at[i] && pattern.p[i] == '*';
	}
	return r;
}

int glob_below(struct str pattern, struct str dir, glob_expand_fn *fn,
	       void *arg)
{
	struct split s = { .dir = dir, .fn = fn, .arg = arg };

	if (!glob_valid(pattern))
		return -EINVAL;
	if (str_eq_c(dir, "/"))
		return fn(arg, pattern);
	return glob_expand(pattern, split_one, &s);
}
