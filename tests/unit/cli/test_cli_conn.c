/* SPDX-License-Identifier: MIT */
/*
 * test_cli_conn.c - answers, event streams, frames and URLs, byte by byte
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/conn.h"
#include "cli/sse.h"
#include "cli/websocket.h"

/* Feeds text in pieces of `step` bytes; the last value of conn_parse(). */
static int feed(struct conn *c, const char *text, size_t step)
{
	struct str rest = str_from(text);
	int r = 0;

	while (r == 0 && rest.n) {
		size_t n = MIN(rest.n, step);

		buf_put(&c->in, rest.p, n);
		rest = str_skip(rest, n);
		r = conn_parse(c);
	}
	return r;
}

static void test_answers(void **state)
{
	static const struct {
		const char *text, *body;
		int r, status;
	} t[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello",
		  1, 200 },
		{ "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "", 1,
		  404 },
		{ "HTTP/1.1 204 No Content\r\n\r\n", "", 1, 204 },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n",
		  "abc0123456789", 1, 200 },
		{ "HTTP/1.1 100 Continue\r\n\r\n"
		  "HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx",
		  "x", 1, 201 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "hel", 0,
		  200 },
		{ "HTTP/1.1 200 OK\r\n\r\nto the end", "to the end", 0, 200 },
		{ "SMTP hello\r\n\r\n", "", -EBADMSG, 0 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		  "Content-Length: 2\r\n\r\nxx",
		  "", -EBADMSG, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		for (size_t step = 1; step < 200; step += 7) {
			_cleanup_conn_ struct conn c = CONN_INIT;

			c.method = "GET";
			assert_int_equal(feed(&c, t[i].text, step), t[i].r);
			assert_string_equal(buf_cstr(&c.body), t[i].body);
			assert_int_equal(c.status, t[i].status);
		}
	}
}

static int collect(void *arg, struct str event, struct str data)
{
	struct buf *b = arg;

	buf_printf(b, "[" STR_FMT "|" STR_FMT "]", STR_ARG(event),
		   STR_ARG(data));
	return 0;
}

static void test_sse(void **state)
{
	static const char text[] = "event: ready\ndata: {}\n\n"
				   ": comment\n\n"
				   "data: a\r\ndata: b\r\n\r\n"
				   "event: stdout\ndata: x\n\n"
				   "data: unfinished\n";

	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		_cleanup_buf_ struct buf got = BUF_INIT;
		struct sse s = { .fn = collect, .arg = &got };
		struct str rest = str_from(text);

		while (rest.n) {
			size_t n = MIN(rest.n, step);

			assert_int_equal(sse_feed(&s, str_from_n(rest.p, n)),
					 0);
			rest = str_skip(rest, n);
		}
		assert_string_equal(buf_cstr(&got),
				    "[ready|{}][|a\nb][stdout|x]");
		sse_done(&s);
	}
}

static void test_websocket(void **state)
{
	/* RFC 6455 section 1.3 and 5.7 */
	static const uint8_t hello[] = { 0x81, 0x05, 0x48, 0x65,
					 0x6c, 0x6c, 0x6f };
	static const uint8_t masked[] = { 0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d,
					  0x7f, 0x9f, 0x4d, 0x51, 0x58 };
	static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
	_cleanup_buf_ struct buf b = BUF_INIT, key = BUF_INIT;
	struct ws_frame f = { 0 };
	struct str in = str_from_n((const char *)hello, sizeof(hello));

	(void)state;
	websocket_accept(STR("dGhlIHNhbXBsZSBub25jZQ=="), &key);
	assert_string_equal(buf_cstr(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_int_equal(websocket_parse(in, &f), sizeof(hello));
	assert_true(f.fin && str_eq(f.payload, STR("Hello")));
	for (size_t n = 0; n < sizeof(hello); n++)
		assert_int_equal(websocket_parse(str_from_n(in.p, n), &f),
				 -EAGAIN);
	websocket_put(&b, WS_TEXT, STR("Hello"), mask);
	assert_int_equal(b.len, sizeof(masked));
	assert_memory_equal(b.data, masked, sizeof(masked));
	/* a server must not mask */
	assert_int_equal(websocket_parse(buf_str(&b), &f), -EBADMSG);
}

static void test_urls(void **state)
{
	static const struct {
		const char *text, *host, *path;
		int port;
		bool loopback, ok;
	} t[] = {
		{ "http://127.0.0.1:18080", "127.0.0.1", "", 18080, true,
		  true },
		{ "http://localhost/", "localhost", "", 80, true, true },
		{ "http://[::1]:99/x", "::1", "", 99, true, true },
		{ "http://127.0.0.1.evil.com:1", "127.0.0.1.evil.com", "", 1,
		  false, true },
		{ "http://box:8080", "box", "", 8080, false, true },
		{ "unix:///run/a.sock", "", "/run/a.sock", 0, false, true },
		{ "unix://rel.sock", "", "rel.sock", 0, false, true },
		{ "https://box", "box", "", 443, false, true },
		{ "https://box:8443/x", "box", "", 8443, false, true },
		{ "https://", "", "", 0, false, false },
		{ "ftp://box", "", "", 0, false, false },
		{ "http://box:0", "", "", 0, false, false },
		{ "http://box:99999", "", "", 0, false, false },
		{ "http://", "", "", 0, false, false },
		{ "http://a\r\nX: b", "", "", 0, false, false },
		{ "unix://", "", "", 0, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		_cleanup_buf_ struct buf error = BUF_INIT;
		struct server_url u;
		int r = server_url_parse(t[i].text, &u, &error);

		assert_int_equal(r == 0, t[i].ok);
		if (r < 0) {
			assert_true(error.len > 0);
			continue;
		}
		assert_string_equal(u.host, t[i].host);
		assert_string_equal(u.path, t[i].path);
		assert_int_equal(u.port, t[i].port);
		assert_int_equal(u.loopback, t[i].loopback);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_sse),
		cmocka_unit_test(test_websocket),
		cmocka_unit_test(test_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
