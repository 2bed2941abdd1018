/* SPDX-License-Identifier: MIT */
/*
 * test_dlp_regex.c - custom patterns: leftmost, longest, linear
 */
#include <stdio.h>

#include "tests/unit/dlp/fixture.h"

static struct dlp_engine *one(const char *regex)
{
	struct dlp_custom c = { STR("x"), STR_NONE, str_from(regex),
				DLP_REDACT };
	struct dlp_settings s = { .custom = &c,
				  .n_custom = 1,
				  .group_off = { true, true, true, true,
						 true } };

	return engine_of(&s);
}

static const struct {
	const char *regex, *in, *out;
} cases[] = {
	{ "ab+", "xabbby abb", "x[]y []" },
	{ "a|ab|abc", "abcd", "[]d" },
	{ "(?i)KEY-[0-9]+", "key-12 Key-3 KEY-", "[] [] KEY-" },
	{ "\\bfoo\\b", "foo foobar a.foo", "[] foobar a.[]" },
	{ "^top", "top\ntop", "[]\ntop" },
	{ "(?m)^top$", "top\ntop\ntopx", "[]\n[]\ntopx" },
	{ "end$", "end end", "end []" },
	{ "[0-9]{3}-[0-9]{2}", "1234-56 12-34", "1[] 12-34" },
	{ "caf\xc3\xa9 [\xc3\xa0-\xc3\xbf]+", "caf\xc3\xa9 \xc3\xa9\xc3\xa8.",
	  "[]." },
	{ ".", "ab", "[][]" },
	{ "x*", "axxb", "a[]b" },
	{ "a.*z", "a1z2z3", "[]3" },
	{ "secret: [^\n]+", "secret: it is\nnext", "[]\nnext" },
	{ "needle", "no such", "no such" },
	{ "aab", "aaab", "a[]" },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_dlp_engine_ struct dlp_engine *e = one(cases[i].regex);
		_cleanup_buf_ struct buf want = BUF_INIT;

		for (const char *p = cases[i].out; *p; p++) {
			if (p[0] == '[' && p[1] == ']') {
				buf_puts(&want, "[REDACTED:x]");
				p++;
			} else {
				buf_putc(&want, *p);
			}
		}
		expect_redacted(e, cases[i].in, buf_cstr(&want));
	}
}

/* Every byte begins a thread that lives on: quadratic if done naively. */
static void test_linear(void **state)
{
	_cleanup_dlp_engine_ struct dlp_engine *e = one("[a-z ]+X");
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct found f = { 0 };

	(void)state;
	for (size_t i = 0; i < 300000; i++)
		buf_putc(&text, 'a');
	find_in(e, buf_str(&text), &f);
	assert_int_equal(f.n, 0);
	buf_puts(&text, "X");
	find_in(e, buf_str(&text), &f);
	assert_int_equal(f.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_linear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
