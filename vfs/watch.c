/* SPDX-License-Identifier: MIT */
/*
 * watch.c - what the host changes behind the mount
 *
 * Our own changes come back as events, too. They are known by a small table of
 * what was changed lately, by hash: a collision costs a second (the kernel asks
 * again by itself) or one question too many. While there are only such events
 * the thread sleeps between looks, so that they need no wake-up each.
 *
 * Telling the kernel may wait for a directory's lock, which somebody holds who
 * waits for an answer of ours: no lock of ours is held meanwhile.
 */
#include "vfs/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "vfs/session.h"

#define MASK                                                               \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | \
	 IN_CLOSE_WRITE | IN_ONLYDIR | IN_EXCL_UNLINK)
#define CONTENT  (IN_ATTRIB | IN_CLOSE_WRITE)
#define OWN_MS   250U
#define PAUSE_NS 10000000L

static uint32_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint32_t)((uint64_t)ts.tv_sec * 1000 +
			  (uint64_t)ts.tv_nsec / 1000000);
}

static uint32_t hash_name(const struct inode *dir, const char *name)
{
	uint64_t h = (uint64_t)(uintptr_t)dir * 0x9e3779b97f4a7c15ULL;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3ULL;
	return (uint32_t)(h ^ (h >> 32));
}

void watch_own(struct vfs *v, const struct inode *dir, const char *name)
{
	uint32_t h;

	if (v->inodes.watch_fd < 0)
		return;
	h = hash_name(dir, name);
	__atomic_store_n(&v->watch.own[h % ARRAY_LEN(v->watch.own)],
			 (uint64_t)h << 32 | now_ms(), __ATOMIC_RELAXED);
}

static bool is_own(const struct vfs *v, const struct inode *dir,
		   const char *name)
{
	uint32_t h = hash_name(dir, name);
	uint64_t e = __atomic_load_n(&v->watch.own[h % ARRAY_LEN(v->watch.own)],
				     __ATOMIC_RELAXED);

	return e >> 32 == h && now_ms() - (uint32_t)e < OWN_MS;
}

void watch_own_inode(struct vfs *v, struct inode *i)
{
	if (v->inodes.watch_fd < 0)
		return;
	(void)pthread_mutex_lock(&v->inodes.lock);
	if (i->parent && i->name)
		watch_own(v, i->parent, i->name);
	for (const struct alias *a = i->aliases; a; a = a->next)
		watch_own(v, a->parent, a->name);
	(void)pthread_mutex_unlock(&v->inodes.lock);
}

void watch_dir(struct vfs *v, struct inode *dir, int dirfd)
{
	char path[32];
	int wd;

	if (v->inodes.watch_fd < 0 ||
	    __atomic_load_n(&dir->wd, __ATOMIC_RELAXED) != 0)
		return;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", dirfd);
	wd = session_expires(v->session)
		     ? inotify_add_watch(v->inodes.watch_fd, path, MASK)
		     : -1;
	inode_watched(&v->inodes, dir, wd > 0 ? wd : -1);
}

static void tell(struct vfs *v, struct inode *dir, const char *name,
		 uint32_t mask)
{
	struct inode *i = NULL;

	if (*name) {
		session_expire_entry(v->session, dir, name);
		if (mask & CONTENT)
			i = inode_find(&v->inodes, dir, name);
	}
	session_expire_attr(v->session, dir);
	if (!i)
		return;
	session_expire_attr(v->session, i);
	inode_unref(&v->inodes, i);
}

/* True if it was the host's doing. */
static bool one(struct vfs *v, const struct inotify_event *e)
{
	const char *name = e->len ? e->name : "";
	struct inode *dir =
		inode_of_watch(&v->inodes, e->wd, (e->mask & IN_IGNORED) != 0);
	bool foreign;

	if (!dir)
		return false;
	foreign = !(e->mask & IN_IGNORED) && !is_own(v, dir, name) &&
		  (*name || e->mask & IN_ATTRIB);
	if (foreign)
		tell(v, dir, name, e->mask);
	inode_unref(&v->inodes, dir);
	return foreign;
}

static bool drain(struct vfs *v)
{
	char b[8192] __attribute__((aligned(8)));
	bool any = false;
	ssize_t n;

	while ((n = read(v->inodes.watch_fd, b, sizeof(b))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const void *)(b + at);

			any |= one(v, e);
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	}
	return any;
}

static void *run(void *arg)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct vfs *v = arg;
	struct pollfd p[2] = { { .fd = v->inodes.watch_fd, .events = POLLIN },
			       { .fd = v->watch.stop_fd, .events = POLLIN } };

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents)
			break;
		if (!drain(v))
			(void)nanosleep(&pause, NULL);
	}
	return NULL;
}

int watch_start(struct vfs *v)
{
	sigset_t all, old;
	int r = 0, fd;

	v->watch.stop_fd = -1;
	if (v->settings.timeout <= 0)
		return 0;
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (fd < 0)
		return -errno;
	v->watch.stop_fd = eventfd(0, EFD_CLOEXEC);
	if (v->watch.stop_fd < 0)
		r = -errno;
	v->inodes.watch_fd = fd;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	if (r == 0)
		r = -pthread_create(&v->watch.thread, NULL, run, v);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	v->watch.running = r == 0;
	if (r < 0)
		watch_stop(v);
	return r;
}

void watch_stop(struct vfs *v)
{
	const uint64_t one_more = 1;

	if (v->watch.running) {
		(void)!write(v->watch.stop_fd, &one_more, sizeof(one_more));
		(void)pthread_join(v->watch.thread, NULL);
		v->watch.running = false;
	}
	if (v->inodes.watch_fd >= 0)
		(void)close(v->inodes.watch_fd);
	v->inodes.watch_fd = -1;
	if (v->watch.stop_fd >= 0)
		(void)close(v->watch.stop_fd);
	v->watch.stop_fd = -1;
}
