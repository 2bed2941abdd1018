/* SPDX-License-Identifier: MIT */
/*
 * test_base_clock.c - time stamps and identifiers
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"

#define SECOND 1000000000LL

static void formatted(int64_t ns, const char *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int64_t back = 0;

	clock_format_rfc3339(&b, ns);
	assert_string_equal(buf_cstr(&b), want);
	assert_int_equal(clock_parse_rfc3339(buf_str(&b), &back), 0);
	assert_int_equal(back, ns);
}

static void test_format(void **state)
{
	(void)state;
	formatted(0, "1970-01-01T00:00:00Z");
	formatted(1767225600LL * SECOND + 123000000,
		  "2026-01-01T00:00:00.123Z");
	formatted(951782400LL * SECOND, "2000-02-29T00:00:00Z");
	formatted(-1, "1969-12-31T23:59:59.999999999Z");
	formatted(1709251199LL * SECOND + 100, "2024-02-29T23:59:59.0000001Z");
	formatted(INT64_MAX, "2262-04-11T23:47:16.854775807Z");
}

/* Every day of 400 years against the C library. */
static void test_calendar(void **state)
{
	(void)state;
	for (int64_t day = -73000; day < 106000; day += 7) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		time_t t = (time_t)(day * 86400 + 12345);
		char want[64];
		struct tm tm;

		(void)gmtime_r(&t, &tm);
		(void)strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ", &tm);
		clock_format_rfc3339(&b, (int64_t)t * SECOND);
		assert_string_equal(buf_cstr(&b), want);
	}
}

static void parsed(const char *text, int64_t want)
{
	int64_t got = 0;

	if (clock_parse_rfc3339(str_from(text), &got) != 0 || got != want)
		fail_msg("%s gives %lld", text, (long long)got);
}

static void test_parse(void **state)
{
	static const char *const bad[] = {
		"",
		"2026-01-01",
		"2026-01-01T00:00:00",
		"2026-13-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2026-00-10T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:00.Z",
		"2026-01-01T00:00:00Zx",
		"2026-01-01 00:00:00Z",
		"2026-1-01T00:00:00Z",
		"2026-01-01T00:00:00+1:00",
		"2026-01-01T00:00:00+24:00",
		"+026-01-01T00:00:00Z",
		"9999-01-01T00:00:00Z",
	};
	int64_t got = 5;

	(void)state;
	parsed("2026-01-01T02:30:00+02:30", 1767225600LL * SECOND);
	parsed("2025-12-31t19:00:00-05:00", 1767225600LL * SECOND);
	parsed("2026-01-01T00:00:00.1234567891z",
	       1767225600LL * SECOND + 123456789);
	parsed("2016-12-31T23:59:60Z", 1483228800LL * SECOND);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (clock_parse_rfc3339(str_from(bad[i]), &got) != -EINVAL)
			fail_msg("accepted \"%s\"", bad[i]);
	assert_int_equal(got, 5);
}

static void test_uuid(void **state)
{
	char a[UUID_LEN + 1], b[UUID_LEN + 1];

	(void)state;
	uuid4(a);
	uuid4(b);
	assert_int_equal(strlen(a), UUID_LEN);
	assert_string_not_equal(a, b);
	assert_int_equal(a[14], '4');
	assert_non_null(strchr("89ab", a[19]));
	assert_int_equal(a[8], '-');
	assert_int_equal(a[23], '-');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_calendar),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_uuid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
