/* SPDX-License-Identifier: MIT */
/*
 * test_base_glob.c - the glob dialect, token by token
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

static int count(void *arg, struct str pattern)
{
	(void)pattern;
	(*(size_t *)arg)++;
	return 0;
}

static void test_expand(void **state)
{
	size_t n = 0;

	(void)state;
	assert_int_equal(glob_expand(STR("/{a,b}/{c,{d,e}}"), count, &n), 0);
	assert_int_equal(n, 6);
	n = 0;
	/* more than the limit: the pattern is kept as it is */
	assert_int_equal(glob_expand(STR("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"),
				     count, &n),
			 0);
	assert_int_equal(n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_linear),
		cmocka_unit_test(test_expand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
