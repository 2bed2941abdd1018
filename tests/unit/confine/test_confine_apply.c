/* SPDX-License-Identifier: MIT */
/*
 * test_confine_apply.c - the walk of a plan, step by step, and its report
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "confine/caps.h"
#include "confine/plan.h"
#include "confine/seccomp.h"

static const struct confine_plan empty = { .cwd_fd = -1, .landlock_fd = -1 };

/* fn in a child; its result, or 1000 + signal. */
static int in_child(int (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fn());
	(void)waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

static int empty_plan(void)
{
	struct confine_report r;
	uint64_t e, p, b;

	if (confine_apply(&empty, -1, &r) != 0)
		return 1;
	if (r.result[CONFINE_CGROUP] != CONFINE_SKIPPED ||
	    r.result[CONFINE_LANDLOCK] != CONFINE_SKIPPED ||
	    r.result[CONFINE_SECCOMP] != CONFINE_SKIPPED ||
	    r.result[CONFINE_SESSION] != CONFINE_OK ||
	    r.result[CONFINE_CAPS] != CONFINE_OK ||
	    r.result[CONFINE_NNP] != CONFINE_OK ||
	    r.result[CONFINE_FDS] != CONFINE_OK)
		return 2;
	if (caps_get(&e, &p, &b) < 0 || e || p)
		return 3;
	if (getuid() == 0 && b)
		return 4;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 5;
	return getsid(0) == getpid() ? 0 : 6;
}

static void test_empty_plan(void **state)
{
	(void)state;
	assert_int_equal(in_child(empty_plan), 0);
}

static bool cloexec(int fd)
{
	return fcntl(fd, F_GETFD) & FD_CLOEXEC;
}

static int descriptors(void)
{
	struct confine_report r;
	int low = open("/dev/null", O_RDONLY);
	int keep = fcntl(low, F_DUPFD, 50);
	int high = fcntl(low, F_DUPFD, 900);

	if (confine_apply(&empty, keep, &r) != 0 || low < 3)
		return 1;
	if (!cloexec(low) || !cloexec(high) || cloexec(keep))
		return 2;
	return cloexec(0) || cloexec(1) || cloexec(2) ? 3 : 0;
}

/* A kernel before 5.9, played by a filter: the /proc way must do. */
static int descriptors_old_kernel(void)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 436, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { ARRAY_LEN(f), f };

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) < 0)
		return 77;
	return descriptors();
}

static void test_descriptors(void **state)
{
	(void)state;
	assert_int_equal(in_child(descriptors), 0);
	assert_int_equal(in_child(descriptors_old_kernel), 0);
}

static int limits(void)
{
	struct confine_plan p = empty;
	struct confine_report r;
	struct rlimit l;

	p.rlimits[0] = (struct confine_rlimit){ RLIMIT_NOFILE, 100, 200 };
	p.rlimits[1] =
		(struct confine_rlimit){ RLIMIT_FSIZE, 1 << 20, UINT64_MAX };
	p.n_rlimits = 2;
	if (confine_apply(&p, -1, &r) != 0)
		return 1;
	if (getrlimit(RLIMIT_NOFILE, &l) < 0 || l.rlim_cur != 100 ||
	    l.rlim_max != 200)
		return 2;
	if (getrlimit(RLIMIT_FSIZE, &l) < 0 || l.rlim_cur != 1 << 20)
		return 3;
	/* above the hard limit: the lower one stays, the step succeeds */
	p.rlimits[0] = (struct confine_rlimit){ RLIMIT_NOFILE, 150, 9999 };
	p.n_rlimits = 1;
	p.same_session = true;
	if (confine_apply(&p, -1, &r) != 0 || getrlimit(RLIMIT_NOFILE, &l) < 0)
		return 4;
	return l.rlim_cur == 150 && l.rlim_max == 200 ? 0 : 5;
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(in_child(limits), 0);
}

static int working_directory(void)
{
	struct confine_plan p = empty;
	struct confine_report r;
	char where[4096];

	p.cwd_fd = open("/usr", O_PATH | O_DIRECTORY | O_CLOEXEC);
	p.cwd = "bin";
	if (confine_apply(&p, -1, &r) != 0 || !getcwd(where, sizeof(where)))
		return 1;
	return strcmp(where, "/usr/bin") == 0 ? 0 : 2;
}

/* A failed step is named, later ones still run, and "required" decides. */
static int failing_step(void)
{
	struct confine_plan p = empty;
	struct confine_report r;

	p.cwd = "/nonexistent";
	if (confine_apply(&p, -1, &r) != 0)
		return 1;
	if (r.result[CONFINE_CWD] != CONFINE_FAILED ||
	    r.error[CONFINE_CWD] != ENOENT || r.result[CONFINE_NNP] != 1)
		return 2;
	p.same_session = true;
	p.required = 1U << CONFINE_CWD;
	if (confine_apply(&p, -1, &r) != -ENOENT)
		return 3;
	p.cwd = NULL;
	p.required = 1U << CONFINE_LANDLOCK; /* not in the plan at all */
	return confine_apply(&p, -1, &r) == -EINVAL ? 0 : 4;
}

static void test_cwd_and_failures(void **state)
{
	(void)state;
	assert_int_equal(in_child(working_directory), 0);
	assert_int_equal(in_child(failing_step), 0);
}

static int terminal(void)
{
	struct confine_plan p = empty;
	struct confine_report r;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	int slave;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0)
		return 77;
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || dup2(slave, 0) < 0)
		return 77;
	p.tty = true;
	p.required = 1U << CONFINE_SESSION;
	if (confine_apply(&p, -1, &r) != 0)
		return 1;
	return tcgetpgrp(0) == getpid() ? 0 : 2;
}

static int process_group_only(void)
{
	struct confine_plan p = empty;
	struct confine_report r;
	pid_t session = getsid(0);

	p.same_session = true;
	if (confine_apply(&p, -1, &r) != 0)
		return 1;
	return getsid(0) == session && getpgrp() == getpid() ? 0 : 2;
}

static void test_session(void **state)
{
	int r;

	(void)state;
	r = in_child(terminal);
	if (r == 77)
		print_message("needs a pseudo-terminal\n");
	else
		assert_int_equal(r, 0);
	assert_int_equal(in_child(process_group_only), 0);
}

static int with_listener(struct confine_plan *p, struct confine_report *r)
{
	static struct sock_fprog *both, *plain;
	struct seccomp_options o = { .notify = NOTIFY_EXEC, .landlock_abi = 7 };
	int e = seccomp_build(&o, &both, NULL);

	o.notify = 0;
	if (e == 0)
		e = seccomp_build(&o, &plain, NULL);
	if (e < 0)
		return e;
	*p = empty;
	p->same_session = true;
	p->filter = both;
	p->filter_static = plain;
	p->listener = p->wait_killable = true;
	p->required = 1U << CONFINE_SECCOMP;
	return confine_apply(p, -1, r);
}

/* The second listener is refused by the kernel: the static filter stands in. */
static int second_listener(void)
{
	struct confine_plan p;
	struct confine_report r;

	if (with_listener(&p, &r) != 0)
		return 1;
	if (r.listener < 0) /* we are inside somebody's notify sandbox */
		return 77;
	if (!cloexec(r.listener) || r.listener_error != 0)
		return 2;
	if (syscall(SYS_bpf, 0, NULL, 0) != -1 || errno != EPERM)
		return 3;
	if (with_listener(&p, &r) != 0)
		return 4;
	if (r.listener != -1 || r.listener_error != EBUSY)
		return 5;
	p.filter_static = NULL;
	return confine_apply(&p, -1, &r) == -EBUSY ? 0 : 6;
}

static void test_listener(void **state)
{
	int r;

	(void)state;
	r = in_child(second_listener);
	if (r == 77)
		print_message("needs a seccomp listener\n");
	else
		assert_int_equal(r, 0);
}

static int keep_one(void)
{
	uint64_t keep = UINT64_C(1) << 10, e, p, b;

	if (caps_get(&e, &p, &b) < 0 || !(p & keep))
		return 77;
	if (caps_restrict(keep) < 0 || caps_get(&e, &p, &b) < 0)
		return 1;
	return e == keep && p == keep && b == keep ? 0 : 2;
}

static void test_capabilities(void **state)
{
	int r;

	(void)state;
	r = in_child(keep_one);
	if (r == 77)
		print_message("needs CAP_NET_BIND_SERVICE\n");
	else
		assert_int_equal(r, 0);
}

static void test_names(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < CONFINE_STEP_MAX; i++)
		assert_string_not_equal(
			confine_step_to_string((enum confine_step)i), "?");
	assert_string_equal(confine_step_to_string(CONFINE_STEP_MAX), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_plan),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_cwd_and_failures),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_listener),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
