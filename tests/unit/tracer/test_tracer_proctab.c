/* SPDX-License-Identifier: MIT */
/*
 * test_tracer_proctab.c - table of a command's processes
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macro.h"
#include "tracer/proctab.h"

/* Ids of entries, so that purging keeps them, are those of processes that
 * exist; invented pids are purged when the table grows. */
static void test_add_find_remove(void **state _unused_)
{
	struct proctab t = { 0 };
	struct proc_ident own;
	struct proc_entry *e;

	assert_null(proctab_find(&t, 1));
	assert_int_equal(proc_ident_read(getpid(), &own), 0);
	assert_int_equal(own.parent, getppid());
	e = proctab_get(&t, getpid());
	assert_non_null(e);
	assert_false(proctab_is_same(e));
	e->id = own.id;
	assert_true(proctab_is_same(e));
	e->depth = 3;
	assert_ptr_equal(proctab_get(&t, getpid()), e);
	for (pid_t pid = 5000000; pid < 5000200; pid++)
		assert_non_null(proctab_get(&t, pid));
	assert_true(t.size <= 512);
	e = proctab_find(&t, getpid());
	assert_non_null(e);
	assert_int_equal(e->depth, 3);
	proctab_done(&t);
}

/* Two processes at once differ; one that is gone is nobody. */
static void test_idents(void **state _unused_)
{
	struct proc_ident own, child;
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	assert_int_equal(proc_ident_read(getpid(), &own), 0);
	assert_int_equal(proc_ident_read(pid, &child), 0);
	assert_int_equal(child.parent, getpid());
	assert_true(child.id != own.id);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	assert_int_equal(proc_ident_read(pid, &child), -ESRCH);
}

static void test_stat_of_odd_name(void **state _unused_)
{
	struct proc_stat st;

	/* parentheses and blanks in the name must not shift the fields */
	assert_int_equal(prctl(PR_SET_NAME, "a) R 1 (b"), 0);
	assert_int_equal(proc_stat_read(getpid(), &st), 0);
	assert_int_equal(st.parent, getppid());
	assert_int_equal(st.session, getsid(0));
	assert_true(st.start_ticks > 0);
	assert_true(proc_stat_read(7000000, &st) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_find_remove),
		cmocka_unit_test(test_idents),
		cmocka_unit_test(test_stat_of_odd_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
