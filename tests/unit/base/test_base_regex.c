/* SPDX-License-Identifier: MIT */
/*
 * test_base_regex.c - regular expressions: syntax, answers, errors, time
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/regex.h"

struct row {
	const char *pattern, *text;
	bool want;
};

static const struct row rows[] = {
	{ "abc", "xabcx", true },
	{ "^abc$", "xabc", false },
	{ "a|b|", "", true },
	{ "(ab)+c", "ababc", true },
	{ "^(ab)+c", "abac", false },
	{ "^a{2,3}$", "aa", true },
	{ "^a{2,3}$", "aaaa", false },
	{ "^a{2}$", "aaa", false },
	{ "^a{2,}$", "aaaaa", true },
	{ "^(a|bc){2}$", "abc", true },
	{ "a{,2}", "a{,2}", true },
	{ "^a*?$", "aaa", true },
	{ "\\brm\\b", "x rm y", true },
	{ "\\brm\\b", "xrm", false },
	{ "^\\d+\\s\\w+$", "12 a_1", true },
	{ "^[^\\d]$", "5", false },
	{ "^[[:alpha:]]+$", "abcX", true },
	{ "^[[:^alpha:]]$", "a", false },
	{ "^[]a]$", "]", true },
	{ "^[a-]$", "-", true },
	{ "(?i)HeLLo", "hEllO", true },
	{ "(?i:A)b", "ab", true },
	{ "(?i:A)b", "aB", false },
	{ "a.b", "a\nb", false },
	{ "(?s)a.b", "a\nb", true },
	{ "(?m)^b$", "a\nb\nc", true },
	{ "^b$", "a\nb", false },
	{ "\\Ab", "ab", false },
	{ "a\\z", "ab", false },
	{ "^\\x41\\x{42}\\103$", "ABC", true },
	{ "^\\Qa.b*\\Ec$", "a.b*c", true },
	{ "^\\pL+$", "a\xc3\xa9z", true },
	{ "^\\PL$", "1", true },
	{ "(?P<n>a)(?<m>b)", "ab", true },
	{ "^.$", "\xc3\xa9", true },
	{ "(a*)*b", "aaab", true },
	{ "(|a)+$", "aaa", true },
	{ "--(force|hard)(\\s|$)", "push --force", true },
	{ "x{0}y", "y", true },
};

static void test_matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		bool got = regex_match(str_from(r->pattern), str_from(r->text));

		if (got != r->want)
			fail_msg("\"%s\" on \"%s\": %d", r->pattern, r->text,
				 got);
	}
}

static void test_errors(void **state)
{
	static const char *const bad[] = {
		"(",        ")",       "[a",          "a**",
		"*a",       "a{2}{3}", "(?=a)",       "(?!a)",
		"(?<=a)",   "\\1",     "a\\",         "[b-a]",
		"\\q",      "a{3,2}",  "a{1001}",     "\\p{Klingon}",
		"[[:no:]]", "(?P<>a)", "\\x{110000}", "((a{1000}){1000})",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct nfa_build b;
		const char *why = NULL;
		size_t at = 0;

		if (regex_compile(str_from(bad[i]), &b, &why, &at) >= 0)
			fail_msg("\"%s\" was accepted", bad[i]);
		assert_non_null(why);
	}
}

/* Parts are searched as if they were joined by single spaces. */
static void test_parts(void **state)
{
	struct str parts[] = { STR("push"), STR(""), STR("--force") };
	struct nfa_build b;
	const char *why;
	struct nfa prog;
	size_t at;

	(void)state;
	assert_int_equal(regex_compile(STR("^push  --force$"), &b, &why, &at),
			 0);
	prog = nfa_view(&b);
	assert_true(nfa_run(&prog, 0, parts, 3));
	assert_false(nfa_run(&prog, 0, parts, 2));
	assert_false(nfa_run(&prog, 0, NULL, 0));
	nfa_build_done(&b);
}

static void test_linear(void **state)
{
	char text[3001];

	(void)state;
	memset(text, 'a', 3000);
	text[3000] = '\0';
	assert_false(regex_match(STR("^(a|aa)+$b"), str_from(text)));
	assert_false(regex_match(STR("(a*)*(a*)*(a*)*b"), str_from(text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
