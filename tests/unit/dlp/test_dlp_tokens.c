/* SPDX-License-Identifier: MIT */
/*
 * test_dlp_tokens.c - secrets and the tokens that stand for them
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/dlp/fixture.h"

static void test_same_token(void **state)
{
	_cleanup_dlp_tokens_ struct dlp_tokens *t = dlp_tokens_new(1000);
	char a[DLP_TOKEN_LEN + 1], b[DLP_TOKEN_LEN + 1];

	(void)state;
	assert_int_equal(dlp_tokens_put(t, STR("one secret"), a), 0);
	assert_int_equal(dlp_tokens_put(t, STR("another"), b), 0);
	assert_string_not_equal(a, b);
	assert_int_equal(dlp_tokens_put(t, STR("one secret"), b), 0);
	assert_string_equal(a, b);
	assert_int_equal(strlen(a), DLP_TOKEN_LEN);
	assert_true(str_eq(dlp_tokens_get(t, str_from(a)), STR("one secret")));
	assert_null(dlp_tokens_get(t, STR("TOK_0123456789abcdef")).p);
	assert_null(dlp_tokens_get(t, STR("TOK_0123456789ABCDEF")).p);
	assert_null(dlp_tokens_get(t, STR("TOK_")).p);
}

static void test_many(void **state)
{
	_cleanup_dlp_tokens_ struct dlp_tokens *t = dlp_tokens_new(1 << 20);
	char token[DLP_TOKEN_LEN + 1], secret[32];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(secret, sizeof(secret), "secret %d", i);
		assert_int_equal(dlp_tokens_put(t, str_from(secret), token), 0);
		assert_true(str_eq(dlp_tokens_get(t, str_from(token)),
				   str_from(secret)));
	}
}

static void test_full(void **state)
{
	_cleanup_dlp_tokens_ struct dlp_tokens *t = dlp_tokens_new(10);
	char token[DLP_TOKEN_LEN + 1];

	(void)state;
	assert_int_equal(dlp_tokens_put(t, STR("12345678"), token), 0);
	assert_int_equal(dlp_tokens_put(t, STR("abc"), token), -ENOSPC);
	assert_int_equal(dlp_tokens_put(t, STR("12345678"), token), 0);
}

static void test_restore(void **state)
{
	struct dlp_settings s = { .mode = DLP_TOKENIZE };
	_cleanup_dlp_engine_ struct dlp_engine *e = engine_of(&s);
	_cleanup_dlp_tokens_ struct dlp_tokens *t = dlp_tokens_new(1000);
	struct dlp_sink sink = { .tokens = t };
	_cleanup_buf_ struct buf out = BUF_INIT, back = BUF_INIT;
	const char *text = "TOK_ a@b.com, TOK_12 c@d.org and a@b.com TOK_";

	(void)state;
	assert_int_equal(dlp_redact(e, str_from(text), &out, &sink), 3);
	assert_null(strstr(buf_cstr(&out), "a@b.com"));
	assert_int_equal(dlp_tokens_restore(t, buf_str(&out), &back), 3);
	assert_string_equal(buf_cstr(&back), text);
	/* Without a table nothing can be reversed: redacted. */
	expect_redacted(e, "a@b.com", "[REDACTED:email]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_token),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_restore),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
