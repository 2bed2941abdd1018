/* SPDX-License-Identifier: MIT */
/*
 * apply.c - walks a confine_plan in the child, between clone and exec
 *
 * Nothing here allocates, locks, or touches stdio: the child may share the
 * parent's memory (CLONE_VM|CLONE_VFORK). Every step is tried, also after one
 * that failed: a missing layer never takes the following ones away. Whether
 * the exec may go ahead is decided at the end from plan->required.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macro.h"
#include "confine/caps.h"
#include "confine/landlock.h"
#include "confine/plan.h"

#ifndef CLOSE_RANGE_CLOEXEC
#	define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
#ifndef SYS_close_range
#	define SYS_close_range 436
#endif
#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER
#	define SECCOMP_FILTER_FLAG_NEW_LISTENER (1UL << 3)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#	define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

/*
 * Before 5.16 a filter turns speculative store bypass off for the process, at
 * a price of many percent. Side channels are outside our threat model, and a
 * command that cares can ask by prctl.
 */
#ifndef SECCOMP_FILTER_FLAG_SPEC_ALLOW
#	define SECCOMP_FILTER_FLAG_SPEC_ALLOW (1UL << 2)
#endif

/* Without close_range and /proc: no more descriptors than this are looked at */
#define FD_SCAN_MAX 65536

static int step_cgroup(const struct confine_plan *p)
{
	int first = 0;

	for (unsigned int i = 0; i < p->n_cgroups; i++) {
		if (write(p->cgroup_procs[i], "0", 1) != 1 && first == 0)
			first = -errno;
	}
	return first;
}

static int step_session(const struct confine_plan *p)
{
	if (p->same_group)
		return 0;
	if (p->same_session)
		return setpgid(0, 0) < 0 ? -errno : 0;
	if (setsid() < 0)
		return -errno;
	if (p->tty && ioctl(0, TIOCSCTTY, 0) < 0)
		return -errno;
	return 0;
}

/* A limit above our own hard one cannot be set: the lower one then holds. */
static int step_rlimit(const struct confine_plan *p)
{
	int first = 0;

	for (unsigned int i = 0; i < p->n_rlimits; i++) {
		const struct confine_rlimit *l = &p->rlimits[i];
		struct rlimit now, want;

		if (getrlimit((__rlimit_resource_t)l->resource, &now) < 0) {
			first = first ? first : -errno;
			continue;
		}
		want.rlim_max = MIN((rlim_t)l->hard, now.rlim_max);
		want.rlim_cur = MIN((rlim_t)l->soft, want.rlim_max);
		if (setrlimit((__rlimit_resource_t)l->resource, &want) < 0)
			first = first ? first : -errno;
	}
	return first;
}

static int step_cwd(const struct confine_plan *p)
{
	if (p->cwd_fd >= 0 && fchdir(p->cwd_fd) < 0)
		return -errno;
	if (p->cwd && chdir(p->cwd) < 0)
		return -errno;
	return 0;
}

static int cloexec_one(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0)
		return errno == EBADF ? 0 : -errno;
	return fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0 ? -errno : 0;
}

/* Decimal digits only; -1 for ".", ".." and anything else. */
static int fd_from_name(const char *s)
{
	int n = 0;

	if (*s == '\0')
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9' || n > FD_SCAN_MAX * 16)
			return -1;
		n = n * 10 + (*s - '0');
	}
	return n;
}

struct raw_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

/* readdir() allocates, hence the raw call. */
static int cloexec_by_proc(int keep_fd)
{
	_Alignas(struct raw_dirent) char block[2048];
	int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n;

	if (dir < 0)
		return -errno;
	while ((n = syscall(SYS_getdents64, dir, block, sizeof(block))) > 0) {
		for (long at = 0; at < n;) {
			const struct raw_dirent *e = (const void *)(block + at);
			int fd = fd_from_name(e->name);

			if (fd > 2 && fd != keep_fd)
				(void)cloexec_one(fd);
			at += e->reclen;
		}
	}
	(void)close(dir);
	return n < 0 ? -EIO : 0;
}

static int cloexec_by_scan(int keep_fd)
{
	struct rlimit limit;
	int max = FD_SCAN_MAX;

	/* A lowered limit does not close what is already above it. */
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	if (limit.rlim_max > FD_SCAN_MAX && limit.rlim_max != RLIM_INFINITY)
		return -EMFILE;
	for (int fd = 3; fd < max; fd++) {
		if (fd != keep_fd)
			(void)cloexec_one(fd);
	}
	return 0;
}

static int cloexec_range(unsigned int from, unsigned int to)
{
	if (from > to)
		return 0;
	return syscall(SYS_close_range, from, to, CLOSE_RANGE_CLOEXEC) < 0
		       ? -errno
		       : 0;
}

static int step_fds(int keep_fd)
{
	int r;

	if (keep_fd > 2) {
		r = cloexec_range(3, (unsigned int)keep_fd - 1);
		if (r == 0)
			r = cloexec_range((unsigned int)keep_fd + 1, ~0U);
	} else {
		r = cloexec_range(3, ~0U);
	}
	if (r == 0) /* before 5.9 ENOSYS, before 5.11 EINVAL */
		return 0;
	if (cloexec_by_proc(keep_fd) == 0)
		return 0;
	return cloexec_by_scan(keep_fd);
}

static int filter_install(const struct sock_fprog *f, unsigned long flags)
{
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			 flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW, f);

	return r < 0 ? -errno : (int)r;
}

static int step_seccomp(const struct confine_plan *p,
			struct confine_report *report)
{
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	int r;

	if (!p->listener)
		return filter_install(p->filter, 0);
	r = filter_install(
		p->filter,
		p->wait_killable
			? flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
			: flags);
	if (r == -EINVAL && p->wait_killable)
		r = filter_install(p->filter, flags);
	if (r >= 0) {
		report->listener = r;
		return 0;
	}
	report->listener_error = -r;
	return p->filter_static ? filter_install(p->filter_static, 0) : r;
}

static void record(struct confine_report *report, enum confine_step step, int r)
{
	report->result[step] = r < 0 ? CONFINE_FAILED : CONFINE_OK;
	report->error[step] = r < 0 ? -r : 0;
}

int confine_apply(const struct confine_plan *p, int keep_fd,
		  struct confine_report *ret)
{
	*ret = (struct confine_report){ .listener = -1 };
	if (p->n_cgroups > 0)
		record(ret, CONFINE_CGROUP, step_cgroup(p));
	record(ret, CONFINE_SESSION, step_session(p));
	if (p->n_rlimits > 0)
		record(ret, CONFINE_RLIMIT, step_rlimit(p));
	if (p->cwd_fd >= 0 || p->cwd)
		record(ret, CONFINE_CWD, step_cwd(p));
	record(ret, CONFINE_CAPS,
	       p->caps_gone ? 0 : caps_restrict(p->caps_keep));
	record(ret, CONFINE_NNP,
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0);
	record(ret, CONFINE_FDS, step_fds(keep_fd));
	if (p->landlock_fd >= 0)
		record(ret, CONFINE_LANDLOCK,
		       landlock_restrict(p->landlock_fd, p->landlock_flags));
	if (p->filter)
		record(ret, CONFINE_SECCOMP, step_seccomp(p, ret));
	for (unsigned int s = 0; s < CONFINE_STEP_MAX; s++) {
		if (!(p->required >> s & 1) || ret->result[s] == CONFINE_OK)
			continue;
		/* required but not in the plan: not done is not good enough */
		return ret->error[s] ? -ret->error[s] : -EINVAL;
	}
	return 0;
}

const char *confine_step_to_string(enum confine_step step)
{
	static const char *const names[] = {
		[CONFINE_CGROUP] = "cgroup",
		[CONFINE_SESSION] = "session",
		[CONFINE_RLIMIT] = "rlimit",
		[CONFINE_CWD] = "cwd",
		[CONFINE_CAPS] = "capabilities",
		[CONFINE_NNP] = "no_new_privs",
		[CONFINE_FDS] = "close_range",
		[CONFINE_LANDLOCK] = "landlock",
		[CONFINE_SECCOMP] = "seccomp",
	};

	return (unsigned int)step < ARRAY_LEN(names) ? names[step] : "?";
}
