/* SPDX-License-Identifier: MIT */
/*
 * xattr.h - extended attributes (ACLs among them) as one block of bytes
 * (private to trash/)
 *
 * A sequence of {str name, str value} in core/wire.h encoding. Works on O_PATH
 * descriptors through /proc/self/fd, without following a link.
 */
#ifndef TRASH_XATTR_H
#define TRASH_XATTR_H

#include "base/str.h"

/* Everything the caller may see; none is an empty blob. A file system without
 * attributes has none. 0, -E2BIG over 256 KiB, -errno. */
int xattr_save(int fd, struct buf *out);
/* One attribute; an absent one leaves the blob empty. */
int xattr_save_one(int fd, const char *name, struct buf *out);
/*
 * Sets what the blob says. fresh: the object was just made; ACLs that its
 * directory gave it, and the blob has not, go. What
 * may not be set for want of privilege (trusted.*, security.*) is left out.
 */
int xattr_load(int fd, struct str blob, bool fresh);
/* A blob that names an attribute without value, to remember its absence. */
int xattr_absent(const char *name, struct buf *out);
/* Removes the attribute that such a blob names. */
int xattr_remove(int fd, struct str blob);
int xattr_copy(int from, int to);

#endif
