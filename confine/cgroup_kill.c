/* SPDX-License-Identifier: MIT */
/*
 * cgroup_kill.c - the end of everything in a cgroup directory
 *
 * cgroup.kill hits everything at once, forks included. Without it the
 * list is read, each process killed, and the list read again: a fork that
 * slipped in between is in the next round. Freezing first makes one round
 * enough; a v1-frozen process dies only when thawed. Each round waits for the
 * deaths on pidfds, not by sleeping.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/num.h"
#include "confine/cgroup_root.h"

#ifndef SYS_pidfd_open
#	define SYS_pidfd_open 434
#endif

#define KILL_ROUNDS   40
#define KILL_ROUND_MS 50
#define KILL_BATCH    64
#define PROCS_MAX     (4U << 20) /* bytes of cgroup.procs read */

typedef int (*pid_fn)(pid_t pid, void *arg);

/* Calls fn for each member; pids outside our PID namespace read as 0. */
static int members_each(int dirfd, pid_fn fn, void *arg)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct str rest, line;
	int64_t pid;
	int r = fd_read_file(dirfd, "cgroup.procs", PROCS_MAX, &b);

	if (r < 0)
		return r;
	rest = buf_str(&b);
	while (str_split(&rest, '\n', &line)) {
		if (num_parse_range(line, 1, INT32_MAX, &pid) < 0)
			continue;
		r = fn((pid_t)pid, arg);
		if (r != 0)
			return r;
	}
	return 0;
}

static int member_count(pid_t pid, void *arg)
{
	(void)pid;
	++*(unsigned int *)arg;
	return 0;
}

bool cgroup_dir_empty(const struct cgroup_tree *t, int dirfd)
{
	uint64_t populated;
	unsigned int n = 0;

	if (t->kind == CGROUP_V2 &&
	    cgroup_read_key(dirfd, "cgroup.events", "populated", &populated) ==
		    0)
		return populated == 0;
	return members_each(dirfd, member_count, &n) == 0 && n == 0;
}

struct batch {
	struct pollfd fds[KILL_BATCH];
	unsigned int n;
};

static int member_kill(pid_t pid, void *arg)
{
	struct batch *b = arg;
	int fd;

	if (pid == getpid())
		return 0;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0 && errno != ESRCH)
		(void)kill(pid, SIGKILL); /* before 5.3; it was listed just now
					   */
	if (fd < 0)
		return 0;
	(void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	if (b->n == KILL_BATCH) {
		(void)close(fd);
		return 0;
	}
	b->fds[b->n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	return 0;
}

static void freeze(const struct cgroup_tree *t, int dirfd, bool on)
{
	if (!t->freeze)
		return;
	if (t->kind == CGROUP_V2)
		(void)cgroup_write(dirfd, "cgroup.freeze", on ? "1" : "0");
	else
		(void)cgroup_write(dirfd, "freezer.state",
				   on ? "FROZEN" : "THAWED");
}

/*
 * Each process is signalled by its pidfd in any case: that is what tells its
 * death at once, while notifications of cgroup.events are held back up to
 * 10 ms by the kernel.
 */
static void kill_round(const struct cgroup_tree *t, int dirfd)
{
	struct batch b = { .n = 0 };

	freeze(t, dirfd, !t->kill);
	(void)members_each(dirfd, member_kill, &b);
	if (t->kill)
		(void)cgroup_write(dirfd, "cgroup.kill", "1");
	else
		freeze(t, dirfd, false);
	for (unsigned int i = 0; i < b.n; i++) {
		(void)poll(&b.fds[i], 1, KILL_ROUND_MS);
		(void)close(b.fds[i].fd);
	}
}

/* What the round did not see or could not wait for. */
static void kill_wait(const struct cgroup_tree *t, int dirfd)
{
	_cleanup_close_ int fd =
		openat(dirfd, "cgroup.events", O_RDONLY | O_CLOEXEC);
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	char text[128];

	if (t->kind == CGROUP_V1 || fd < 0) {
		(void)poll(NULL, 0, KILL_ROUND_MS / 10);
		return;
	}
	/* reading arms the notification; a change before it is then seen */
	if (fd_read_full(fd, text, sizeof(text)) < 0 ||
	    cgroup_dir_empty(t, dirfd))
		return;
	(void)poll(&p, 1, KILL_ROUND_MS);
}

int cgroup_kill_dir(const struct cgroup_tree *t, int dirfd,
		    unsigned int *killed)
{
	unsigned int seen = 0;

	(void)members_each(dirfd, member_count, &seen);
	*killed += seen;
	for (unsigned int i = 0; i < KILL_ROUNDS; i++) {
		if (cgroup_dir_empty(t, dirfd))
			return 0;
		kill_round(t, dirfd);
		if (!cgroup_dir_empty(t, dirfd))
			kill_wait(t, dirfd);
	}
	return cgroup_dir_empty(t, dirfd) ? 0 : -EBUSY;
}
