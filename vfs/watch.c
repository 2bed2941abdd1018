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
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "vfs/known.h"
#include "vfs/session.h"

#define MASK                                                               \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | \
	 IN_CLOSE_WRITE | IN_ONLYDIR | IN_EXCL_UNLINK)
#define CONTENT  (IN_ATTRIB | IN_CLOSE_WRITE)
#define OWN_MS   250U
#define AGAIN_MS 300U
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

void watch_own(struct vfs *v, struct inode *dir, const char *name)
{
	uint32_t h, now = now_ms();

	if (v->inodes.watch_fd < 0)
		return;
	h = hash_name(dir, name);
	__atomic_store_n(&v->watch.own[h % ARRAY_LEN(v->watch.own)],
			 (uint64_t)h << 32 | now, __ATOMIC_RELAXED);
	__atomic_store_n(&dir->own_ms, now, __ATOMIC_RELAXED);
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
	known_own(v, i);
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

/* --- how long the kernel may keep what it is told --- */

/* Changes in dir reach us, whoever makes them. */
static bool is_told(const struct vfs *v, const struct inode *dir)
{
	return v->watch.exact && watch_has(dir) &&
	       dir->dev == v->inodes.root->dev;
}

double watch_name_time(struct vfs *v, const struct inode *dir, const char *name)
{
	return is_told(v, dir) && !is_own(v, dir, name)
		       ? v->settings.name_timeout
		       : v->settings.timeout;
}

/* The table's lock is held. */
static bool attr_is_told(const struct vfs *v, const struct inode *i,
			 const struct stat *st)
{
	if (S_ISDIR(i->type))
		return is_told(v, i) &&
		       now_ms() - __atomic_load_n(&i->own_ms,
						  __ATOMIC_RELAXED) >=
			       OWN_MS;
	/* A second name may be in a directory that is not watched. */
	return i->writers == 0 && st->st_nlink == 1 && i->parent && i->name &&
	       i->dev == i->parent->dev && is_told(v, i->parent) &&
	       !is_own(v, i->parent, i->name);
}

/* Its ctime is what it was when the kernel was told before. Lock held. */
static bool is_calm(struct inode *i, const struct stat *st)
{
	int64_t c = st->st_ctim.tv_sec * 1000000000LL + st->st_ctim.tv_nsec;
	bool same = i->told_ctime_ns == c;

	i->told_ctime_ns = c;
	return same;
}

/*
 * Who writes to an open file is not seen before he closes it. So what has
 * changed lately, and not by us, is soon asked for again, as NFS clients do.
 */
double watch_attr_time(struct vfs *v, struct inode *i, const struct stat *st)
{
	double t = v->settings.timeout, most = v->settings.attr_timeout, age;
	struct timespec now;
	bool told, calm;

	(void)pthread_mutex_lock(&v->inodes.lock);
	told = attr_is_told(v, i, st);
	calm = is_calm(i, st);
	(void)pthread_mutex_unlock(&v->inodes.lock);
	if (!told || most <= t)
		return t;
	if (calm)
		return most;
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
	age = (double)(now.tv_sec - st->st_ctim.tv_sec);
	return MAX(t, MIN(most, age / 2));
}

/* --- telling --- */

/* An answer made before a change may reach the kernel after what we tell of it:
 * told again a little later. */
struct again {
	struct inode *dir; /* with a reference */
	uint32_t mask, since_ms;
	char name[NAME_MAX + 1];
};
#define AGAIN_MAX 64U

static void tell(struct vfs *v, struct inode *dir, const char *name,
		 uint32_t mask)
{
	struct inode *i = NULL;

	known_changed(v, dir);
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

static void tell_one(struct vfs *v, struct again *a)
{
	struct inode *dir = TAKE(a->dir);

	if (!dir)
		return;
	tell(v, dir, a->name, a->mask);
	inode_unref(&v->inodes, dir);
	v->watch.n_again--;
}

/* The oldest goes for it, when there are many. */
static void tell_again(struct vfs *v, struct inode *dir, const char *name,
		       uint32_t mask)
{
	struct again *a = &v->watch.again[v->watch.at_again++ % AGAIN_MAX];

	tell_one(v, a);
	*a = (struct again){ .dir = dir, .mask = mask, .since_ms = now_ms() };
	(void)snprintf(a->name, sizeof(a->name), "%s", name);
	inode_ref(&v->inodes, dir);
	v->watch.n_again++;
}

static void tell_due(struct vfs *v)
{
	uint32_t now = now_ms();

	if (v->watch.missed) {
		known_changed(v, NULL);
		session_invalidate(v->session);
	}
	v->watch.missed = false;
	for (size_t k = 0; v->watch.n_again > 0 && k < AGAIN_MAX; k++)
		if (now - v->watch.again[k].since_ms >= AGAIN_MS)
			tell_one(v, &v->watch.again[k]);
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
	if (foreign) {
		tell(v, dir, name, e->mask);
		tell_again(v, dir, name, e->mask);
	}
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

			v->watch.missed |= (e->mask & IN_Q_OVERFLOW) != 0;
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
		bool due = v->watch.n_again > 0;

		if (poll(p, 2, due ? (int)AGAIN_MS / 2 : -1) < 0 &&
		    errno != EINTR)
			break;
		if (p[1].revents)
			break;
		due = drain(v);
		tell_due(v);
		if (!due)
			(void)nanosleep(&pause, NULL);
	}
	return NULL;
}

/* File systems that others than this kernel can change are not told of. */
static bool tells_all(int fd)
{
	static const unsigned long local[] = {
		EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,  BTRFS_SUPER_MAGIC,
		TMPFS_MAGIC,      F2FS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t k = 0; k < ARRAY_LEN(local); k++)
		if ((unsigned long)fs.f_type == local[k])
			return true;
	return false;
}

int watch_start(struct vfs *v)
{
	sigset_t all, old;
	int r = 0, fd;

	v->watch.stop_fd = -1;
	if (v->settings.timeout <= 0)
		return 0;
	v->watch.again = calloc(AGAIN_MAX, sizeof(*v->watch.again));
	if (!v->watch.again)
		return -ENOMEM;
	v->watch.exact = tells_all(v->root_fd);
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
	v->watch.exact = false;
	free(v->watch.again);
	v->watch.again = NULL;
	v->watch.n_again = 0;
	if (v->watch.stop_fd >= 0)
		(void)close(v->watch.stop_fd);
	v->watch.stop_fd = -1;
}
