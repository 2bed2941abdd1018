/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "netproxy/dns.h"
#include "netproxy/names.h"
#include "netproxy/socks.h"

#define QUERY(labels, type) \
	STR("\0\7\1\0\0\1\0\0\0\0\0\0" labels "\0\0" type "\0\1")

static void test_queries(void **state)
{
	static const struct {
		struct str bytes;
		int result;
		const char *name;
	} rows[] = {
		{ { NULL, 0 }, -EBADMSG, NULL },
		{ QUERY("\4GOOD\4test", "\1"), 0, "good.test" },
		{ QUERY("\3a.b\4test", "\1"), -EBADMSG, NULL },
		{ QUERY("\xc0\x0c", "\1"), -EBADMSG, NULL },
		{ QUERY("\4a b \4test", "\1"), 0, "" },
		{ QUERY("\3"
			"127\1"
			"0\1"
			"0\1"
			"1",
			"\1"),
		  0, "" },
		/* an answer, two questions */
		{ STR("\0\7\x81\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"), -EBADMSG,
		  NULL },
		{ STR("\0\7\1\0\0\2\0\0\0\0\0\0\1a\0\0\1\0\1"), -EBADMSG,
		  NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct dns_query q;

		assert_int_equal(dns_parse_query(rows[i].bytes, &q),
				 rows[i].result);
		if (rows[i].name)
			assert_string_equal(q.name, rows[i].name);
	}
}

static void test_answer(void **state)
{
	struct str bytes = QUERY("\4good\4test", "\1");
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct addr addrs[2];
	struct dns_answer a = { .ttl = 30, .addrs = addrs, .n = 2 };
	struct dns_query q;

	(void)state;
	assert_int_equal(addr_parse(STR("1.2.3.4"), &addrs[0]), 0);
	assert_int_equal(addr_parse(STR("2001:db8::1"), &addrs[1]), 0);
	assert_int_equal(dns_parse_query(bytes, &q), 0);
	dns_put_answer(&q, bytes, &a, &out);
	assert_true(
		str_eq(buf_str(&out),
		       STR("\0\7\x81\x80\0\1\0\1\0\0\0\0\4good\4test\0\0\1\0\1"
			   "\xc0\x0c\0\1\0\1\0\0\0\x1e\0\4\1\2\3\4")));
}

/* What is no query at all has no answer: two stubs would talk for ever. */
static void test_malformed(void **state)
{
	static const struct {
		struct str query, answer;
	} rows[] = {
		{ STR("\0\7\1\0\0\1\0\0\0\0\0\0x"),
		  STR("\0\7\x81\x81\0\0\0\0\0\0\0\0") },
		{ STR("\0\7\x28\0\0\1\0\0\0\0\0\0x"),
		  STR("\0\7\xa8\x84\0\0\0\0\0\0\0\0") },
		{ STR("\0\7\x81\x80\0\1\0\0\0\0\0\0x"), STR("") },
		{ STR("\0\7\1"), STR("") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_buf_ struct buf out = BUF_INIT;

		dns_put_malformed(rows[i].query, &out);
		assert_true(str_eq(buf_str(&out), rows[i].answer));
	}
}

static void test_data_in_names(void **state)
{
	(void)state;
	assert_false(dns_name_is_data(STR("www.example.com")));
	assert_false(dns_name_is_data(
		STR("prod-registry-k8s-io-us-east-1.s3.example.com")));
	assert_false(dns_name_is_data(STR("d111111abcdef8.cloudfront.net")));
	assert_true(dns_name_is_data(
		STR("0123456789abcdef0123456789abcdef.example.com")));
	assert_true(dns_name_is_data(
		STR("mzxw6ytboi4dcnbrgqytmmrrgm4tsnjt.example.com")));
	assert_true(dns_name_is_data(STR(
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.a.com")));
}

static void test_names(void **state)
{
	static struct names s;
	struct addr a, b;

	(void)state;
	assert_int_equal(addr_parse(STR("1.2.3.4"), &a), 0);
	assert_int_equal(addr_parse(STR("1.2.3.5"), &b), 0);
	assert_int_equal(names_add(&s, &a, STR("one.test")), 0);
	assert_int_equal(names_add(&s, &a, STR("two.test")), 0);
	assert_int_equal(names_add(&s, &a, STR("one.test")), 0);
	assert_true(names_has(&s, &a, STR("one.test")));
	assert_false(names_has(&s, &b, STR("one.test")));
	assert_string_equal(names_get(&s, &a, 0), "two.test");
	assert_string_equal(names_get(&s, &a, 1), "one.test");
	assert_null(names_get(&s, &a, 2));
	for (int i = 0; i < NAMES_MAX; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "n%d.test", i);
		assert_int_equal(names_add(&s, &b, str_from(name)), 0);
	}
	assert_null(names_get(&s, &a, 0));
	names_done(&s);
}

static void test_socks(void **state)
{
	static const struct {
		struct str bytes;
		ssize_t result;
		enum socks_reply reply;
	} rows[] = {
		{ STR("\5\1\0\3\4a.bc\1\xbb"), 11, SOCKS_OK },
		{ STR("\5\1\0\3\4a.bc\1"), -EAGAIN, SOCKS_OK },
		{ STR("\5\1\0\3\4a\0bc\1\xbb"), 11, SOCKS_NOT_ALLOWED },
		{ STR("\5\1\0\3\4a.bc\0\0"), 11, SOCKS_NOT_ALLOWED },
		{ STR("\5\2\0\3\4a.bc\1\xbb"), 11, SOCKS_BAD_COMMAND },
		{ STR("\5\1\0\1\1\2\3\4\1\xbb"), 10, SOCKS_OK },
		{ STR("\4\1\0\1\1\2\3\4\1\xbb"), -EBADMSG, SOCKS_OK },
		{ STR("\5\1\1\1\1\2\3\4\1\xbb"), -EBADMSG, SOCKS_OK },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum socks_reply reply = SOCKS_OK;
		struct request r;

		assert_int_equal(socks_parse_request(rows[i].bytes, &r, &reply),
				 rows[i].result);
		assert_int_equal(reply, rows[i].reply);
		request_done(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_data_in_names),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_socks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
