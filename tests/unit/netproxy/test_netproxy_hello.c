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

static int follows(const char *bytes, size_t n, size_t *ret_skip)
{
	return hello_follows(str_from_n(bytes, n), ret_skip);
}

static void test_follows(void **state)
{
	_cleanup_buf_ struct buf again = BUF_INIT, ext = BUF_INIT;
	struct hello h = { .name = BUF_INIT };
	size_t skip;

	(void)state;
	put_server_name(&ext, STR("b.example"), 1);
	/* TLS 1.3: data after change_cipher_spec; 1.2: a key exchange */
	assert_int_equal(follows("\x14\3\3\0\1\1\x17\3\3\0\x20", 11, &skip), 0);
	assert_int_equal(follows("\x16\3\3\0\x20\x10", 6, &skip), 0);
	assert_int_equal(follows("\x17", 1, &skip), 0);
	assert_int_equal(follows("", 0, &skip), -EAGAIN);
	assert_int_equal(follows("\x14\3\3\0\1\1", 6, &skip), -EAGAIN);
	assert_int_equal(skip, 6);
	/* 1.2, resumed: encrypted, and begins with a 1 by chance */
	assert_int_equal(follows("\x14\3\3\0\1\1\x16\3\3\0\x28\1\x55\x66"
				 "\x77\x88\x99",
				 17, &skip),
			 0);
	for (size_t piece = 1; piece < 60; piece += 7) {
		buf_reset(&again);
		buf_put(&again, "\x14\3\3\0\1\1", 6);
		make_hello(buf_str(&ext), piece, &again);
		for (size_t i = 0; i < 17; i++)
			assert_int_not_equal(follows(again.data, i, &skip), 0);
		assert_int_equal(follows(again.data, again.len, &skip), 1);
		assert_int_equal(skip, 6);
		assert_int_equal(hello_parse(str_skip(buf_str(&again), 6), &h),
				 1);
		assert_string_equal(buf_cstr(&h.name), "b.example");
		assert_int_equal(h.len, again.len - 6);
		/* what comes after it is somebody else's */
		buf_put(&again, "\x17\3\3\0\1x", 6);
		assert_int_equal(hello_parse(str_skip(buf_str(&again), 6), &h),
				 1);
		assert_int_equal(h.len, again.len - 12);
	}
	buf_done(&h.name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_follows),
		cmocka_unit_test(test_ambiguous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
