/* SPDX-License-Identifier: MIT */
/*
 * inode.c - one node per inode the kernel holds
 */
#include "vfs/inode.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "vfs/wire.h"

#define TABLE_MIN    1024U
#define NSEC_PER_SEC 1000000000LL
#define ALIASES_MAX  64U /* names of one node */
#define WATCH_CHAINS 1024U
#define FDS_OTHER    512U /* descriptors left for everything else */

struct identity {
	uint64_t dev, ino;
	int64_t btime_ns;
};

static size_t hash_id(uint64_t dev, uint64_t ino, size_t size)
{
	uint64_t h = (ino + (dev << 32)) * 0x9e3779b97f4a7c15ULL;

	return (size_t)(h ^ (h >> 32)) & (size - 1);
}

static void stat_from(struct stat *st, const struct statx *sx)
{
	memset(st, 0, sizeof(*st));
	st->st_dev = makedev(sx->stx_dev_major, sx->stx_dev_minor);
	st->st_ino = sx->stx_ino;
	st->st_mode = sx->stx_mode;
	st->st_nlink = sx->stx_nlink;
	st->st_uid = sx->stx_uid;
	st->st_gid = sx->stx_gid;
	st->st_rdev = makedev(sx->stx_rdev_major, sx->stx_rdev_minor);
	st->st_size = (off_t)sx->stx_size;
	st->st_blksize = (blksize_t)sx->stx_blksize;
	st->st_blocks = (blkcnt_t)sx->stx_blocks;
	st->st_atim.tv_sec = sx->stx_atime.tv_sec;
	st->st_atim.tv_nsec = sx->stx_atime.tv_nsec;
	st->st_mtim.tv_sec = sx->stx_mtime.tv_sec;
	st->st_mtim.tv_nsec = sx->stx_mtime.tv_nsec;
	st->st_ctim.tv_sec = sx->stx_ctime.tv_sec;
	st->st_ctim.tv_nsec = sx->stx_ctime.tv_nsec;
}

static int look(int fd, const char *name, struct statx *ret)
{
	int flags = *name ? AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT
			  : AT_EMPTY_PATH;

	return statx(fd, name, flags, STATX_BASIC_STATS | STATX_BTIME, ret);
}

static void identity_from(struct identity *id, const struct statx *sx)
{
	const struct statx_timestamp *t = &sx->stx_btime;

	id->dev = makedev(sx->stx_dev_major, sx->stx_dev_minor);
	id->ino = sx->stx_ino;
	id->btime_ns = sx->stx_mask & STATX_BTIME
			       ? t->tv_sec * NSEC_PER_SEC + t->tv_nsec
			       : 0;
}

static int identify(int fd, const char *name, struct identity *id,
		    struct stat *st)
{
	struct statx sx;

	if (look(fd, name, &sx) < 0)
		return -errno;
	identity_from(id, &sx);
	if (st)
		stat_from(st, &sx);
	return 0;
}

static struct inode *find(struct inode_table *t, const struct identity *id)
{
	struct inode *i = t->slots[hash_id(id->dev, id->ino, t->size)];

	while (i && (i->ino != id->ino || i->dev != id->dev ||
		     i->btime_ns != id->btime_ns))
		i = i->next;
	return i;
}

static int grow(struct inode_table *t)
{
	size_t size = t->size ? t->size * 2 : TABLE_MIN;
	struct inode **slots;

	if (t->n < t->size)
		return 0;
	slots = calloc(size, sizeof(struct inode *));
	if (!slots)
		return t->size ? 0 : -ENOMEM; /* longer chains, that is all */
	for (size_t k = 0; k < t->size; k++) {
		struct inode *i = t->slots[k], *next;

		for (; i; i = next) {
			size_t h = hash_id(i->dev, i->ino, size);

			next = i->next;
			i->next = slots[h];
			slots[h] = i;
		}
	}
	free(t->slots);
	t->slots = slots;
	t->size = size;
	return 0;
}

static void insert(struct inode_table *t, struct inode *i)
{
	size_t h = hash_id(i->dev, i->ino, t->size);

	i->next = t->slots[h];
	t->slots[h] = i;
	t->n++;
}

static void unlink_chain(struct inode_table *t, struct inode *i)
{
	struct inode **at = &t->slots[hash_id(i->dev, i->ino, t->size)];

	while (*at && *at != i)
		at = &(*at)->next;
	if (*at)
		*at = i->next;
	t->n--;
}

static void close_fd(struct inode_table *t, struct inode *i)
{
	if (i->fd < 0)
		return;
	(void)close(i->fd);
	i->fd = -1;
	t->n_fds--;
}

static void release(struct inode_table *t, struct inode *i);

static struct inode **wd_place(struct inode_table *t, int wd)
{
	struct inode **at = &t->by_wd[(unsigned int)wd % WATCH_CHAINS];

	while (*at && (*at)->wd != wd)
		at = &(*at)->wd_next;
	return at;
}

static void unwatch(struct inode_table *t, struct inode *i)
{
	struct inode **at;

	if (i->wd <= 0)
		return;
	at = wd_place(t, i->wd);
	if (*at)
		*at = i->wd_next;
	if (t->watch_fd >= 0)
		(void)inotify_rm_watch(t->watch_fd, i->wd);
	__atomic_store_n(&i->wd, 0, __ATOMIC_RELAXED);
}

static void drop_aliases(struct inode_table *t, struct inode *i)
{
	struct alias *a = i->aliases, *next;

	for (; a; a = next) {
		next = a->next;
		a->parent->refs--;
		release(t, a->parent);
		free(a);
	}
}

/* Frees nodes that nobody holds any more, going up. */
static void release(struct inode_table *t, struct inode *i)
{
	while (i && i != t->root && i->lookups == 0 && i->refs == 0) {
		struct inode *parent = i->parent;

		unlink_chain(t, i);
		unwatch(t, i);
		close_fd(t, i);
		if (i->backing && t->dev_fuse >= 0)
			(void)ioctl(t->dev_fuse, WIRE_BACKING_CLOSE,
				    &i->backing);
		free(i->name);
		free(i->path);
		drop_aliases(t, i);
		free(i);
		if (parent)
			parent->refs--;
		i = parent;
	}
}

/* Closes descriptors that can be had again, down to seven eighths. */
static void make_room(struct inode_table *t)
{
	size_t looked = 0;

	if (t->n_fds < t->max_fds)
		return;
	while (t->n_fds > t->max_fds / 8 * 7 && looked++ < t->size) {
		struct inode *i = t->slots[t->hand++ & (t->size - 1)];

		for (; i; i = i->next)
			if (i->fd >= 0 && i->held == 0 && i->name && i->parent)
				close_fd(t, i);
	}
}

static void drop_ref(struct inode_table *t, struct inode *i)
{
	i->refs--;
	release(t, i);
}

static bool is_place(const struct inode *i, const struct inode *parent,
		     const char *name)
{
	return i->parent == parent && i->name && strcmp(i->name, name) == 0;
}

static struct alias **find_alias(struct inode *i, const struct inode *parent,
				 const char *name)
{
	struct alias **at = &i->aliases;

	while (*at &&
	       ((*at)->parent != parent || strcmp((*at)->name, name) != 0))
		at = &(*at)->next;
	return at;
}

static void drop_alias(struct inode_table *t, struct alias **at)
{
	struct alias *a = *at;

	if (!a)
		return;
	*at = a->next;
	drop_ref(t, a->parent);
	free(a);
}

/* Its present place becomes an alias. */
static void push_alias(struct inode_table *t, struct inode *i)
{
	size_t n = strlen(i->name) + 1;
	struct alias *a = malloc(sizeof(*a) + n), **last = &i->aliases;
	unsigned int count = 0;

	if (!a)
		return;
	a->parent = i->parent;
	a->parent->refs++;
	memcpy(a->name, i->name, n);
	a->next = i->aliases;
	i->aliases = a;
	for (; *last && count < ALIASES_MAX; last = &(*last)->next)
		count++;
	while (*last)
		drop_alias(t, last);
}

/* NULL name: none. The parent is kept alive meanwhile by its caller. */
static void set_place(struct inode_table *t, struct inode *i,
		      struct inode *parent, const char *name)
{
	struct inode *old = i->parent;
	char *copy;

	if (i == t->root || (name && is_place(i, parent, name)))
		return;
	copy = name ? strdup(name) : NULL;
	free(i->name);
	i->name = copy;
	i->parent = copy ? parent : NULL;
	if (i->parent)
		i->parent->refs++;
	if (old)
		drop_ref(t, old);
}

/* One more name, or the only one. */
static void add_place(struct inode_table *t, struct inode *i,
		      struct inode *parent, const char *name, nlink_t links)
{
	if (i == t->root || is_place(i, parent, name))
		return;
	if (i->name && i->parent && links > 1 && !S_ISDIR(i->type))
		push_alias(t, i);
	drop_alias(t, find_alias(i, parent, name));
	set_place(t, i, parent, name);
}

/* The name is gone; another one that is known takes its place. */
static void remove_place(struct inode_table *t, struct inode *i,
			 const struct inode *parent, const char *name)
{
	struct alias *next;

	drop_alias(t, find_alias(i, parent, name));
	if (!is_place(i, parent, name))
		return;
	next = i->aliases;
	if (!next) {
		set_place(t, i, NULL, NULL);
		return;
	}
	i->aliases = next->next;
	set_place(t, i, next->parent, next->name);
	drop_ref(t, next->parent);
	free(next);
}

int inode_table_init(struct inode_table *t, int root_fd)
{
	struct rlimit rl = { 0 };
	struct identity id = { 0 };
	int r;

	*t = (struct inode_table){ .dev_fuse = -1, .watch_fd = -1 };
	(void)pthread_mutex_init(&t->lock, NULL);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
		(void)getrlimit(RLIMIT_NOFILE, &rl);
	}
	t->max_fds = rl.rlim_cur > 2 * FDS_OTHER ? rl.rlim_cur - FDS_OTHER
						 : rl.rlim_cur / 4;
	r = grow(t);
	if (r < 0)
		return r;
	t->by_wd = calloc(WATCH_CHAINS, sizeof(struct inode *));
	if (!t->by_wd)
		return -ENOMEM;
	t->root = calloc(1, sizeof(*t->root));
	if (!t->root)
		return -ENOMEM;
	r = identify(root_fd, "", &id, NULL);
	if (r < 0)
		return r;
	t->root->dev = id.dev;
	t->root->ino = id.ino;
	t->root->btime_ns = id.btime_ns;
	t->root->type = S_IFDIR;
	t->root->refs = t->root->held = 1;
	t->root->fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
	if (t->root->fd < 0)
		return -errno;
	t->n_fds++;
	insert(t, t->root);
	return 0;
}

void inode_table_done(struct inode_table *t)
{
	for (size_t k = 0; k < t->size; k++) {
		struct inode *i = t->slots[k], *next;

		for (; i; i = next) {
			next = i->next;
			close_fd(t, i);
			free(i->name);
			free(i->path);
			while (i->aliases) {
				struct alias *a = i->aliases;

				i->aliases = a->next;
				free(a);
			}
			free(i);
		}
	}
	free(t->slots);
	free(t->by_wd);
	(void)pthread_mutex_destroy(&t->lock);
}

static int adopt(struct inode_table *t, const struct identity *id, int *fd,
		 mode_t mode, struct inode **ret)
{
	struct inode *i = find(t, id);

	if (!i) {
		i = calloc(1, sizeof(*i));
		if (!i)
			return -ENOMEM;
		i->dev = id->dev;
		i->ino = id->ino;
		i->btime_ns = id->btime_ns;
		i->type = mode & S_IFMT;
		i->fd = -1;
		(void)grow(t);
		insert(t, i);
	}
	if (i->fd < 0 && *fd >= 0) {
		make_room(t);
		i->fd = TAKE_FD(*fd);
		t->n_fds++;
	}
	*ret = i;
	return 0;
}

/*
 * Another procfs, mounted in the workspace (a chroot's, an image's): it shows of
 * processes what its reader may see, and we may see what the caller may not.
 */
static bool is_procfs(struct inode_table *t, struct inode *parent,
		      const char *name, int fd, const struct statx *seen)
{
	_cleanup_close_ int own = -1;
	struct statfs fs;
	int dirfd;

	if (!name || seen->stx_dev_major != 0 ||
	    makedev(seen->stx_dev_major, seen->stx_dev_minor) == parent->dev)
		return false;
	if (fd < 0) {
		dirfd = inode_fd(t, parent);
		if (dirfd < 0)
			return true;
		fd = own = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		inode_put_fd(t, parent);
	}
	return fd < 0 || fstatfs(fd, &fs) < 0 || fs.f_type == PROC_SUPER_MAGIC;
}

int inode_enter(struct inode_table *t, struct inode *parent, const char *name,
		int fd, const struct statx *seen, struct stat *st,
		struct inode **ret)
{
	_cleanup_close_ int own = fd;
	struct identity id;
	struct inode *i;
	int r;

	identity_from(&id, seen);
	stat_from(st, seen);
	if (is_procfs(t, parent, name, own, seen))
		return -EXDEV;
	(void)pthread_mutex_lock(&t->lock);
	r = adopt(t, &id, &own, st->st_mode, &i);
	if (r == 0) {
		i->lookups++;
		if (name)
			add_place(t, i, parent, name, st->st_nlink);
		*ret = i;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

int inode_lookup(struct inode_table *t, struct inode *parent, const char *name,
		 int fd, struct stat *st, struct inode **ret)
{
	_cleanup_close_ int own = fd;
	struct statx seen;
	int r;

	if (own >= 0) {
		r = look(own, "", &seen) < 0 ? -errno : 0;
	} else {
		int dirfd = inode_fd(t, parent);

		if (dirfd < 0)
			return dirfd;
		r = look(dirfd, name, &seen) < 0 ? -errno : 0;
		inode_put_fd(t, parent);
	}
	if (r < 0)
		return r;
	return inode_enter(t, parent, name, TAKE_FD(own), &seen, st, ret);
}

void inode_forget(struct inode_table *t, struct inode *i, uint64_t n)
{
	(void)pthread_mutex_lock(&t->lock);
	i->lookups -= n < i->lookups ? n : i->lookups;
	release(t, i);
	(void)pthread_mutex_unlock(&t->lock);
}

void inode_ref(struct inode_table *t, struct inode *i)
{
	(void)pthread_mutex_lock(&t->lock);
	i->refs++;
	(void)pthread_mutex_unlock(&t->lock);
}

void inode_unref(struct inode_table *t, struct inode *i)
{
	(void)pthread_mutex_lock(&t->lock);
	i->refs--;
	release(t, i);
	(void)pthread_mutex_unlock(&t->lock);
}

static int open_one(struct inode_table *t, struct inode *i)
{
	struct identity id = { 0 };
	int fd;

	fd = openat(i->parent->fd, i->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	if (identify(fd, "", &id, NULL) < 0 || id.ino != i->ino ||
	    id.dev != i->dev || id.btime_ns != i->btime_ns) {
		(void)close(fd);
		return -ESTALE;
	}
	i->fd = fd;
	t->n_fds++;
	return 0;
}

/* Opens by parent and name, the missing ancestors from the top. Room is made
 * before, not between: what was just opened must stay. */
static int open_by_name(struct inode_table *t, struct inode *i)
{
	make_room(t);
	while (i->fd < 0) {
		struct inode *top = i;
		int r;

		while (top->parent && top->parent->fd < 0)
			top = top->parent;
		if (!top->parent || !top->name)
			return -ESTALE;
		r = open_one(t, top);
		if (r < 0)
			return r;
	}
	return 0;
}

int inode_fd(struct inode_table *t, struct inode *i)
{
	int r = 0;

	(void)pthread_mutex_lock(&t->lock);
	if (i->fd < 0)
		r = open_by_name(t, i);
	if (r == 0) {
		i->refs++;
		i->held++;
		r = i->fd;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

void inode_put_fd(struct inode_table *t, struct inode *i)
{
	(void)pthread_mutex_lock(&t->lock);
	i->held--;
	i->refs--;
	release(t, i);
	(void)pthread_mutex_unlock(&t->lock);
}

void inode_unhold(struct inode_table *t, struct inode *i)
{
	(void)pthread_mutex_lock(&t->lock);
	i->held--;
	(void)pthread_mutex_unlock(&t->lock);
}

int inode_detach(struct inode_table *t, struct inode *parent, int dirfd,
		 const char *name, struct statx *ret_seen)
{
	struct identity id;
	struct inode *i;

	if (look(dirfd, name, ret_seen) < 0)
		return -errno;
	identity_from(&id, ret_seen);
	(void)pthread_mutex_lock(&t->lock);
	i = find(t, &id);
	if (i && S_ISDIR(i->type))
		t->path_gen++;
	if (i && i != t->root) {
		if (i->fd < 0) {
			make_room(t);
			i->fd = openat(dirfd, name,
				       O_PATH | O_NOFOLLOW | O_CLOEXEC);
			t->n_fds += i->fd >= 0;
		}
		remove_place(t, i, parent, name);
	}
	(void)pthread_mutex_unlock(&t->lock);
	return 0;
}

void inode_moved(struct inode_table *t, const struct stat *st,
		 const struct inode_place *from, const struct inode_place *to)
{
	(void)pthread_mutex_lock(&t->lock);
	if (S_ISDIR(st->st_mode))
		t->path_gen++;
	for (struct inode *i =
		     t->slots[hash_id(st->st_dev, st->st_ino, t->size)];
	     i; i = i->next) {
		if (i->ino != st->st_ino || i->dev != st->st_dev ||
		    (!i->parent && i->fd < 0))
			continue;
		add_place(t, i, to->parent, to->name, st->st_nlink);
		remove_place(t, i, from->parent, from->name);
	}
	(void)pthread_mutex_unlock(&t->lock);
}

static bool leads_to(struct inode_table *t, struct inode *parent,
		     const char *name, const struct inode *i)
{
	struct identity id;

	if (parent->fd < 0 && open_by_name(t, parent) < 0)
		return false;
	return identify(parent->fd, name, &id, NULL) == 0 && id.ino == i->ino &&
	       id.dev == i->dev && id.btime_ns == i->btime_ns;
}

int inode_name(struct inode_table *t, struct inode *i,
	       struct inode **ret_parent, char ret_name[256])
{
	struct inode *parent = NULL;
	const char *name = NULL;

	(void)pthread_mutex_lock(&t->lock);
	if (i->parent && i->name && leads_to(t, i->parent, i->name, i)) {
		parent = i->parent;
		name = i->name;
	}
	for (struct alias *a = i->aliases; a && !name; a = a->next) {
		if (!leads_to(t, a->parent, a->name, i))
			continue;
		parent = a->parent;
		name = a->name;
	}
	if (name && strlen(name) < 256) {
		memcpy(ret_name, name, strlen(name) + 1);
		parent->refs++;
		parent->held++;
		*ret_parent = parent;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return name ? 0 : -ENOENT;
}

void inode_watched(struct inode_table *t, struct inode *dir, int wd)
{
	struct inode **at;

	(void)pthread_mutex_lock(&t->lock);
	/* Two threads may have asked: the kernel gives one watch to both. */
	if (dir->wd == 0) {
		__atomic_store_n(&dir->wd, wd, __ATOMIC_RELAXED);
		if (wd > 0) {
			at = &t->by_wd[(unsigned int)wd % WATCH_CHAINS];
			dir->wd_next = *at;
			*at = dir;
		}
	}
	(void)pthread_mutex_unlock(&t->lock);
}

struct inode *inode_of_watch(struct inode_table *t, int wd, bool ended)
{
	struct inode *i, **at;

	if (wd <= 0)
		return NULL;
	(void)pthread_mutex_lock(&t->lock);
	at = wd_place(t, wd);
	i = *at;
	if (i) {
		i->refs++;
		if (ended) {
			*at = i->wd_next;
			__atomic_store_n(&i->wd, 0, __ATOMIC_RELAXED);
		}
	}
	(void)pthread_mutex_unlock(&t->lock);
	return i;
}

struct inode *inode_find(struct inode_table *t, struct inode *parent,
			 const char *name)
{
	struct identity id;
	struct inode *i;
	int dirfd = inode_fd(t, parent), r;

	if (dirfd < 0)
		return NULL;
	r = identify(dirfd, name, &id, NULL);
	inode_put_fd(t, parent);
	if (r < 0)
		return NULL;
	(void)pthread_mutex_lock(&t->lock);
	i = find(t, &id);
	if (i)
		i->refs++;
	(void)pthread_mutex_unlock(&t->lock);
	return i;
}

struct place {
	struct inode *parent; /* with a reference */
	char *name;           /* owned */
};

void inode_each_name(struct inode_table *t,
		     void (*fn)(void *arg, struct inode *parent,
				const char *name),
		     void *arg)
{
	VEC(struct place) all = VEC_INIT;

	(void)pthread_mutex_lock(&t->lock);
	for (size_t k = 0; k < t->size; k++)
		for (struct inode *i = t->slots[k]; i; i = i->next) {
			struct place p = { .parent = i->parent };

			p.name = i->parent && i->name ? strdup(i->name) : NULL;
			if (!p.name)
				continue;
			if (vec_push(&all, p) < 0)
				free(p.name);
			else
				p.parent->refs++;
		}
	(void)pthread_mutex_unlock(&t->lock);
	for (size_t k = 0; k < all.n; k++) {
		fn(arg, all.data[k].parent, all.data[k].name);
		inode_unref(t, all.data[k].parent);
		free(all.data[k].name);
	}
	vec_done(&all);
}
