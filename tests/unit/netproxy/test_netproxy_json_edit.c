/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "netproxy/json_edit.h"

/* Finds "needle" wherever it stands. */
static int scan(void *arg, struct str text, struct json_edits *e)
{
	struct str needle = str_from(arg);
	size_t at = 0;
	ptrdiff_t hit;

	while ((hit = str_find(str_skip(text, at), needle)) >= 0) {
		at += (size_t)hit;
		json_edits_add(e, at, at + needle.n, STR("<\"x\">"));
		at += needle.n;
	}
	return 0;
}

static void expect(const char *in, const char *out)
{
	char needle[] = "needle";
	struct buf b = BUF_INIT;
	int r = json_edit(str_from(in), scan, needle, &b);

	if (!out) {
		assert_int_equal(r, 0);
		assert_int_equal(b.len, 0);
	} else {
		assert_true(r > 0);
		assert_string_equal(buf_cstr(&b), out);
	}
	buf_done(&b);
}

static void refuse(const char *in)
{
	char needle[] = "needle";
	struct buf b = BUF_INIT;

	assert_int_equal(json_edit(str_from(in), scan, needle, &b), -EBADMSG);
	buf_done(&b);
}

static void test_spans(void **state)
{
	(void)state;
	expect("{\"a\": \"x\"}", NULL);
	expect("{\"a\" :\t\"a needle b\", \"n\":1.50e+01}\n",
	       "{\"a\" :\t\"a <\\\"x\\\"> b\", \"n\":1.50e+01}\n");
	expect("[\"needleneedle\",[\"needle\"]]",
	       "[\"<\\\"x\\\"><\\\"x\\\">\",[\"<\\\"x\\\">\"]]");
	expect("{\"needle\":1}", "{\"<\\\"x\\\">\":1}");
	expect("\"needle\"", "\"<\\\"x\\\">\"");
	/* JSON lines */
	expect("{\"a\":1}\n{\"a\":\"needle\"}\n",
	       "{\"a\":1}\n{\"a\":\"<\\\"x\\\">\"}\n");
}

static void test_escapes(void **state)
{
	(void)state;
	expect("[\"\\u006eeedle\\n\\/\"]", "[\"<\\\"x\\\">\\n\\/\"]");
	expect("[\"\\ud83d\\ude00\\tneed\\u006c\\u0065 \\u00e4\"]",
	       "[\"\\ud83d\\ude00\\t<\\\"x\\\"> \\u00e4\"]");
	expect("[\"\\ud83d needle\"]", "[\"\\ud83d <\\\"x\\\">\"]");
	expect("[\"a\\\"needle\\\"needle\\\\\"]",
	       "[\"a\\\"<\\\"x\\\">\\\"<\\\"x\\\">\\\\\"]");
}

static int scan_digits(void *arg, struct str text, struct json_edits *e)
{
	(void)arg;
	if (text.n >= 4 && text.p[0] == '4')
		json_edits_add(e, 0, text.n, STR("CARD"));
	return 0;
}

static void test_numbers(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(json_edit(STR("[4, 41111111, 4111111111111111,1]"),
				   scan_digits, NULL, &b),
			 1);
	assert_string_equal(buf_cstr(&b), "[4, 41111111, \"CARD\",1]");
	buf_done(&b);
}

static void test_untouchable(void **state)
{
	(void)state;
	expect("{\"thinking\":\"needle\",\"signature\":\"needle\","
	       "\"type\":\"thinking\"}",
	       NULL);
	expect("{\"type\":\"redacted_thinking\",\"data\":\"needle\"}", NULL);
	/* without its proof it is plain text */
	expect("{\"type\":\"thinking\",\"thinking\":\"needle\"}",
	       "{\"type\":\"thinking\",\"thinking\":\"<\\\"x\\\">\"}");
	expect("{\"encrypted_content\":\"needle\","
	       "\"thought_signature\":\"needle\"}",
	       NULL);
	expect("{\"source\":{\"data\":\"needle\",\"media_type\":"
	       "\"image/png\",\"type\":\"base64\"},\"data\":\"needle\"}",
	       "{\"source\":{\"data\":\"needle\",\"media_type\":"
	       "\"image/png\",\"type\":\"base64\"},"
	       "\"data\":\"<\\\"x\\\">\"}");
	expect("{\"url\":\"data:image/png;base64,needle\"}", NULL);
	expect("{\"tool_use_id\":\"toolu_needle\"}", NULL);
	expect("{\"user_id\":\"needle\"}", "{\"user_id\":\"<\\\"x\\\">\"}");
	/* the block around it is not */
	expect("[{\"type\":\"thinking\",\"thinking\":\"needle\","
	       "\"signature\":\"s\"},{\"text\":\"needle\"}]",
	       "[{\"type\":\"thinking\",\"thinking\":\"needle\","
	       "\"signature\":\"s\"},{\"text\":\"<\\\"x\\\">\"}]");
}

static void test_malformed(void **state)
{
	static const char *const bad[] = {
		"",          " ",           "{",          "}",
		"[1,]",      "{\"a\"}",     "{\"a\":}",   "{,}",
		"[1 2]",     "{\"a\":1,}",  "nul",        "\"a",
		"[\"\\q\"]", "[\"\\u12\"]", "[\"a\nb\"]", "{\"a\":1]",
		"-",         "{1:2}",       "[,1]",
	};
	struct buf deep = BUF_INIT;
	char needle[] = "needle";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refuse(bad[i]);
	for (size_t i = 0; i <= JSON_EDIT_DEPTH; i++)
		buf_putc(&deep, '[');
	assert_int_equal(json_edit(buf_str(&deep), scan, needle, &deep),
			 -E2BIG);
	buf_done(&deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spans),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_untouchable),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
