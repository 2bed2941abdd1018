/* SPDX-License-Identifier: MIT */
/* URLs of providers, and which one a request is for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "netproxy/provider.h"

static void test_url(void **state)
{
	static const char *const bad[] = {
		"",
		"host",
		"ftp://host",
		"http://host",
		"http://10.0.0.1",
		"http://localhost",
		"https://",
		"https:///x",
		"https://user@host",
		"https://host:0",
		"https://host:99999",
		"https://host/a?b",
		"https://ho st",
		"http://127.1",
	};
	struct provider p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad) - 1; i++)
		assert_int_equal(provider_parse_url(str_from(bad[i]), &p),
				 -EINVAL);
	assert_int_equal(
		provider_parse_url(STR("https://API.Example.com:8443/v1/"), &p),
		0);
	assert_string_equal(p.host, "api.example.com");
	assert_string_equal(p.base, "/v1");
	assert_int_equal(p.port, 8443);
	assert_true(p.tls);
	provider_done(&p);
	assert_int_equal(provider_parse_url(STR("http://127.0.0.1:9"), &p), 0);
	assert_false(p.tls);
	assert_true(p.is_addr);
	provider_done(&p);
}

static void expect_route(const char *urls, const char *request,
			 const char *name, const char *path)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(65536);
	_cleanup_buf_ struct buf text = BUF_INIT, got = BUF_INIT;
	static struct http1_head head;
	const struct provider *to;
	struct providers p;
	enum dialect dialect;
	struct json *v;

	buf_puts(&text, request);
	buf_puts(&text, "\r\nHost: x\r\n\r\n");
	assert_int_equal(json_parse(&a, str_from(urls), &v), 0);
	assert_int_equal(providers_init(&p, v, &got), 0);
	assert_true(http1_parse_request(buf_str(&text), &head) > 0);
	to = providers_route(&p, &head, &got, &dialect);
	if (name) {
		assert_non_null(to);
		assert_string_equal(to->name, name);
		buf_reset(&text);
		buf_puts(&text, to->base);
		buf_put_str(&text, buf_str(&got));
		assert_string_equal(buf_cstr(&text), path);
	} else {
		assert_null(to);
	}
	providers_done(&p);
}

static void test_route(void **state)
{
	static const char own[] = "{\"openai\":\"https://gw/o/v1\","
				  "\"mine\":\"https://m/b\"}";

	(void)state;
	expect_route("{}", "POST /v1/messages HTTP/1.1\r\nx-api-key: k",
		     "anthropic", "/v1/messages");
	expect_route("{}",
		     "POST /v1/messages HTTP/1.1\r\nAuthorization: Bearer t"
		     "\r\nanthropic-version: 1",
		     "anthropic", "/v1/messages");
	expect_route("{}",
		     "GET /v1/models HTTP/1.1\r\nAuthorization: Bearer sk-x",
		     "openai", "/v1/models");
	expect_route("{}",
		     "POST /responses HTTP/1.1\r\nAuthorization: Bearer sk-x",
		     "openai", "/v1/responses");
	expect_route("{}",
		     "POST /v1/responses HTTP/1.1\r\nAuthorization: Bearer ey",
		     "chatgpt", "/backend-api/responses");
	/* a base with the version in it, and none of ChatGPT's */
	expect_route(own,
		     "POST /v1/responses HTTP/1.1\r\nAuthorization: Bearer ey",
		     "openai", "/o/v1/responses");
	expect_route(own,
		     "POST /responses HTTP/1.1\r\nAuthorization: Bearer ey",
		     "openai", "/o/v1/responses");
	expect_route(own, "POST /llm/mine/v1/x?y HTTP/1.1\r\nA: b", "mine",
		     "/b/v1/x?y");
	expect_route(own, "POST /llm/none/x HTTP/1.1\r\nA: b", NULL, NULL);
	expect_route("{}", "POST /v1/messages HTTP/1.1\r\nA: b", NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
