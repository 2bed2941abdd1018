/* SPDX-License-Identifier: MIT */
/*
 * test_base_proc.c - processes by pidfd, and /proc
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/proc.h"

static pid_t start_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	return pid;
}

static void check_kill(bool with_pidfd)
{
	pid_t pid = start_child();
	struct procref p;
	int status;

	assert_int_equal(procref_open(pid, &p), 0);
	if (!with_pidfd && p.pidfd >= 0) {
		(void)close(p.pidfd);
		p.pidfd = -1;
	}
	assert_int_equal(procref_check(&p), 0);
	assert_int_equal(procref_kill(&p, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(procref_check(&p), -ESRCH);
	assert_int_equal(procref_kill(&p, SIGTERM), -ESRCH);
	procref_close(&p);
	assert_int_equal(p.pidfd, -1);
	assert_int_equal(procref_kill(&p, SIGTERM), -ESRCH);
}

static void test_kill(void **state)
{
	(void)state;
	check_kill(/* with_pidfd */ true);
	check_kill(/* with_pidfd */ false);
}

/* Another process of the same number is not the one that was meant. */
static void test_reused_pid(void **state)
{
	pid_t pid = start_child();
	struct procref p;

	(void)state;
	assert_int_equal(procref_open(pid, &p), 0);
	if (p.pidfd >= 0)
		(void)close(p.pidfd);
	p.pidfd = -1;
	p.start_ticks--;
	assert_int_equal(procref_kill(&p, SIGKILL), -ESRCH);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); /* lives */
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

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
	struct procref p;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(procref_open(pid, &p), -ESRCH);
	assert_int_equal(proc_exe(pid, &b), -ESRCH);
	assert_int_equal(proc_comm(pid, &b), -ESRCH);
	assert_int_equal(procref_open(0, &p), -ESRCH);
	assert_int_equal(procref_open(-1, &p), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill),
		cmocka_unit_test(test_reused_pid),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
