/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "netproxy/hello.h"

static void put16(struct buf *b, size_t v)
{
	buf_putc(b, (char)(v >> 8));
	buf_putc(b, (char)v);
}

/* An extension as RFC 6066 section 3 has it, with n copies of the name. */
static void put_server_name(struct buf *b, struct str name, unsigned int n)
{
	put16(b, 0);
	put16(b, 2 + n * (name.n + 3));
	put16(b, n * (name.n + 3));
	for (unsigned int i = 0; i < n; i++) {
		buf_putc(b, 0);
		put16(b, name.n);
		buf_put_str(b, name);
	}
}

/* A ClientHello with these extensions in records of at most `piece` bytes. */
static void make_hello(struct str extensions, size_t piece, struct buf *out)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	char random[34] = { 3, 3 };

	buf_put(&body, "\1\0", 2);
	put16(&body, 34 + 1 + 4 + 2 + 2 + extensions.n);
	buf_put(&body, random, sizeof(random));
	buf_putc(&body, 0);
	buf_put(&body, "\0\2\x13\x01\1\0", 6);
	put16(&body, extensions.n);
	buf_put_str(&body, extensions);
	for (size_t at = 0; at < body.len; at += piece) {
		size_t n = MIN(piece, body.len - at);

		buf_put(out, "\x16\3\1", 3);
		put16(out, n);
		buf_put(out, body.data + at, n);
	}
}

static int parse(struct str extensions, size_t piece, struct hello *h)
{
	_cleanup_buf_ struct buf bytes = BUF_INIT;

	make_hello(extensions, piece, &bytes);
	/* every prefix is incomplete, never wrong */
	for (size_t i = 0; i < bytes.len; i++) {
		struct hello part = { .name = BUF_INIT };

		assert_int_equal(hello_parse(str_from_n(bytes.data, i), &part),
				 -EAGAIN);
		buf_done(&part.name);
	}
	return hello_parse(buf_str(&bytes), h);
}

static int parse_name(struct str name, unsigned int n, struct hello *h)
{
	_cleanup_buf_ struct buf ext = BUF_INIT;

	put_server_name(&ext, name, n);
	return parse(buf_str(&ext), 16384, h);
}

static void test_name(void **state)
{
	struct hello h = { .name = BUF_INIT };
	_cleanup_buf_ struct buf ext = BUF_INIT;

	(void)state;
	assert_int_equal(parse_name(STR("Www.Example.COM"), 1, &h), 1);
	assert_string_equal(buf_cstr(&h.name), "www.example.com");
	assert_false(h.ech);
	put_server_name(&ext, STR("a.example"), 1);
	for (size_t piece = 1; piece < 80; piece++) {
		assert_int_equal(parse(buf_str(&ext), piece, &h), 1);
		assert_string_equal(buf_cstr(&h.name), "a.example");
	}
	put16(&ext, 0xfe0d);
	put16(&ext, 1);
	buf_putc(&ext, 0);
	assert_int_equal(parse(buf_str(&ext), 16384, &h), 1);
	assert_true(h.ech);
	assert_int_equal(parse(STR_NONE, 16384, &h), 1);
	assert_int_equal(h.name.len, 0);
	buf_done(&h.name);
}

static void test_ambiguous(void **state)
{
	static const char *const names[] = { "",          "127.0.0.1", "a b",
					     "a..b",      "-a.b",      "::1",
					     "2130706433" };
	struct hello h = { .name = BUF_INIT };
	_cleanup_buf_ struct buf ext = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(parse_name(str_from(names[i]), 1, &h),
				 -EBADMSG);
	assert_int_equal(parse_name(STR("evil\0.good"), 1, &h), -EBADMSG);
	assert_int_equal(parse_name(STR("a.b"), 2, &h), -EBADMSG);
	put_server_name(&ext, STR("a.b"), 1);
	put_server_name(&ext, STR("c.d"), 1);
	assert_int_equal(parse(buf_str(&ext), 16384, &h), -EBADMSG);
	buf_done(&h.name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_ambiguous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
