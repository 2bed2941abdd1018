/* SPDX-License-Identifier: MIT */
/*
 * test_base_json.c - JSON as Go writes it, and a reader that bears anything
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"

static void written(struct str in, const char *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json_writer w;

	json_writer_init(&w, &b, 0);
	json_str(&w, in);
	assert_string_equal(buf_cstr(&b), want);
}

static void test_go_escapes(void **state)
{
	(void)state;
	written(STR("plain /'`"), "\"plain /'`\"");
	written(STR("\"\\"), "\"\\\"\\\\\"");
	written(STR("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
	written(STR("\x00\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\x7f\"");
	written(STR("<a&b>"), "\"\\u003ca\\u0026b\\u003e\"");
	written(STR("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"),
		"\"\\u2028\\u2029\xe2\x80\xaa\"");
	written(STR("\xc3\xa9\xf0\x9f\x98\x80"),
		"\"\xc3\xa9\xf0\x9f\x98\x80\"");
	written(STR("a\xff\xe2\x82z"), "\"a\\ufffd\\ufffd\\ufffdz\"");
	written(STR("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
	written(STR_NONE, "\"\"");
}

static void test_shown(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	(void)state;
	json_put_shown(&b, STR("[\"a\x7f\xc2\x9b\xe2\x80\xae\xc3\xa9\"]"));
	assert_string_equal(buf_cstr(&b),
			    "[\"a\\u007f\\u009b\\u202e\xc3\xa9\"]");
}

static void test_numbers(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json_writer w;

	(void)state;
	json_writer_init(&w, &b, 0);
	json_begin_array(&w);
	json_i64(&w, INT64_MIN);
	json_i64(&w, 0);
	json_u64(&w, UINT64_MAX);
	json_end_array(&w);
	assert_string_equal(buf_cstr(&b),
			    "[-9223372036854775808,0,18446744073709551615]");
}

static void build(struct json_writer *w)
{
	json_begin_object(w);
	json_kv_cstr(w, "a", NULL);
	json_key(w, "empty");
	json_begin_array(w);
	json_end_array(w);
	json_key(w, "o");
	json_begin_object(w);
	json_kv_bool(w, "t", true);
	json_key(w, "l");
	json_begin_array(w);
	json_i64(w, 1);
	json_raw(w, STR("{}"));
	json_end_array(w);
	json_kv_str_opt(w, "gone", STR_NONE);
	json_kv_i64_opt(w, "gone", 0);
	json_kv_bool_opt(w, "gone", false);
	json_kv_i64_opt(w, "n", -3);
	json_end_object(w);
	json_end_object(w);
}

static void test_layout(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json_writer w;

	(void)state;
	json_writer_init(&w, &b, 0);
	build(&w);
	assert_string_equal(buf_cstr(&b), "{\"a\":null,\"empty\":[],\"o\":{"
					  "\"t\":true,\"l\":[1,{}],\"n\":-3}}");
	buf_reset(&b);
	json_writer_init(&w, &b, 2);
	build(&w);
	assert_string_equal(buf_cstr(&b), "{\n"
					  "  \"a\": null,\n"
					  "  \"empty\": [],\n"
					  "  \"o\": {\n"
					  "    \"t\": true,\n"
					  "    \"l\": [\n"
					  "      1,\n"
					  "      {}\n"
					  "    ],\n"
					  "    \"n\": -3\n"
					  "  }\n"
					  "}");
}

static void test_writer_depth(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json_writer w;

	(void)state;
	json_writer_init(&w, &b, 0);
	for (int i = 0; i < JSON_MAX_DEPTH; i++)
		json_begin_array(&w);
	assert_int_equal(b.error, 0);
	json_begin_array(&w);
	assert_int_equal(b.error, -E2BIG);
	for (int i = 0; i < JSON_MAX_DEPTH + 5; i++)
		json_end_array(&w); /* must not run below zero */
}

static int parse(struct str text, struct arena *a, struct json **ret)
{
	return json_parse(a, text, ret);
}

static void refused(struct str text, int error)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(64U << 20);
	struct json *j = NULL;
	int r = parse(text, &a, &j);

	if (r != error)
		fail_msg("\"" STR_FMT "\" gives %d", STR_ARG(text), r);
}

static void test_bad_syntax(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"}",
		"[1,]",
		"{,}",
		"[,1]",
		"[1 2]",
		"{\"a\"}",
		"{a:1}",
		"{\"a\":1,}",
		"1 2",
		"01",
		"-",
		"1.",
		".5",
		"1e",
		"+1",
		"0x1",
		"nul",
		"True",
		"NaN",
		"\"a",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\u12g4\"",
		"\"\\",
		"[1}",
		"{\"a\":]",
		"'a'",
		"\"a\nb\"",
		"[[]",
		"\"\t\"",
		"1e+",
		"\xef\xbb\xbf[]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refused(str_from(bad[i]), -EBADMSG);
	refused(STR("1\0"), -EBADMSG);
	refused(STR("\"\\\0\""), -EBADMSG);
}

static void test_depth_and_size(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_arena_ struct arena small = ARENA_INIT(4096);
	_cleanup_arena_ struct arena a = ARENA_INIT(0);
	struct json *j = NULL;

	(void)state;
	for (int i = 0; i < JSON_MAX_DEPTH; i++)
		buf_putc(&b, '[');
	for (int i = 0; i < JSON_MAX_DEPTH; i++)
		buf_putc(&b, ']');
	assert_int_equal(parse(buf_str(&b), &a, &j), 0);
	buf_reset(&b);
	for (int i = 0; i < 1000000; i++)
		buf_putc(&b, '[');
	refused(buf_str(&b), -E2BIG);
	buf_reset(&b);
	buf_putc(&b, '[');
	for (unsigned int i = 0; i < JSON_MAX_NODES; i++)
		buf_puts(&b, "0,");
	buf_puts(&b, "0]");
	refused(buf_str(&b), -E2BIG);
	assert_int_equal(parse(buf_str(&b), &small, &j), -ENOMEM);
}

static void text_is(const char *json, struct str want)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(0);
	struct json *j = NULL;

	assert_int_equal(parse(str_from(json), &a, &j), 0);
	if (!str_eq(j->text, want))
		fail_msg("%s gives \"" STR_FMT "\"", json, STR_ARG(j->text));
}

static void test_strings(void **state)
{
	(void)state;
	text_is("\"\"", STR(""));
	text_is("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", STR("a\"\\/\b\f\n\r\t"));
	text_is("\"\\u0041\\u00e9\\u20ac\"", STR("A\xc3\xa9\xe2\x82\xac"));
	text_is("\"\\ud83d\\ude00\"", STR("\xf0\x9f\x98\x80"));
	text_is("\"\\ud83dx\"", STR("\xef\xbf\xbdx")); /* lone surrogates */
	text_is("\"\\ude00\"", STR("\xef\xbf\xbd"));
	text_is("\"\\ud83d\\u0041\"", STR("\xef\xbf\xbd"
					  "A"));
	text_is("\"\\ud83d\"", STR("\xef\xbf\xbd"));
	text_is("\"\\u0000\"", STR("\0"));
	text_is("\"a\xff\"", STR("a\xef\xbf\xbd"));
	text_is(" -0.50e+07 ", STR("-0.50e+07")); /* number text is kept */
	text_is("123456789012345678901234567890",
		STR("123456789012345678901234567890"));
}

static void test_lookup(void **state)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(0);
	struct json *j = NULL;
	int64_t sum = 0;

	(void)state;
	assert_int_equal(parse(STR("{\"s\":\"x\",\"n\":42,\"n\":43,\"b\":true,"
				   "\"f\":1.5,\"l\":[1,2,3],\"z\":null}"),
			       &a, &j),
			 0);
	assert_int_equal(j->n, 7);
	assert_true(str_eq(json_get_str(j, "s"), STR("x")));
	assert_int_equal(json_get_i64(j, "n", 0), 43); /* last one wins */
	assert_int_equal(json_get_i64(j, "s", -1), -1);
	assert_int_equal(json_get_i64(j, "f", -1), -1);
	assert_true(json_get_bool(j, "b", false));
	assert_true(json_get_bool(j, "n", true));
	assert_null(json_get(j, "nope"));
	assert_null(json_get(json_get(j, "l"), "x"));
	assert_null(json_get(NULL, "x"));
	json_foreach(e, json_get(j, "l"))
	{
		sum = sum * 10 + (e->text.p[0] - '0');
	}
	assert_int_equal(sum, 123);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_go_escapes),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_writer_depth),
		cmocka_unit_test(test_bad_syntax),
		cmocka_unit_test(test_depth_and_size),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_lookup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
