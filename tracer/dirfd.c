/* SPDX-License-Identifier: MIT */
/*
 * dirfd.c - directories that callers remove from, held for some milliseconds
 *
 * What removes a tree names hundreds of files after one another by the same
 * descriptor. Opening /proc/TID/fd/N and reading its name for each of them
 * costs a fifth of all that is done about an unlink().
 *
 * What is held is the caller's own open file, so that one kcmp() tells whether
 * its number still stands for it; the name is good for as long as that of a
 * working directory (cwd.c). An open file that we hold lives on when the caller
 * closes it, with a lock (flock) that it may carry: so it is taken at the
 * second removal only, never for long, and only of directories.
 */
#include "tracer/dirfd.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/loop.h"
#include "tracer/identity.h"
#include "tracer/net.h"
#include "tracer/notify.h"
#include "tracer/ownfd.h"
#include "tracer/tracer.h"

#define HOLD_NS 5000000U /* 5 ms */

static void drop(struct dirfd *d)
{
	if (d->tid && d->fd >= 0)
		(void)close(d->fd);
	d->tid = 0;
	d->fd = -1;
}

/* One look after all of them are over is enough. */
static void on_timer(struct loop *loop, void *arg)
{
	struct dirfd_cache *c = arg;
	uint64_t now = loop_now(loop);
	bool any = false;

	for (size_t i = 0; i < DIRFD_SLOTS; i++) {
		struct dirfd *d = &c->slots[i];

		if (d->tid && d->fd >= 0 && now >= d->until_ns)
			drop(d);
		any |= d->tid && d->fd >= 0;
	}
	c->armed = any && loop_timer_arm(c->timer, HOLD_NS) == 0;
}

static bool arm(struct tracer *t)
{
	struct dirfd_cache *c = &t->dirfds;

	if (c->armed)
		return true;
	c->armed = (c->timer ? loop_timer_arm(c->timer, HOLD_NS)
			     : loop_add_timer(t->loop, HOLD_NS, on_timer, c,
					      &c->timer)) == 0;
	return c->armed;
}

/* The number still stands for the open file that we hold. */
static bool is_same(const struct dirfd *d)
{
	_cleanup_identity_ struct identity *was = identity_look();
	static pid_t self;

	if (!self)
		self = getpid();
	return syscall(SYS_kcmp, self, d->tid, KCMP_FILE, (unsigned long)d->fd,
		       (unsigned long)d->number) == 0;
}

static bool take(const struct request *q, struct dirfd *d)
{
	struct stat st;

	d->fd = net_getfd(q, d->number);
	if (d->fd < 0)
		return false;
	buf_reset(&d->path);
	return fstat(d->fd, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_nlink > 0 && ownfd_path(d->fd, &d->path) == 0 &&
	       d->path.len && d->path.data[0] == '/' && is_same(d) &&
	       request_valid(q);
}

const struct dirfd *dirfd_of(const struct request *q, int number)
{
	struct tracer *t = q->tracer;
	uint64_t now = loop_now(t->loop);
	struct dirfd *d;

	if (number < 0 || t->no_getfd)
		return NULL;
	d = &t->dirfds.slots[((unsigned int)q->tid + (unsigned int)number) %
			     DIRFD_SLOTS];
	if (d->tid != q->tid || d->pid != q->pid || d->number != number) {
		drop(d);
		d->tid = q->tid;
		d->pid = q->pid;
		d->number = number;
		return NULL;
	}
	if (d->fd >= 0 && now < d->until_ns && is_same(d))
		return d;
	if (d->fd >= 0) {
		drop(d);
		return NULL;
	}
	if (!arm(t) || !take(q, d)) {
		drop(d);
		return NULL;
	}
	d->until_ns = now + HOLD_NS;
	return d;
}

void dirfd_renamed(struct tracer *t)
{
	for (size_t i = 0; i < DIRFD_SLOTS; i++)
		drop(&t->dirfds.slots[i]);
}

void dirfd_done(struct tracer *t)
{
	dirfd_renamed(t);
	for (size_t i = 0; i < DIRFD_SLOTS; i++)
		buf_done(&t->dirfds.slots[i].path);
	t->dirfds.timer = loop_remove(t->dirfds.timer);
}
