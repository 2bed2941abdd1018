/* SPDX-License-Identifier: MIT */
/*
 * known.h - names of files that need not be asked for again
 *
 * The kernel can tell what a descriptor is called (2 us and more for each
 * request), but most files are still where they were looked up: as long as the
 * kernel itself may keep that name, and nothing is heard of a change by the host
 * in its directory, it is put together from the directory's path. What changes
 * through us moves or ends the name at once (inode_moved, inode_detach).
 */
#ifndef VFS_KNOWN_H
#define VFS_KNOWN_H

#include "vfs/vfs.h"

/* A file was found under the name it has now; so for `seconds`. */
void known_name(struct vfs *v, struct inode *i, double seconds);
/* We change it: what the host does to its name meanwhile passes for ours. The
 * table's lock is held. */
void known_own(struct vfs *v, struct inode *i);
/* What the host did in dir; dir NULL: anywhere. */
void known_changed(struct vfs *v, struct inode *dir);
/* Absolute path of a file that is known, appended to out. -ENOENT: ask. */
int known_path(struct vfs *v, struct inode *i, struct buf *out);
/* The kernel says that it is called so. */
void known_learn(struct vfs *v, struct inode *i, struct str path);

#endif
