/* SPDX-License-Identifier: MIT */
/*
 * test_base_capability_words.c - names of capabilities
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/capability_words.h"

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(capability_from_word(STR("CAP_NET_BIND_SERVICE")), 10);
	assert_int_equal(capability_from_word(STR("checkpoint_restore")), 40);
	assert_true(capability_from_word(STR("CAP_")) < 0);
	assert_true(capability_from_word(STR("NONSENSE")) < 0);
	assert_true(capability_from_word(STR_NONE) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
