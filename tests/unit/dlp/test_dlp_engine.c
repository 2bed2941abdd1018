/* SPDX-License-Identifier: MIT */
/*
 * test_dlp_engine.c - what the settings make of an engine
 */
#include <errno.h>
#include <stdio.h>

#include "tests/unit/dlp/fixture.h"

/* One string in the source would look like a key to whoever hosts it. */
#define AWS    \
	"AKIA" \
	"QYLPMN5HFIQR7XYA"

static void test_groups(void **state)
{
	struct dlp_settings s = {
		.group_off = { [DLP_EMAIL] = true, [DLP_API_KEYS] = true }
	};
	_cleanup_dlp_engine_ struct dlp_engine *e = engine_of(&s);

	(void)state;
	expect_redacted(e, "a@b.com 219-09-9999 " AWS,
			"a@b.com [REDACTED:ssn] " AWS);
	assert_int_equal(dlp_engine_n_shown(e), 3);
	assert_string_equal(dlp_engine_shown(e, 0), "phone");
	assert_string_equal(dlp_engine_shown(e, 1), "credit_card");
	assert_string_equal(dlp_engine_shown(e, 2), "ssn");
}

static void test_off(void **state)
{
	struct dlp_settings s = { .mode = DLP_OFF };
	_cleanup_dlp_engine_ struct dlp_engine *e = engine_of(&s);
	struct found f = { 0 };

	(void)state;
	expect_redacted(e, "a@b.com " AWS, "a@b.com " AWS);
	stream_through(e, STR("a@b.com"), NULL, 0, &f);
	assert_string_equal(buf_cstr(&f.out), "a@b.com");
	assert_int_equal(dlp_engine_n_types(e), 0);
	buf_done(&f.out);
}

static void test_overrides(void **state)
{
	static const struct dlp_override o[] = {
		{ STR("email"), DLP_LOG },
		{ STR("api_key"), DLP_OFF },
		{ STR("aws_access_key"), DLP_BLOCK },
	};
	struct dlp_settings s = { .overrides = o, .n_overrides = 3 };
	_cleanup_dlp_engine_ struct dlp_engine *e = engine_of(&s);
	struct found f = { 0 };

	(void)state;
	expect_redacted(e, "a@b.com " AWS, "a@b.com [REDACTED:aws_access_key]");
	find_in(e, STR("a@b.com " AWS), &f);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.at[0].action, DLP_LOG);
	assert_int_equal(f.at[1].action, DLP_BLOCK);
}

static void expect_error(const struct dlp_settings *s, const char *want)
{
	_cleanup_buf_ struct buf err = BUF_INIT;
	struct dlp_engine *e = NULL;

	assert_int_equal(dlp_engine_new(s, &err, &e), -EINVAL);
	assert_null(e);
	if (!strstr(buf_cstr(&err), want))
		fail_msg("%s does not say %s", buf_cstr(&err), want);
}

static void test_errors(void **state)
{
	static const struct dlp_custom bad = { STR("mine"), STR_NONE,
					       STR("a(b"), DLP_REDACT };
	static const struct dlp_override none = { STR("nosuch"), DLP_LOG };
	static const struct dlp_exact tiny = { STR("abc"), STR("tiny") };

	(void)state;
	expect_error(&(struct dlp_settings){ .custom = &bad, .n_custom = 1 },
		     "mine");
	expect_error(&(struct dlp_settings){ .overrides = &none,
					     .n_overrides = 1 },
		     "nosuch");
	expect_error(&(struct dlp_settings){ .exact = &tiny, .n_exact = 1 },
		     "tiny");
}

static void test_exact(void **state)
{
	static const struct dlp_exact x[] = {
		{ STR("correct horse battery"), STR("vault") },
	};
	struct dlp_settings s = { .exact = x, .n_exact = 1 };
	_cleanup_dlp_engine_ struct dlp_engine *e = engine_of(&s);

	(void)state;
	expect_redacted(e, "a correct horse battery staple",
			"a [REDACTED:vault] staple");
	expect_redacted(e, "a correct horse batter", "a correct horse batter");
	expect_redacted(e, "xcorrect horse batteryx", "x[REDACTED:vault]x");
}

static void test_json(void **state)
{
	static const struct dlp_custom custom[] = {
		{ STR("q\"1"), STR("[Q]"), STR("Q[0-9]{3}"), DLP_REDACT },
	};
	static const struct dlp_override o[] = { { STR("ssn"), DLP_LOG } };
	struct dlp_settings s = { .group_off = { [DLP_EMAIL] = true },
				  .custom = custom,
				  .n_custom = 1,
				  .overrides = o,
				  .n_overrides = 1 };
	_cleanup_buf_ struct buf json = BUF_INIT, err = BUF_INIT;
	_cleanup_dlp_engine_ struct dlp_engine *e = NULL;
	_cleanup_dlp_engine_ struct dlp_engine *bad = NULL;

	(void)state;
	assert_int_equal(dlp_settings_put(&s, &json), 0);
	assert_int_equal(dlp_engine_from_json(buf_str(&json), &err, &e), 0);
	expect_redacted(e, "Q123 a@b.com 219-09-9999 " AWS,
			"[REDACTED:Q] a@b.com 219-09-9999 "
			"[REDACTED:aws_access_key]");
	assert_int_equal(dlp_engine_from_json(STR("{}"), &err, &bad), -EINVAL);
	assert_int_equal(dlp_engine_from_json(STR("["), &err, &bad), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),    cmocka_unit_test(test_off),
		cmocka_unit_test(test_overrides), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_exact),     cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
