/* SPDX-License-Identifier: MIT */
/*
 * known.c - names of files that need not be asked for again
 *
 * A change by the host that comes between looking up and known_name() is told
 * twice (watch.c): the second time ends what was taken for known.
 */
#include "vfs/known.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "vfs/gate.h"
#include "vfs/stale.h"
#include "vfs/watch.h"

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The table's lock is held. */
static uint32_t changes(const struct inode_table *t, const struct inode *dir)
{
	return t->n_changed + dir->n_changed;
}

void known_name(struct vfs *v, struct inode *i, double seconds)
{
	struct inode_table *t = &v->inodes;

	if (S_ISDIR(i->type))
		return;
	(void)pthread_mutex_lock(&t->lock);
	if (i->parent) {
		i->known_until_ms = now_ms() + (int64_t)(seconds * 1000);
		i->known_changes = changes(t, i->parent);
	}
	(void)pthread_mutex_unlock(&t->lock);
}

void known_own(struct vfs *v, struct inode *i)
{
	int64_t most = now_ms() + (int64_t)(v->settings.timeout * 1000);

	i->known_until_ms = MIN(i->known_until_ms, most);
}

void known_changed(struct vfs *v, struct inode *dir)
{
	(void)pthread_mutex_lock(&v->inodes.lock);
	if (dir) {
		dir->n_changed++;
		stale_names(dir);
	} else {
		v->inodes.n_changed++;
	}
	(void)pthread_mutex_unlock(&v->inodes.lock);
}

/* One that has several names may have lost the one that we know. */
static struct inode *hold_parent(struct inode_table *t, struct inode *i,
				 bool known, char name[NAME_MAX + 1])
{
	struct inode *dir = i->parent;

	if (!dir || !i->name || i->aliases || dir->fd < 0 ||
	    strlen(i->name) > NAME_MAX)
		return NULL;
	if (known && (i->known_changes != changes(t, dir) ||
		      now_ms() >= i->known_until_ms))
		return NULL;
	memcpy(name, i->name, strlen(i->name) + 1);
	dir->refs++;
	dir->held++;
	return dir;
}

static int path_by_name(struct vfs *v, struct inode *i, bool known,
			struct buf *out)
{
	char name[NAME_MAX + 1];
	struct inode *dir;
	int fd = -1, r;

	(void)pthread_mutex_lock(&v->inodes.lock);
	dir = hold_parent(&v->inodes, i, known, name);
	if (dir)
		fd = dir->fd;
	(void)pthread_mutex_unlock(&v->inodes.lock);
	if (!dir)
		return -ENOENT;
	r = gate_path_at(v, dir, fd, name, out);
	inode_put_fd(&v->inodes, dir);
	return r;
}

int known_path(struct vfs *v, struct inode *i, struct buf *out)
{
	if (S_ISDIR(i->type))
		return -ENOENT;
	return path_by_name(v, i, true, out);
}

void known_learn(struct vfs *v, struct inode *i, struct str path)
{
	_cleanup_buf_ struct buf by_name = BUF_INIT;
	char name[NAME_MAX + 1];
	struct inode *dir;
	double seconds;

	if (S_ISDIR(i->type) || path_by_name(v, i, false, &by_name) < 0 ||
	    !str_eq(buf_str(&by_name), path))
		return;
	(void)pthread_mutex_lock(&v->inodes.lock);
	dir = hold_parent(&v->inodes, i, false, name);
	(void)pthread_mutex_unlock(&v->inodes.lock);
	if (!dir)
		return;
	seconds = watch_name_time(v, dir, name);
	inode_put_fd(&v->inodes, dir);
	known_name(v, i, seconds);
}
