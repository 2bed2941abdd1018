/* SPDX-License-Identifier: MIT */
/*
 * test_netproxy_first.c - what first bytes are told apart, at every length
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "netproxy/first.h"

#define ROW(text, what)                      \
	{                                    \
		text, sizeof(text) - 1, what \
	}

static const struct row {
	const char *text;
	size_t n;
	enum first what;
} rows[] = {
	ROW("GET / HTTP/1.1\r\n", FIRST_HTTP),
	ROW("get\t/ http/1.1\r\n", FIRST_HTTP),
	ROW("\r\n\r\nGET /\r\n", FIRST_HTTP),
	ROW("\nPUT HTTPS://x/ HTTP/1.0\r\n", FIRST_HTTP),
	ROW("X-Y.z /", FIRST_HTTP),
	ROW("OPTIONS * HTTP/1.1", FIRST_HTTP),
	ROW("CONNECT evil.test:443 HTTP/1.1", FIRST_HTTP),
	ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", FIRST_HTTP2),
	ROW(" GET  /", FIRST_HTTP),
	ROW("\xa0GET\x0b/", FIRST_HTTP),
	ROW("GET\r\x1c/", FIRST_HTTP),
	ROW("get foo://x/", FIRST_HTTP),
	ROW("get x http/1.1\r\n", FIRST_HTTP),
	ROW("get hello\r\n HTTP/1.1", FIRST_OTHER),
	ROW("log \"GET / HTTP/1.1\" 200\n", FIRST_OTHER),
	ROW("CONNECT {\"verbose\":false}\r\n", FIRST_OTHER),
	ROW("\x1f\x8b\x08", FIRST_OTHER),
	ROW("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", FIRST_OTHER),
	ROW("get hello\r\n", FIRST_OTHER),
	ROW("*1\r\n$4\r\nPING\r\n", FIRST_OTHER),
	ROW("EHLO host\r\n", FIRST_OTHER),
	ROW("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", FIRST_NO_SNI),
	ROW("PROXX TCP4\n", FIRST_OTHER),
	ROW("\r\n\r\n\0\r\nQUIT\n\x21\x11", FIRST_NO_SNI),
	ROW("\r\n\r\n\0\r\nQUIX", FIRST_OTHER),
	ROW("\x16\x03\x01\x02", FIRST_HELLO),
	ROW("\x14\x03\x03\x00\x01\x01", FIRST_NO_SNI),
	ROW("\x15\x03\x01", FIRST_NO_SNI),
	ROW("\x14\x01", FIRST_OTHER),
	ROW("\x80\x2e\x01\x00\x02", FIRST_NO_SNI),
	ROW("\x80\x2e\x01\x03\x03", FIRST_NO_SNI),
	ROW("\x80\x2e\x01\x05\x03", FIRST_OTHER),
	ROW("\x00\x01", FIRST_OTHER),
};

/* Once it is told it stays so; before that it is unclear. */
static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		for (size_t n = 0; n <= r->n; n++) {
			enum first what = first_bytes(str_from_n(r->text, n));

			if (what != r->what && what != FIRST_UNCLEAR)
				fail_msg("row %zu, %zu bytes: %d", i, n,
					 (int)what);
		}
		assert_int_equal(first_bytes(str_from_n(r->text, r->n)),
				 r->what);
	}
}

static void test_always_told(void **state)
{
	char text[FIRST_MAX];

	(void)state;
	for (unsigned int lines = 0; lines < FIRST_MAX; lines++) {
		memset(text, 'A', sizeof(text));
		memset(text, '\n', lines);
		assert_int_not_equal(
			first_bytes(str_from_n(text, sizeof(text))),
			FIRST_UNCLEAR);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_always_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
