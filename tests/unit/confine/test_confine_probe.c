/* SPDX-License-Identifier: MIT */
/*
 * test_confine_probe.c - the probe is honest, and leaves nothing behind
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/macro.h"
#include "confine/caps.h"
#include "confine/landlock.h"
#include "confine/plan.h"
#include "confine/probe.h"
#include "confine/seccomp.h"

static int count(const char *dir)
{
	_cleanup_closedir_ DIR *d = opendir(dir);
	int n = 0;

	while (d && readdir(d))
		n++;
	return n;
}

static char *text_of(const char *file)
{
	struct buf b = BUF_INIT;

	assert_int_equal(fd_read_file(AT_FDCWD, file, 1U << 20, &b), 0);
	return buf_take(&b);
}

static void show(const char *name, struct probe_item i)
{
	print_message("  %-22s %s\n", name,
		      i.works ? "yes" : strerror(i.error));
	assert_true(i.works ? i.error == 0 : i.error != 0);
}

static void test_no_side_effects(void **state)
{
	_cleanup_free_ char *mounts = text_of("/proc/self/mountinfo");
	_cleanup_free_ char *cgroup = text_of("/proc/self/cgroup");
	_cleanup_free_ char *mounts_after = NULL;
	_cleanup_free_ char *cgroup_after = NULL;
	int fds = count("/proc/self/fd");
	struct timespec a, b;
	struct probe p;

	(void)state;
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	probe_run(&p);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	print_message("%ld ms, Landlock ABI %d\n",
		      (b.tv_sec - a.tv_sec) * 1000 +
			      (b.tv_nsec - a.tv_nsec) / 1000000,
		      p.landlock_abi);
	show("landlock", p.landlock);
	show("seccomp filter", p.seccomp_filter);
	show("notify", p.notify);
	show("notify addfd send", p.notify_addfd_send);
	show("notify wait killable", p.notify_wait_killable);
	show("notify sync wake-up", p.notify_sync_wakeup);
	show("process_vm_readv", p.vm_readv);
	show("/proc/PID/mem", p.proc_mem);
	show("pidfd_getfd", p.pidfd_getfd);
	show("ptrace", p.ptrace);
	show("fuse", p.fuse);
	show("mount namespace", p.mount_ns);
	show("user namespace", p.user_ns);
	show("pid namespace", p.pid_ns);
	show("net namespace", p.net_ns);
	show("cgroup memory", p.cgroup_memory);
	show("cgroup pids", p.cgroup_pids);
	show("cgroup cpu", p.cgroup_cpu);
	show("capabilities drop", p.caps_drop);
	assert_int_equal(count("/proc/self/fd"), fds);
	mounts_after = text_of("/proc/self/mountinfo");
	cgroup_after = text_of("/proc/self/cgroup");
	assert_string_equal(mounts, mounts_after);
	assert_string_equal(cgroup, cgroup_after);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* Under our own plan the same probes must say no. */
static int probe_confined(void)
{
	struct seccomp_options o = { .landlock_abi = landlock_abi() };
	struct confine_plan plan = { .cwd_fd = -1, .landlock_fd = -1 };
	struct confine_report report;
	struct sock_fprog *f = NULL;
	struct probe p;

	if (seccomp_build(&o, &f, NULL) < 0)
		return 1;
	plan.filter = f;
	if (confine_apply(&plan, -1, &report) < 0)
		return 2;
	probe_run(&p);
	if (p.ptrace.works || p.vm_readv.works || p.mount_ns.works ||
	    p.user_ns.works || p.pid_ns.works || p.fuse.works ||
	    p.pidfd_getfd.works)
		return 3;
	if (p.notify.works) /* no listener for those inside */
		return 4;
	return p.caps_drop.works ? 0 : 5;
}

static void test_confined_probe_says_no(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(probe_confined());
	(void)waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_side_effects),
		cmocka_unit_test(test_confined_probe_says_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
