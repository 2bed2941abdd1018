/* SPDX-License-Identifier: MIT */
/*
 * watch.h - what the host changes behind the mount
 *
 * Directories of which the kernel remembers entries are watched (inotify on the
 * plain directory). What changes in them and was not changed by us is told to
 * the kernel at once; where nothing can be watched it asks again after
 * settings.timeout.
 */
#ifndef VFS_WATCH_H
#define VFS_WATCH_H

#include "vfs/vfs.h"

/* The thread; -errno: without (limits), nothing is lost but time. */
int watch_start(struct vfs *v);
/* Before the session is closed. */
void watch_stop(struct vfs *v);
/* dir is: names that are not there may be remembered, too. */
static inline bool watch_has(const struct inode *dir)
{
	return __atomic_load_n(&dir->wd, __ATOMIC_RELAXED) > 0;
}
/* Before entries of dir are looked up for the kernel. dirfd is held. */
void watch_dir(struct vfs *v, struct inode *dir, int dirfd);
/*
 * How long the kernel may keep what it is told of now: that dir/name is there
 * (or is not); the attributes of i, which is not known to be dir's (dir NULL),
 * or is looked up there. Seconds.
 */
double watch_name_time(struct vfs *v, const struct inode *dir,
		       const char *name);
double watch_attr_time(struct vfs *v, struct inode *i, const struct stat *st);
/* We change, or are about to change, what dir/name is. */
void watch_own(struct vfs *v, struct inode *dir, const char *name);
/* The same of a node, by the name it has. */
void watch_own_inode(struct vfs *v, struct inode *i);

#endif
