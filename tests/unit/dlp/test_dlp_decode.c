/* SPDX-License-Identifier: MIT */
/*
 * test_dlp_decode.c - secrets written in another way
 */
#include <stdio.h>
#include <zlib.h>

#include "base/digest.h"
#include "tests/unit/dlp/fixture.h"
#include "tests/unit/dlp/samples.h"

static const struct dlp_settings none;

static void put_text(struct buf *b)
{
	uint64_t seed = 11;

	buf_puts(b, "first line of a file that is sent\nkey=sk-ant-");
	sample_fill(b, sample_alphabet('a'), 60, &seed);
	buf_puts(b, "\nlast line\n");
}

static void expect_hidden(const struct buf *text)
{
	_cleanup_dlp_engine_ struct dlp_engine *e = engine_of(&none);
	struct found f = { 0 };

	find_in(e, buf_str(text), &f);
	if (f.n != 1 ||
	    strcmp(dlp_type_name(e, f.at[0].type), "anthropic_api_key") != 0)
		fail_msg("%zu found in %s", f.n, buf_cstr(text));
}

/* base64 stays base64, with what is not secret in it. */
static void test_base64(void **state)
{
	_cleanup_dlp_engine_ struct dlp_engine *e = engine_of(&none);

	(void)state;
	for (size_t shift = 0; shift < 6; shift++) {
		_cleanup_buf_ struct buf plain = BUF_INIT, text = BUF_INIT;
		_cleanup_buf_ struct buf out = BUF_INIT, back = BUF_INIT;

		for (size_t i = 0; i < shift; i++)
			buf_putc(&plain, '.');
		put_text(&plain);
		base64_encode_to(&text, plain.data, plain.len);
		expect_hidden(&text);
		assert_int_equal(dlp_redact(e, buf_str(&text), &out, NULL), 1);
		assert_int_equal(base64_decode_to(&back, buf_str(&out)), 0);
		assert_non_null(strstr(buf_cstr(&back), "first line"));
		assert_non_null(strstr(buf_cstr(&back), "\nlast line\n"));
		assert_non_null(strstr(buf_cstr(&back),
				       "[REDACTED:anthropic_api_key]"));
		assert_null(strstr(buf_cstr(&back), "sk-ant"));
	}
}

static void test_base64_twice(void **state)
{
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT, c = BUF_INIT;

	(void)state;
	put_text(&a);
	base64_encode_to(&b, a.data, a.len);
	buf_puts(&c, "token=");
	base64_encode_to(&c, b.data, b.len);
	expect_hidden(&c);
}

static void test_gzip(void **state)
{
	_cleanup_dlp_engine_ struct dlp_engine *e = engine_of(&none);
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT, out = BUF_INIT;
	char packed[1024];
	z_stream z = { .next_out = (Bytef *)packed,
		       .avail_out = sizeof(packed) };

	(void)state;
	put_text(&a);
	z.next_in = (Bytef *)a.data;
	z.avail_in = (uInt)a.len;
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 9, 0), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_puts(&b, "{\"file\":\"");
	base64_encode_to(&b, packed, z.total_out);
	(void)deflateEnd(&z);
	buf_puts(&b, "\"}");
	expect_hidden(&b);
	assert_int_equal(dlp_redact(e, buf_str(&b), &out, NULL), 1);
	assert_string_equal(buf_cstr(&out),
			    "{\"file\":\"[REDACTED:anthropic_api_key]\"}");
}

/* Each byte that is no letter or digit, or every one, as %xx or \u00xx. */
static void put_escaped(struct buf *b, struct str s, const char *format,
			bool all)
{
	for (size_t i = 0; i < s.n; i++)
		if (all || !isalnum((unsigned char)s.p[i]))
			buf_printf(b,
				   strcmp(format, "%") == 0 ? "%%%02X"
							    : "\\u%04x",
				   (unsigned char)s.p[i]);
		else
			buf_putc(b, s.p[i]);
}

static void test_escapes(void **state)
{
	static const char *const formats[] = { "%", "\\u" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		_cleanup_buf_ struct buf plain = BUF_INIT, text = BUF_INIT;
		uint64_t seed = i;

		buf_puts(&plain, "sk-ant-api03-");
		sample_fill(&plain, sample_alphabet('a'), 60, &seed);
		buf_puts(&text, "/q?x=1&k=");
		put_escaped(&text, buf_str(&plain), formats[i / 2], i % 2);
		buf_puts(&text, "&y=2 HTTP/1.1");
		expect_hidden(&text);
	}
}

static void test_solidus(void **state)
{
	_cleanup_dlp_engine_ struct dlp_engine *e = engine_of(&none);

	(void)state;
	expect_redacted(e,
			"\"hooks.slack.com\\/services\\/T0123ABCD\\/"
			"B0123ABCD\\/aB3dE5gH7jK9mN1pQ3sT5vX7\"",
			"\"hooks.slack.com\\/services\\/"
			"[REDACTED:slack_webhook]\"");
}

/* Nothing in it: nothing changes, whatever it looks like. */
static void test_nothing(void **state)
{
	_cleanup_dlp_engine_ struct dlp_engine *e = engine_of(&none);
	uint64_t seed = 4;

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		_cleanup_buf_ struct buf text = BUF_INIT, out = BUF_INIT;

		sample_fill(&text, "abcXYZ019+/=_-%2.\\u0", 400, &seed);
		(void)dlp_redact(e, buf_str(&text), &out, NULL);
		assert_true(out.len > 0);
	}
	expect_redacted(e, "%%%41%4G\\u00zz%", "%%%41%4G\\u00zz%");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_twice),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_solidus),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
