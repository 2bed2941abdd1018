/* SPDX-License-Identifier: MIT */
/*
 * pidfd_signal.c - a signal by pidfd, sent for its caller
 *
 * The number of a descriptor is a scalar, but what it means is not: a second
 * thread may put another pidfd there between our look and the kernel's. So
 * such a signal does not go on; it is sent here, by a pidfd of the process
 * that was judged. What differs for who gets it: si_code is SI_QUEUE, not
 * SI_USER, since one process cannot say the latter for another.
 */
#include "tracer/pidfd_signal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tracer/identity.h"
#include "tracer/notify.h"

#define FOR_GROUP 4 /* PIDFD_SIGNAL_PROCESS_GROUP, 6.9 */

#ifndef PIDFD_THREAD
#	define PIDFD_THREAD O_EXCL /* 6.9 */
#endif

/* The kernel asks for our ids, not for those of a caller who has others. */
static int may_signal(pid_t target, uid_t uid)
{
	char path[32];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d", target);
	if (stat(path, &st) < 0)
		return -ESRCH;
	return st.st_uid == uid ? 0 : -EPERM;
}

/* What its receiver will be told: what the caller says, if it says so. */
static int info_of(const struct request *q, int signo, uid_t uid,
		   siginfo_t *ret)
{
	if (q->args[2] == 0) {
		*ret = (siginfo_t){ .si_signo = signo, .si_code = SI_QUEUE };
		ret->si_pid = q->pid;
		ret->si_uid = uid;
		return 0;
	}
	if (mem_get(&q->mem, q->args[2], ret, sizeof(*ret)) < 0)
		return -EFAULT;
	return ret->si_signo == signo ? 0 : -EINVAL;
}

static int send_by_own(int pidfd, int signo, siginfo_t *info, uint32_t flags)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signo, info, flags) < 0
		       ? -errno
		       : 0;
}

int pidfd_signal(struct request *q, pid_t target, int pidfd, pid_t pgrp)
{
	_cleanup_close_ int thread = -1;
	uint32_t flags = (uint32_t)q->args[3];
	int signo = (int)q->args[1], r;
	uid_t uid = getuid();
	gid_t gid;
	siginfo_t info;

	r = identity_real_ids(q, &uid, &gid);
	if (r > 0)
		r = may_signal(target, uid);
	if (r == 0)
		r = info_of(q, signo, uid, &info);
	if (r < 0)
		return r;
	if (flags == FOR_GROUP) /* never 0 or 1: ours, or everyone */
		return pgrp > 1 && kill(-pgrp, signo) == 0 ? 0
		       : pgrp > 1                          ? -errno
							   : -EPERM;
	if (pidfd < 0)
		pidfd = thread =
			(int)syscall(SYS_pidfd_open, target, PIDFD_THREAD);
	return pidfd < 0 ? -errno : send_by_own(pidfd, signo, &info, flags);
}
