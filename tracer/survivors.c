/* SPDX-License-Identifier: MIT */
/*
 * survivors.c - the end of a command's processes without a cgroup
 *
 * We are the subreaper: whatever loses its parent becomes our child and stays
 * in reach. A process belongs to the command when it descends from the
 * command's first process, or is a child of ours that made itself known
 * through the command's listener, is in a session or group led by one that
 * did, or when no other command could own it. Rounds of look-and-kill go on
 * until one finds nothing; each kill is pinned by a pidfd, so that a pid that
 * was reused meanwhile is not hit.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/vec.h"
#include "tracer/command.h"
#include "tracer/slot.h"

#define SURVIVORS_MAX_ROUNDS 200
#define DYING_MAX            512
#define ROUND_NS             (10ULL * 1000000)

struct proc_seen {
	pid_t pid;
	struct proc_stat st;
	bool ours;
};

struct census {
	VEC(struct proc_seen) v;
	pid_t self;
};

static int take_census(struct census *s)
{
	_cleanup_closedir_ DIR *d = opendir("/proc");
	const struct dirent *e;

	s->v.n = 0;
	s->self = getpid();
	while (d && (e = readdir(d))) {
		struct proc_seen p = { 0 };
		uint64_t pid;

		if (num_parse_u64(str_from(e->d_name), &pid) < 0)
			continue;
		p.pid = (pid_t)pid;
		if (proc_stat_read(p.pid, &p.st) < 0 || p.st.state == 'Z' ||
		    p.st.state == 'X')
			continue;
		if (vec_push(&s->v, p) < 0)
			return -ENOMEM;
	}
	return d ? 0 : -errno;
}

static bool is_known(const struct command *c, const struct proc_seen *p)
{
	const struct proc_entry *e = proctab_find(&c->procs, p->pid);

	return e && proctab_is_same(e);
}

static unsigned int running(const struct tracer *t)
{
	unsigned int n = 0;

	for (const struct command *c = t->commands; c; c = c->next)
		n += !c->ended && !c->is_probe;
	return n;
}

static bool is_helper(const struct tracer *t, pid_t pid)
{
	return (t->launcher && pid == launcher_pid(t->launcher)) ||
	       slot_is_zygote(t, pid);
}

static bool leads_other(const struct command *c, pid_t pid)
{
	for (const struct command *o = c->tracer->commands; o; o = o->next)
		if (o != c && !o->reaped && o->pid == pid)
			return true;
	return false;
}

/* Membership of one process by itself; descent is added by mark_children. */
static bool belongs(const struct census *s, const struct command *c,
		    const struct proc_seen *p)
{
	if (p->pid == c->pid && !c->reaped)
		return true;
	if (p->st.parent != s->self || is_helper(c->tracer, p->pid) ||
	    leads_other(c, p->pid))
		return false;
	return is_known(c, p) || p->st.session == c->pid ||
	       p->st.pgrp == c->pid ||
	       proctab_find(&c->procs, p->st.session) != NULL ||
	       running(c->tracer) <= 1;
}

static void mark(struct census *s, const struct command *c)
{
	bool more = true;

	for (size_t i = 0; i < s->v.n; i++)
		s->v.data[i].ours = belongs(s, c, &s->v.data[i]);
	while (more) {
		more = false;
		for (size_t i = 0; i < s->v.n; i++) {
			struct proc_seen *p = &s->v.data[i];

			for (size_t k = 0; !p->ours && k < s->v.n; k++) {
				const struct proc_seen *up = &s->v.data[k];

				if (up->ours && up->pid == p->st.parent)
					more = p->ours = true;
			}
		}
	}
}

/* Descriptors of what was killed in one round; more die unwatched. */
struct dying {
	struct pollfd v[DYING_MAX];
	nfds_t n;
};

static bool kill_one(const struct proc_seen *p, struct dying *d)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	struct proc_stat now;

	if (fd < 0 || proc_stat_read(p->pid, &now) < 0 ||
	    now.start_ticks != p->st.start_ticks ||
	    syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0)
		return false;
	if (d->n < DYING_MAX)
		d->v[d->n++] =
			(struct pollfd){ .fd = TAKE_FD(fd), .events = POLLIN };
	return true;
}

/* Until all have died, or for a moment: a round costs a look at all of /proc,
 * and those who need the CPU to die get it meanwhile. */
static void await(struct dying *d)
{
	uint64_t end = clock_monotonic_ns() + ROUND_NS;
	nfds_t left = d->n;

	while (left > 0) {
		uint64_t now = clock_monotonic_ns();

		if (now >= end ||
		    poll(d->v, d->n, (int)((end - now) / 1000000 + 1)) <= 0)
			break;
		for (nfds_t i = 0; i < d->n; i++) {
			if (d->v[i].fd < 0 || !d->v[i].revents)
				continue;
			(void)close(d->v[i].fd);
			d->v[i].fd = -1;
			left--;
		}
	}
	for (nfds_t i = 0; i < d->n; i++)
		if (d->v[i].fd >= 0)
			(void)close(d->v[i].fd);
	d->n = 0;
}

unsigned int survivors_kill(struct command *c)
{
	struct census s = { 0 };
	struct dying d = { .n = 0 };
	siginfo_t info = { 0 };
	unsigned int killed = 0;

	/* Whatever has lost its parent is our child. */
	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 &&
	    errno == ECHILD)
		return 0;
	for (int round = 0; round < SURVIVORS_MAX_ROUNDS; round++) {
		unsigned int hit = 0;

		if (take_census(&s) < 0)
			break;
		mark(&s, c);
		for (size_t i = 0; i < s.v.n; i++)
			if (s.v.data[i].ours && kill_one(&s.v.data[i], &d))
				hit++;
		if (hit == 0)
			break;
		if (round == 0)
			killed = hit;
		await(&d);
	}
	vec_done(&s.v);
	return killed;
}

int survivors_each(struct command *c, bool (*fn)(void *arg, pid_t pid),
		   void *arg)
{
	struct census s = { 0 };
	int r = take_census(&s);

	if (r == 0)
		mark(&s, c);
	for (size_t i = 0; r == 0 && i < s.v.n; i++)
		if (s.v.data[i].ours && !fn(arg, s.v.data[i].pid))
			break;
	vec_done(&s.v);
	return r;
}
