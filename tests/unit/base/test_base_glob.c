/* SPDX-License-Identifier: MIT */
/*
 * test_base_glob.c - the glob dialect, token by token
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/glob.h"

struct row {
	const char *pattern;
	char sep;
	const char *text;
	bool want;
};

static const struct row rows[] = {
	{ "/a/**", '/', "/a", false },
	{ "/a/**", '/', "/a/", true },
	{ "/a/**", '/', "/a/b/c", true },
	{ "/a/*", '/', "/a/b", true },
	{ "/a/*", '/', "/a/b/c", false },
	{ "/a/*", '/', "/a/", true },
	{ "**/x", '/', "/p/q/x", true },
	{ "**/x", '/', "x", false },
	{ "/a/{b,c}/*", '/', "/a/c/z", true },
	{ "/a/{b,c}/*", '/', "/a/d/z", false },
	{ "/a/{b,{c,d*}e}", '/', "/a/dxe", true },
	{ "/a/{b,{c,d*}e}", '/', "/a/d/e", false },
	{ "{,x}y", '\0', "y", true },
	{ "[!a]b", '/', "cb", true },
	{ "[!a]b", '/', "ab", false },
	{ "[a-cx]", '/', "x", true },
	{ "[a-c]", '/', "d", false },
	{ "[\\]]", '/', "]", true },
	{ "a?c", '/', "abc", true },
	{ "a?c", '/', "a/c", false },
	{ "?", '\0', "\xc3\xa9", true },
	{ "??", '\0', "\xc3\xa9", false },
	{ "*?x", '\0', "\xc3\xa9x", true },
	{ "*.x.com", '.', "x.com", false },
	{ "*.x.com", '.', "a.x.com", true },
	{ "*.x.com", '.', "a.b.x.com", false },
	{ "**.x.com", '.', "a.b.x.com", true },
	{ "*", '.', "localhost", true },
	{ "*", '.', "a.b", false },
	{ "AWS_*", '\0', "AWS_KEY", true },
	{ "AWS_*", '\0', "XAWS_KEY", false },
	{ "\\*", '/', "*", true },
	{ "\\*", '/', "a", false },
	{ "a,b}", '/', "a,b}", true },
	{ "**", '/', "", true },
	{ "", '/', "", true },
	{ "", '/', "a", false },
	{ "a**b*c", '/', "a/x/b/c", false },
	{ "a**b*c", '/', "a/x/bb/bxc", true },
	{ "ab*ba", '/', "aba", false },
};

static void test_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		bool got = glob_match(str_from(r->pattern), r->sep,
				      str_from(r->text));

		if (got != r->want)
			fail_msg("\"%s\" on \"%s\": %d", r->pattern, r->text,
				 got);
	}
}

static void test_errors(void **state)
{
	static const char *const bad[] = { "[",   "[a",    "[]",    "{a",
					   "a\\", "[b-a]", "{a,{b}" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(glob_valid(str_from(bad[i])));
		assert_non_null(glob_check(str_from(bad[i])));
		assert_false(
			glob_match(str_from(bad[i]), '/', str_from(bad[i])));
	}
}

/* Exponential for a backtracking matcher: would not end. */
static void test_linear(void **state)
{
	char pattern[202], text[4001];

	(void)state;
	for (size_t i = 0; i < 200; i += 2)
		memcpy(pattern + i, "a*", 2);
	pattern[200] = 'b';
	pattern[201] = '\0';
	memset(text, 'a', 4000);
	text[4000] = '\0';
	assert_false(glob_match(str_from(pattern), '/', str_from(text)));
	text[3999] = 'b';
	assert_true(glob_match(str_from(pattern), '/', str_from(text)));
}

struct below {
	struct buf all;  /* the patterns, a space behind each */
	struct str path; /* to be matched */
	bool matched;
};

static int below_one(void *arg, struct str pattern)
{
	struct below *b = arg;

	buf_put_str(&b->all, pattern);
	buf_putc(&b->all, ' ');
	b->matched |= glob_match(pattern, '/', b->path);
	return 0;
}

static int count(void *arg, struct str pattern)
{
	(void)pattern;
	(*(size_t *)arg)++;
	return 0;
}

static void test_expand(void **state)
{
	static const char *const apart[] = {
		"/{*}*", "/*{*,a}", "/*{}*",   "/*{,b}*",    "/{*,c}{*,d}",
		"/{**}", "/*{**}",  "/{**}*x", "/{\\*}*{*}", "/{**,}*",
	};
	size_t n = 0;

	(void)state;
	assert_int_equal(glob_expand(STR("/{a,b}/{c,{d,e}}"), count, &n), 0);
	assert_int_equal(n, 6);
	/* two stars do not become "**" */
	for (size_t i = 0; i < ARRAY_LEN(apart); i++) {
		struct below b = { .path = STR("/x/y") };
		_cleanup_buf_ struct buf all = BUF_INIT;

		assert_int_equal(glob_expand(str_from(apart[i]), below_one, &b),
				 0);
		all = b.all;
		assert_int_equal(b.matched,
				 glob_match(str_from(apart[i]), '/', b.path));
	}
	n = 0;
	/* more than the limit: the pattern is kept as it is */
	assert_int_equal(glob_expand(STR("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"),
				     count, &n),
			 0);
	assert_int_equal(n, 1);
}

/* --- the part of a pattern in one directory -------------------------------- */

static void test_below(void **state)
{
	static const char *const cases[][3] = {
		{ "/a/**", "/a/b", "/a/b /a/b/** " },
		{ "/a/*", "/a/b", "/a/b " },
		{ "/a/*/c", "/a/b", "/a/b/c " },
		{ "/a/b", "/a/b", "/a/b " },
		{ "/a/b/c", "/a/b", "/a/b/c " },
		{ "/a/bc", "/a/b", "" },
		{ "/x/**", "/a/b", "" },
		{ "**", "/a", "/a /a/** " },
		{ "**/.env", "/a/b", "/a/b/**/.env /a/b/.env " },
		{ "/a/**/c/d", "/a/c", "/a/c/**/c/d /a/c/c/d " },
		{ "/a/{b,x}/c", "/a/b", "/a/b/c " },
		{ "/[a-c]/?/\\*", "/b/x", "/b/x/\\* " },
		{ "/a/**", "/a/b*", "/a/b\\* /a/b\\*/** " },
		{ "/a/*", "/", "/a/* " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_buf_ struct buf all = BUF_INIT;
		struct below b = { .all = BUF_INIT };

		assert_int_equal(glob_below(str_from(cases[i][0]),
					    str_from(cases[i][1]), below_one,
					    &b),
				 0);
		all = b.all;
		assert_string_equal(buf_cstr(&all), cases[i][2]);
	}
}

static struct str random_text(char *p, size_t max, const char *const *words)
{
	size_t n = 0, count = 1 + (size_t)random() % max;

	for (size_t i = 0; i < count; i++) {
		const char *w = words[random() % 10];

		memcpy(p + n, w, strlen(w));
		n += strlen(w);
	}
	return str_from_n(p, n);
}

/* The patterns match what the pattern matches there, and nothing elsewhere. */
static void test_below_agrees(void **state)
{
	static const char *const parts[] = {
		"/", "/", "*", "**", "?", "a", "b", "[a/]", "\\*", "{a/,b}"
	};
	static const char *const names[] = { "/", "/", "/", "a", "a",
					     "a", "b", "b", "*", "ab" };
	size_t below = 0;

	(void)state;
	srandom(1);
	for (int i = 0; i < 200000; i++) {
		char text[3][64] = { "/", "/", "/" };
		struct str pattern = random_text(text[0], 8, parts);
		struct str dir = random_text(text[1] + 1, 3, names);
		_cleanup_buf_ struct buf all = BUF_INIT;
		struct below b = { .all = BUF_INIT };
		bool inside;

		dir = str_from_n(text[1], dir.n + 1);
		if (dir.p[dir.n - 1] == '/')
			continue;
		b.path = random_text(text[2], 6, names);
		if (i % 2) {
			memcpy(text[2], dir.p, dir.n);
			text[2][dir.n] = '/';
			b.path = random_text(text[2] + dir.n + 1, 4, names);
			b.path = str_from_n(text[2], b.path.n + dir.n + 1);
		}
		if (b.path.p[b.path.n - 1] == '/')
			continue;
		inside = str_eq(b.path, dir) ||
			 (str_starts(b.path, dir) && b.path.p[dir.n] == '/');
		assert_int_equal(glob_below(pattern, dir, below_one, &b), 0);
		all = b.all;
		assert_int_equal(b.matched,
				 inside && glob_match(pattern, '/', b.path));
		below += b.matched;
	}
	assert_true(below > 1000);
}

static void test_below_errors(void **state)
{
	struct below b = { .all = BUF_INIT };

	(void)state;
	assert_int_equal(glob_below(STR("/a/[b"), STR("/a"), below_one, &b),
			 -EINVAL);
	assert_int_equal(glob_below(STR("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"),
				    STR("/a"), below_one, &b),
			 -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_linear),
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_below_agrees),
		cmocka_unit_test(test_below_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
