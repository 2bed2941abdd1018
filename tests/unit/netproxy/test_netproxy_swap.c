/* SPDX-License-Identifier: MIT */
/* Phantoms, where they are exchanged, and paths that can be read twice. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "netproxy/creds.h"
#include "netproxy/service.h"
#include "netproxy/swap.h"

#define REAL    STR("real-secret-0123456789")
#define PHANTOM STR("phantom-aaaaaaaaaaaaaa")

static void test_scrub(void **state)
{
	static const char text[] = "a real-secret-0123456789real-secret-"
				   "0123456789 real-secret-012345678 r";

	(void)state;
	/* every split in three gives the same */
	for (size_t i = 0; i < sizeof(text); i++) {
		for (size_t j = i; j < sizeof(text); j++) {
			struct scrub s = { 0 };
			struct buf out = BUF_INIT;
			struct str all = str_from(text);

			scrub_feed(&s, str_from_n(text, MIN(i, all.n)), REAL,
				   PHANTOM, false, &out);
			scrub_feed(&s,
				   str_from_n(text + MIN(i, all.n),
					      MIN(j, all.n) - MIN(i, all.n)),
				   REAL, PHANTOM, false, &out);
			scrub_feed(&s, str_skip(all, j), REAL, PHANTOM, true,
				   &out);
			assert_string_equal(
				buf_cstr(&out),
				"a phantom-aaaaaaaaaaaaaaphantom-aaaaaaaaaaaa"
				"aa real-secret-012345678 r");
			assert_int_equal(s.n, 2);
			scrub_done(&s);
			buf_done(&out);
		}
	}
}

static void expect_header(const char *value, const char *expected)
{
	struct buf out = BUF_INIT;
	int n = swap_header(str_from(value), PHANTOM, REAL, &out);

	assert_string_equal(buf_cstr(&out), expected ? expected : value);
	assert_int_equal(n, expected != NULL);
	buf_done(&out);
}

static void test_header(void **state)
{
	(void)state;
	expect_header("Bearer phantom-aaaaaaaaaaaaaa",
		      "Bearer real-secret-0123456789");
	expect_header("Bearer other", NULL);
	expect_header("Basic eDpwaGFudG9tLWFhYWFhYWFhYWFhYWFh",
		      "Basic eDpyZWFsLXNlY3JldC0wMTIzNDU2Nzg5");
	expect_header("Basic eDp5", NULL);
	expect_header("Basic !!!", NULL);
	assert_true(swap_is_credential_field(STR("AUTHORIZATION")));
	assert_false(swap_is_credential_field(STR("accept")));
	assert_true(swap_foreign_query(STR("/a?b=1&Token=x"), PHANTOM));
	assert_false(swap_foreign_query(STR("/a?token=phantom-aaaaaaaaaaaaaa"),
					PHANTOM));
	assert_false(swap_foreign_query(STR("/token=x?b"), PHANTOM));
}

static bool like(char a, char b)
{
	if (a >= '0' && a <= '9')
		return b >= '0' && b <= '9';
	if (a >= 'a' && a <= 'z')
		return b >= 'a' && b <= 'z';
	if (a >= 'A' && a <= 'Z')
		return b >= 'A' && b <= 'Z';
	return a == b;
}

static void test_phantom(void **state)
{
	struct buf a = BUF_INIT, b = BUF_INIT;
	struct str real = STR("sk-ant-api03-"
			      "Zz0_Yy1-Xx2Zz0Yy1Xx2Zz0Yy1Xx2AA");

	(void)state;
	phantom_make(real, STR_NONE, &a);
	phantom_make(real, STR_NONE, &b);
	assert_int_equal(a.len, real.n);
	assert_true(str_starts(buf_str(&a), STR("sk-ant-")));
	assert_false(str_eq(buf_str(&a), buf_str(&b)));
	for (size_t i = 0; i < real.n; i++)
		assert_true(like(real.p[i], a.data[i]));
	buf_reset(&a);
	phantom_make(STR("0123456789abcdef"), STR("x_{rand:12}_y"), &a);
	assert_int_equal(a.len, 16);
	assert_true(str_starts(buf_str(&a), STR("x_")));
	assert_true(str_ends(buf_str(&a), STR("_y")));
	buf_reset(&a);
	phantom_make(STR("short888"), STR_NONE, &a);
	assert_true(a.len >= 20);
	buf_done(&a);
	buf_done(&b);
}

static void test_sources(void **state)
{
	static struct creds c;
	const struct cred *it;

	(void)state;
	assert_int_equal(setenv("SWAP_TEST", "from-the-environment\n", 1), 0);
	it = creds_add(&c, STR("a"), STR("env://SWAP_TEST"), STR_NONE,
		       STR_NONE);
	assert_non_null(it);
	assert_true(str_eq(it->real, STR("from-the-environment")));
	assert_string_equal(getenv("SWAP_TEST"), ""); /* wiped */
	it = creds_add(&c, STR("b"), STR("command:/bin/echo  from-a-command"),
		       STR_NONE, STR("a-phantom-known-before"));
	assert_true(str_eq(it->real, STR("from-a-command")));
	assert_string_equal(it->phantom, "a-phantom-known-before");
	assert_ptr_equal(creds_find(&c, STR("b")), it);
	for (const char *const *bad =
		     (const char *const[]){
			     "file:/nonexistent/x", "file:relative",
			     "command:/bin/false", "command:", "vault://x",
			     "env:SWAP_NOT_SET", "command:/bin/echo short",
			     NULL };
	     *bad; bad++) {
		it = creds_add(&c, STR("bad"), str_from(*bad), STR_NONE,
			       STR_NONE);
		assert_int_equal(it->real.n, 0);
		assert_true(it->error[0]);
		assert_null(it->phantom);
	}
	creds_done(&c);
}

static void test_path(void **state)
{
	static const char *const bad[] = { "/a%2fb", "/a%2Fb", "/%2e%2e/a",
					   "/a%5cb", "/a\\b",  "/a%00",
					   "/a%",    "/a%zz",  "/a%252e",
					   "/a%0a",  "/a%3fx" };
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(service_path(STR("/a/%62%C3%A4?q=%2f"), &out), 0);
	assert_string_equal(buf_cstr(&out), "/a/b\xc3\xa4");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(service_path(str_from(bad[i]), &out), -EINVAL);
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scrub),   cmocka_unit_test(test_header),
		cmocka_unit_test(test_phantom), cmocka_unit_test(test_sources),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
