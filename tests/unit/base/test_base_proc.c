/* SPDX-License-Identifier: MIT */
/*
 * test_base_proc.c - what /proc says of a process
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/proc.h"

static void test_facts(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	pid_t pid = 0;
	mode_t mask = umask(027), got = 0;
	uint64_t ticks = 0;

	(void)state;
	assert_int_equal(proc_umask(getpid(), &got), 0);
	assert_int_equal(got, 027);
	(void)umask(mask);
	assert_int_equal(proc_parent(getpid(), &pid), 0);
	assert_int_equal(pid, getppid());
	assert_int_equal(proc_tgid(getpid(), &pid), 0);
	assert_int_equal(pid, getpid());
	/* A name that looks like the end of the field. */
	assert_int_equal(prctl(PR_SET_NAME, "a) S 1 (b"), 0);
	assert_int_equal(proc_start_ticks(getpid(), &ticks), 0);
	assert_true(ticks > 0);
	assert_int_equal(proc_comm(getpid(), &b), 0);
	assert_string_equal(buf_cstr(&b), "a) S 1 (b");
	buf_reset(&b);
	assert_int_equal(proc_exe(getpid(), &b), 0);
	assert_non_null(strstr(buf_cstr(&b), "test_base_proc"));
	buf_reset(&b);
	assert_int_equal(proc_cmdline(getpid(), &b), 0);
	assert_true(b.len > 0);
}

static void test_gone(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(proc_exe(pid, &b), -ESRCH);
	assert_int_equal(proc_comm(pid, &b), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
