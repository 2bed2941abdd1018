/* SPDX-License-Identifier: MIT */
/*
 * test_base_diag.c - messages with a place, and "did you mean"
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/diag.h"

static void test_format(void **state)
{
	_cleanup_diag_ struct diag d = DIAG_INIT;
	_cleanup_buf_ struct buf b = BUF_INIT;

	(void)state;
	diag_first_error(&d, &b);
	assert_string_equal(buf_cstr(&b), "");
	diag_warn(&d, "p.yaml", 3, 5, "unused key \"%s\"", "x");
	diag_error(&d, "p.yaml", 7, 0, "bad");
	diag_error(&d, NULL, 0, 0, "no file");
	diag_error(NULL, "f", 1, 1, "nowhere to go");
	diag_format(&d, &b);
	assert_string_equal(buf_cstr(&b),
			    "p.yaml:3:5: warning: unused key \"x\"\n"
			    "p.yaml:7: error: bad\n"
			    "error: no file\n");
	buf_reset(&b);
	diag_first_error(&d, &b);
	assert_string_equal(buf_cstr(&b), "p.yaml:7: bad");
	assert_int_equal(d.n_errors, 2);
	assert_int_equal(d.n_warnings, 1);
}

static void test_bounded(void **state)
{
	_cleanup_diag_ struct diag d = DIAG_INIT;
	_cleanup_buf_ struct buf b = BUF_INIT;

	(void)state;
	for (unsigned int i = 0; i < 250; i++)
		diag_error(&d, "f", i + 1, 1, "e");
	assert_int_equal(d.n_errors, 250);
	assert_int_equal(d.n_items, DIAG_MAX_ITEMS);
	diag_format(&d, &b);
	assert_non_null(strstr(buf_cstr(&b), "and 150 more\n"));
}

static void test_suggest(void **state)
{
	static const char *const known[] = { "file_rules", "command_rules",
					     "network_rules", "name" };

	(void)state;
	assert_string_equal(diag_suggest(STR("file_rule"), known, 4),
			    "file_rules");
	assert_string_equal(diag_suggest(STR("nmae"), known, 4), "name");
	assert_string_equal(diag_suggest(STR("comand_ruels"), known, 4),
			    "command_rules");
	assert_null(diag_suggest(STR("zzzzzzzz"), known, 4));
	assert_null(diag_suggest(STR(""), known, 4));
	assert_null(diag_suggest(STR("x"), known, 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_suggest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
