/* SPDX-License-Identifier: MIT */
/*
 * stale.h - attributes that the kernel has dropped by itself
 *
 * It keeps what we tell it, but reads and writes that it passes through make
 * times and size of a file unknown, and the next look at it is a question of
 * its own: 8 us each, where a listing tells all of a directory for 1 to 3 us an
 * entry. So a directory of which much has become unknown is listed anew,
 * though the kernel remembers its list.
 *
 * All under the table's lock, taken here, unless said otherwise.
 */
#ifndef VFS_STALE_H
#define VFS_STALE_H

#include "vfs/inode.h"

/* An open file of i was closed that the kernel read or wrote by itself. */
void stale_file(struct inode_table *t, struct inode *i);
/* Its attributes have been told. */
void stale_told(struct inode_table *t, struct inode *i);
/* A directory is opened. True: its list should come from us; then what is in
 * it counts as told. */
bool stale_list(struct inode_table *t, struct inode *dir);
/* So many entries were listed, from the first to the last. kept: the kernel
 * remembers them. */
void stale_listed(struct inode_table *t, struct inode *dir, uint32_t n,
		  bool kept);
/* Names in dir change: the kernel will not use its list again, and the next one
 * is to be kept. Without the lock. */
void stale_names(struct inode *dir);

#endif
