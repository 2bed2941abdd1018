/* SPDX-License-Identifier: MIT */
/*
 * test_cli_bar.c - what a progress bar says, in whatever room there is
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "cli/bar.h"

static void expect(const char *wanted, enum bar_unit unit, uint64_t done,
		   uint64_t total, unsigned int columns)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	bar_format(&b, "purging", "entries", unit, done, total, columns);
	assert_string_equal(buf_cstr(&b), wanted);
}

static void test_gauge(void **state)
{
	(void)state;
	expect("purging  [               ]   0%  0 of 2,000 entries", BAR_COUNT,
	       0, 2000, 52);
	expect("purging  [#######        ]  50%  1,000 of 2,000 entries",
	       BAR_COUNT, 1000, 2000, 56);
	expect("purging  [##############################] 100%  "
	       "1,234,567 of 1,234,567 entries",
	       BAR_COUNT, 1234567, 1234567, 200);
	/* more was done than was thought */
	expect("purging  [#####] 100%  7 of 7 entries", BAR_COUNT, 9, 7, 38);
	expect("purging  [#####] 100%  7 of 7 entries", BAR_COUNT, UINT64_MAX,
	       7, 38);
}

static void test_bytes(void **state)
{
	(void)state;
	expect("purging  1.2 MB", BAR_BYTES, 1234567, 0, 80);
	expect("purging  [#####     ]  50%  1.0 of 2.0 MB", BAR_BYTES, 1000000,
	       2000000, 42);
}

static void test_little_room(void **state)
{
	(void)state;
	expect("purging  7 of 9 entries", BAR_COUNT, 7, 9, 30);
	expect("purging  7 of", BAR_COUNT, 7, 9, 14);
	expect("purging  12,345 entries", BAR_COUNT, 12345, 0, 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gauge),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_little_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
