/* SPDX-License-Identifier: MIT */
/*
 * test_server_ws.c - websocket frames and the opening handshake
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/ws.h"

static ssize_t parse(const char *bytes, size_t n, struct ws_frame *f,
		     char room[256])
{
	memcpy(room, bytes, n);
	return ws_parse(room, n, f);
}

/* RFC 6455 section 5.7: a masked "Hello" */
static void hello(void **state)
{
	static const char HELLO[] =
		"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
	struct ws_frame f;
	char room[256];

	(void)state;
	for (size_t n = 0; n < sizeof(HELLO) - 1; n++)
		assert_int_equal(parse(HELLO, n, &f, room), -EAGAIN);
	assert_int_equal(parse(HELLO, sizeof(HELLO) - 1, &f, room), 11);
	assert_int_equal(f.opcode, WS_TEXT);
	assert_true(f.fin);
	assert_true(str_eq_c(f.payload, "Hello"));
}

static void refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int want;
	} BAD[] = {
		{ "\x81\x05Hello", 7, -EBADMSG },        /* no mask */
		{ "\xc1\x80mask", 6, -EBADMSG },         /* RSV1 */
		{ "\x83\x80mask", 6, -EBADMSG },         /* opcode 3 */
		{ "\x09\x80mask", 6, -EBADMSG },         /* ping, no FIN */
		{ "\x89\xfe\x00\x7e", 4, -EBADMSG },     /* long ping */
		{ "\x82\xfe\x00\x05mask", 8, -EBADMSG }, /* long form */
		{ "\x82\xff\0\0\0\0\0\0\xff\xff", 10, -EBADMSG },
		{ "\x82\xff\0\0\0\0\x10\0\0\0", 10, -E2BIG },
		{ "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10, -E2BIG },
	};
	struct ws_frame f;
	char room[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
		if (parse(BAD[i].bytes, BAD[i].n, &f, room) != BAD[i].want)
			fail_msg("frame %zu", i);
}

static void lengths(void **state)
{
	static const size_t SIZES[] = { 0, 125, 126, 65535, 65536 };
	static const size_t HEADS[] = { 2, 2, 4, 4, 10 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(SIZES); i++) {
		_cleanup_buf_ struct buf data = BUF_INIT, out = BUF_INIT;

		for (size_t n = 0; n < SIZES[i]; n++)
			buf_putc(&data, 'x');
		ws_put(&out, WS_BINARY, buf_str(&data));
		assert_int_equal(out.error, 0);
		assert_int_equal(out.len, SIZES[i] + HEADS[i]);
	}
}

/* The key and answer of RFC 6455 section 1.3 */
static void handshake(void **state)
{
	const char *good = "GET /pty HTTP/1.1\r\nHost: x\r\n"
			   "Connection: keep-alive, Upgrade\r\n"
			   "Upgrade: websocket\r\n"
			   "Sec-WebSocket-Version: 13\r\n"
			   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
			   "\r\n";
	const char *short_key = "GET /pty HTTP/1.1\r\nHost: x\r\n"
				"Connection: Upgrade\r\n"
				"Upgrade: websocket\r\n"
				"Sec-WebSocket-Version: 13\r\n"
				"Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n";
	static struct http1_head h;
	_cleanup_buf_ struct buf out = BUF_INIT;

	(void)state;
	assert_true(http1_parse_request(str_from(good), &h) > 0);
	assert_int_equal(ws_accept(&h, &out), 0);
	assert_non_null(strstr(buf_cstr(&out), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
	assert_true(http1_parse_request(str_from(short_key), &h) > 0);
	assert_int_equal(ws_accept(&h, &out), -EBADMSG);
	assert_true(http1_parse_request(
			    STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), &h) > 0);
	assert_int_equal(ws_accept(&h, &out), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello),
		cmocka_unit_test(refused),
		cmocka_unit_test(lengths),
		cmocka_unit_test(handshake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
