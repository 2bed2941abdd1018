/* SPDX-License-Identifier: MIT */
/*
 * test_base_http1.c - heads that must parse, heads that must not, chunks
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/http1.h"

static struct http1_head head;

static ssize_t request(const char *text)
{
	return http1_parse_request(str_from(text), &head);
}

static void good_request(void **state)
{
	const char *text = "POST /a?b=c HTTP/1.1\r\nHost: x\r\n"
			   "Content-Length:  12 \r\nX-Y: one, Two\r\n\r\nrest";

	(void)state;
	assert_int_equal(request(text), (int)strlen(text) - 4);
	assert_true(str_eq_c(head.method, "POST"));
	assert_true(str_eq_c(head.target, "/a?b=c"));
	assert_int_equal(head.body, HTTP1_BODY_LENGTH);
	assert_int_equal(head.content_length, 12);
	assert_true(head.keep_alive);
	assert_true(http1_header_has_token(&head, "x-y", "two"));
	assert_false(http1_header_has_token(&head, "x-y", "on"));
	assert_int_equal(request("GET / HTTP/1.0\r\n\r\n"), 18);
	assert_false(head.keep_alive);
}

static void every_prefix_needs_more(void **state)
{
	const char *text = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

	(void)state;
	for (size_t n = 0; n < strlen(text); n++)
		assert_int_equal(http1_parse_request(str_from_n(text, n),
						     &head),
				 -EAGAIN);
}

static void bad_requests(void **state)
{
#define H "Host: x\r\n"
	static const char *const bad[] = {
		"GET / HTTP/1.1\nHost: x\n\n",
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\n" H H "\r\n",
		"GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n",
		"GET / HTTP/1.1\r\n" H "A : b\r\n\r\n",
		"GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: 1\r\n"
		"Content-Length: 1\r\n\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: 1\r\n"
		"Transfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\n",
		"GET / HTTP/1.1\r\n" H "Content-Length: \r\n\r\n",
		"GET / HTTP/1.1\r\n" H
		"Content-Length: 99999999999999999999\r\n\r\n",
		"GET / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n"
		"\r\n",
		"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
		"G@T / HTTP/1.1\r\n" H "\r\n",
		"GET /\x01 HTTP/1.1\r\n" H "\r\n",
		"GET  / HTTP/1.1\r\n" H "\r\n",
		"GET / HTTP/1.2\r\n" H "\r\n",
		"GET / http/1.1\r\n" H "\r\n",
		"GET / HTTP/1.1 \r\n" H "\r\n",
		" GET / HTTP/1.1\r\n" H "\r\n",
		"GET / HTTP/1.1\r\n" H ": b\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (request(bad[i]) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
}

static void too_large(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	(void)state;
	buf_puts(&b, "GET / HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < HTTP1_MAX_HEADERS; i++)
		buf_printf(&b, "A%d: b\r\n", i);
	buf_puts(&b, "\r\n");
	assert_int_equal(http1_parse_request(buf_str(&b), &head), -E2BIG);
	buf_reset(&b);
	buf_puts(&b, "GET / HTTP/1.1\r\nHost: ");
	for (int i = 0; i < HTTP1_MAX_HEAD; i++)
		buf_putc(&b, 'x');
	assert_int_equal(http1_parse_request(buf_str(&b), &head), -E2BIG);
}

static ssize_t response(const char *text, const char *method)
{
	return http1_parse_response(str_from(text), str_from(method), &head);
}

static void responses(void **state)
{
	(void)state;
	assert_true(response("HTTP/1.1 200 OK\r\n\r\n", "GET") > 0);
	assert_int_equal(head.status, 200);
	assert_int_equal(head.body, HTTP1_BODY_UNTIL_CLOSE);
	assert_false(head.keep_alive);
	assert_true(response("HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n",
			     "HEAD") > 0);
	assert_int_equal(head.body, HTTP1_BODY_NONE);
	assert_true(response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
			     "GET") > 0);
	assert_int_equal(head.body, HTTP1_BODY_NONE);
	assert_true(head.keep_alive);
	assert_true(response("HTTP/1.1 200 OK\r\n\r\n", "CONNECT") > 0);
	assert_int_equal(head.body, HTTP1_BODY_NONE);
	assert_int_equal(response("HTTP/1.1 99 X\r\n\r\n", "GET"), -EBADMSG);
	assert_int_equal(response("HTTP/1.1 200OK\r\n\r\n", "GET"), -EBADMSG);
	assert_int_equal(response("ICY 200 OK\r\n\r\n", "GET"), -EBADMSG);
}

/* Feeds at most `step` new bytes at a time. */
static int decode(const char *text, size_t step, struct buf *out)
{
	struct http1_chunked c = HTTP1_CHUNKED_INIT;
	size_t at = 0, have = 0, total = strlen(text);
	bool done = false;
	struct str data;

	while (!done) {
		ssize_t n = http1_chunked_decode(
			&c, str_from_n(text + at, have - at), &data, &done);

		if (n == -EAGAIN) {
			if (have == total)
				return -EAGAIN;
			have = MIN(total, have + step);
			continue;
		}
		if (n < 0)
			return (int)n;
		buf_put_str(out, data);
		at += (size_t)n;
	}
	return (int)at;
}

static void chunks(void **state)
{
	const char *text = "5;a=b\r\nhello\r\n0A\r\n0123456789\r\n0\r\n"
			   "T: x\r\n\r\n";

	(void)state;
	for (size_t step = 1; step < strlen(text); step++) {
		_cleanup_buf_ struct buf out = BUF_INIT;

		assert_int_equal(decode(text, step, &out), strlen(text));
		assert_string_equal(buf_cstr(&out), "hello0123456789");
	}
}

static void bad_chunks(void **state)
{
	static const char *const bad[] = {
		"x\r\n",       "\r\n",
		"-1\r\n",      "1\nab",
		"1\r\nabc",    "1 \r\na\r\n0\r\n\r\n",
		"0x1\r\na",    "fffffffffffffffff\r\n",
		"1;\001\r\na", "0\r\nbad\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_cleanup_buf_ struct buf out = BUF_INIT;

		if (decode(bad[i], 100, &out) != -EBADMSG)
			fail_msg("accepted chunks %zu: %s", i, bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_request),
		cmocka_unit_test(every_prefix_needs_more),
		cmocka_unit_test(bad_requests),
		cmocka_unit_test(too_large),
		cmocka_unit_test(responses),
		cmocka_unit_test(chunks),
		cmocka_unit_test(bad_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
