/* SPDX-License-Identifier: MIT */
/*
 * test_tracer_settings.c - the JSON of PROTO_HELLO
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/limits.h"
#include "tracer/settings.h"

static void test_defaults(void **state _unused_)
{
	struct settings s;

	assert_int_equal(settings_parse(STR_NONE, &s), 0);
	assert_true(s.landlock && s.notify && s.file_monitor && s.net_notify);
	assert_true(s.cgroups && s.trash);
	assert_false(s.write_only_opens || s.unix_sockets || s.allow_ptrace ||
		     s.truncated_allowed || s.approvals);
	assert_int_equal(s.max_argc, LIMIT_ARGC);
	tracer_settings_done(&s);
}

static void test_values(void **state _unused_)
{
	struct settings s;

	assert_int_equal(
		settings_parse(STR("{\"landlock\":{\"read\":[\"/a\",\"/b\"]},"
				   "\"seccomp\":{\"block\":[\"mount\"],"
				   "\"on_block\":\"log_and_kill\"},"
				   "\"exec\":{\"max_argc\":5,\"on_truncated\":"
				   "\"allow\"},\"net\":{\"proxy_port\":3128},"
				   "\"deny_paths\":[\"/x/y\"],"
				   "\"control_socket\":\"/run/c.sock\"}"),
			       &s),
		0);
	assert_int_equal(s.landlock_read.n, 2);
	assert_string_equal(s.landlock_read.v[1], "/b");
	assert_true(s.seccomp_kill);
	assert_int_equal(s.seccomp_on_block, SECCOMP_BLOCK_NOTIFY);
	assert_int_equal(s.max_argc, 5);
	assert_true(s.truncated_allowed);
	assert_int_equal(s.proxy_port, 3128);
	assert_true(settings_denies(&s, STR("/x/y")));
	assert_true(settings_denies(&s, STR("/x/y/z")));
	assert_false(settings_denies(&s, STR("/x/yz")));
	assert_true(settings_denies(&s, STR("/run/c.sock")));
	tracer_settings_done(&s);
}

static void test_bad(void **state _unused_)
{
	struct settings s;

	assert_true(settings_parse(STR("[]"), &s) < 0);
	assert_true(settings_parse(STR("{"), &s) < 0);
	/* wrong types count as absent, out of range as the default */
	assert_int_equal(settings_parse(STR("{\"seccomp\":{\"notify\":\"no\"},"
					    "\"exec\":{\"max_argc\":-1},"
					    "\"net\":{\"proxy_port\":70000}}"),
					&s),
			 0);
	assert_true(s.notify);
	assert_int_equal(s.max_argc, LIMIT_ARGC);
	assert_int_equal(s.proxy_port, 0);
	tracer_settings_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
