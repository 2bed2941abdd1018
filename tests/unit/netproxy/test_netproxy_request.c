/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "netproxy/request.h"

static int parse(const char *text, struct http1_head *head,
		 struct request *request)
{
	ssize_t n = http1_parse_request(str_from(text), head);

	*request = (struct request){ .host = BUF_INIT };
	return n > 0 ? request_parse(head, request) : 400;
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int status;
	} rows[] = {
		{ "CONNECT example.com HTTP/1.1\r\nHost: example.com\r\n\r\n",
		  400 },
		{ "CONNECT a:80 HTTP/1.1\r\nHost: b:80\r\n\r\n", 400 },
		{ "CONNECT u@a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 400 },
		{ "CONNECT a:0 HTTP/1.1\r\nHost: a:0\r\n\r\n", 400 },
		{ "CONNECT a:65536 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
		{ "CONNECT ::1:80 HTTP/1.1\r\nHost: ::1:80\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
		{ "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 501 },
		{ "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400 },
		{ "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n"
		  "Content-Length: 1\r\n\r\n",
		  400 },
		{ "GET http://a@b/ HTTP/1.1\r\nHost: b\r\n\r\n", 400 },
		{ "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
		{ "GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
		{ "GET http://a/#x HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
	};
	struct http1_head head;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct request r;
		int status = parse(rows[i].text, &head, &r);

		if (status != rows[i].status)
			fail_msg("%d for %s", status, rows[i].text);
		request_done(&r);
	}
}

static void test_address_in_disguise(void **state)
{
	static const char *const texts[] = {
		"CONNECT 0xA9FEA9FE:80 HTTP/1.1\r\nHost: 0xA9FEA9FE:80\r\n\r\n",
		"CONNECT 169.254.43518:80 HTTP/1.1\r\nHost: 169.254.43518:80"
		"\r\n\r\n",
		"CONNECT [::ffff:169.254.169.254]:80 HTTP/1.1\r\n"
		"Host: [::ffff:169.254.169.254]:80\r\n\r\n",
		"CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 2852039166:80"
		"\r\n\r\n",
	};
	struct http1_head head;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct request r;

		assert_int_equal(parse(texts[i], &head, &r), 0);
		assert_true(r.is_addr);
		assert_string_equal(buf_cstr(&r.host), "169.254.169.254");
		assert_int_equal(addr_classify(&r.addr), ADDR_METADATA);
		request_done(&r);
	}
}

static void test_emit_normalises(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct http1_head head;
	struct request r;

	(void)state;
	assert_int_equal(parse("GET http://Example.COM:8080/a?b=c HTTP/1.1\r\n"
			       "Host: another.example\r\n"
			       "Connection: close, X-Secret\r\n"
			       "X-Secret: 1\r\nProxy-Authorization: Basic x\r\n"
			       "Accept:  */*\r\n\r\n",
			       &head, &r),
			 0);
	request_emit(&r, &head, true, &out);
	assert_string_equal(buf_cstr(&out), "GET /a?b=c HTTP/1.1\r\n"
					    "Host: example.com:8080\r\n"
					    "Accept: */*\r\n"
					    "Connection: keep-alive\r\n\r\n");
	request_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_address_in_disguise),
		cmocka_unit_test(test_emit_normalises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
