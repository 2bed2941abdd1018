/* SPDX-License-Identifier: MIT */
/*
 * test_base_num.c - text to numbers, durations, sizes
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/num.h"

#define SECOND 1000000000LL

static void test_integers(void **state)
{
	uint64_t u = 7;
	int64_t i = 7;
	uint32_t o = 7;

	(void)state;
	assert_int_equal(num_parse_u64(STR("18446744073709551615"), &u), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(num_parse_u64(STR("18446744073709551616"), &u),
			 -ERANGE);
	assert_int_equal(num_parse_u64(STR(""), &u), -EINVAL);
	assert_int_equal(num_parse_u64(STR("+1"), &u), -EINVAL);
	assert_int_equal(num_parse_u64(STR(" 1"), &u), -EINVAL);
	assert_int_equal(num_parse_u64(STR("1\0"), &u), -EINVAL);
	assert_int_equal(num_parse_u64(STR("99999999999999999999x"), &u),
			 -EINVAL);
	assert_true(u == UINT64_MAX); /* untouched by failures */
	assert_int_equal(num_parse_i64(STR("-9223372036854775808"), &i), 0);
	assert_true(i == INT64_MIN);
	assert_int_equal(num_parse_i64(STR("9223372036854775808"), &i),
			 -ERANGE);
	assert_int_equal(num_parse_i64(STR("--1"), &i), -EINVAL);
	assert_int_equal(num_parse_i64(STR("-"), &i), -EINVAL);
	assert_int_equal(num_parse_range(STR("65536"), 0, 65535, &i), -ERANGE);
	assert_int_equal(num_parse_range(STR("65535"), 0, 65535, &i), 0);
	assert_int_equal(num_parse_octal(STR("0755"), &o), 0);
	assert_int_equal(o, 0755);
	assert_int_equal(num_parse_octal(STR("8"), &o), -EINVAL);
	assert_int_equal(num_parse_octal(STR("40000000000"), &o), -ERANGE);
	assert_int_equal(num_parse_hex(STR("0123456789abCDEF"), &u), 0);
	assert_true(u == 0x0123456789abcdef);
	assert_int_equal(num_parse_hex(STR("10000000000000000"), &u), -ERANGE);
	assert_int_equal(num_parse_hex(STR("0x1"), &u), -EINVAL);
	assert_int_equal(num_parse_hex(STR(""), &u), -EINVAL);
	assert_int_equal(num_parse_hex(STR("g"), &u), -EINVAL);
}

static void duration(const char *text, int64_t want)
{
	int64_t got = -77;

	if (num_parse_duration(str_from(text), &got) != 0 || got != want)
		fail_msg("%s: got %lld, want %lld", text, (long long)got,
			 (long long)want);
}

static void test_durations(void **state)
{
	(void)state;
	duration("0", 0);
	duration("-0", 0);
	duration("0s", 0);
	duration("1h30m", 5400 * SECOND);
	duration("250ms", SECOND / 4);
	duration("1.5s", SECOND * 3 / 2);
	duration(".5s", SECOND / 2);
	duration("5.s", 5 * SECOND);
	duration("-5s", -5 * SECOND);
	duration("+5s", 5 * SECOND);
	duration("3\xc2\xb5s", 3000);
	duration("3\xce\xbcs", 3000);
	duration("7us2ns", 7002);
	duration("7d", 7 * 86400 * SECOND);
	duration("2w1d", 15 * 86400 * SECOND);
	duration("1h1h", 7200 * SECOND);
	duration("0.0000000019s", 1);
	duration("9223372036854775807ns", INT64_MAX);
	duration("-9223372036854775808ns", INT64_MIN);
}

static void test_bad_durations(void **state)
{
	static const char *const bad[] = {
		"",   "5",    "5 s", "s",    "-",   ".s",   "1.2.3s",
		"1x", "1sx5", "1S",  "1e3s", "5m3", "0x1s", "1h ",
	};
	int64_t got = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (num_parse_duration(str_from(bad[i]), &got) != -EINVAL)
			fail_msg("accepted \"%s\"", bad[i]);
	assert_int_equal(num_parse_duration(STR("300000w"), &got), -ERANGE);
	assert_int_equal(num_parse_duration(STR("9223372036854775808ns"), &got),
			 -ERANGE);
	assert_int_equal(num_parse_duration(STR("99999999999999999999s"), &got),
			 -ERANGE);
	assert_int_equal(got, 77);
}

static void formatted(int64_t ns, const char *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	num_format_duration(&b, ns);
	assert_string_equal(buf_cstr(&b), want);
}

static void test_format_duration(void **state)
{
	(void)state;
	formatted(0, "0s");
	formatted(1, "1ns");
	formatted(1500, "1.5\xc2\xb5s");
	formatted(2000000, "2ms");
	formatted(1234567890, "1.23456789s");
	formatted(65 * SECOND, "1m5s");
	formatted(3600 * SECOND, "1h0m0s");
	formatted(-3 * SECOND / 2, "-1.5s");
	formatted(24 * 3600 * SECOND + 1, "24h0m0.000000001s");
	formatted(INT64_MIN, "-2562047h47m16.854775808s");
}

static void size_is(const char *text, uint64_t want)
{
	uint64_t got = 0;

	if (num_parse_size(str_from(text), &got) != 0 || got != want)
		fail_msg("%s: got %llu", text, (unsigned long long)got);
}

static void test_sizes(void **state)
{
	static const char *const bad[] = {
		"", "MB", "1.5MB", "-1", "1B", "1  MB", "_", "1K", "1 ", "1MBx"
	};
	uint64_t got = 7;

	(void)state;
	size_is("0", 0);
	size_is("1_000", 1000);
	size_is("1kb", 1000);
	size_is("1 KiB", 1024);
	size_is("2MIB", 2 << 20);
	size_is("3gB", 3000000000);
	size_is("1TiB", 1ULL << 40);
	size_is("2TB", 2000000000000);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (num_parse_size(str_from(bad[i]), &got) == 0 &&
		    strcmp(bad[i], "1 ") != 0)
			fail_msg("accepted \"%s\"", bad[i]);
	assert_int_equal(num_parse_size(STR("99999999TiB"), &got), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_bad_durations),
		cmocka_unit_test(test_format_duration),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
