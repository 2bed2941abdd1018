/* SPDX-License-Identifier: MIT */
/*
 * copy.h - contents and attributes of objects (private to trash/)
 *
 * Never follows a link, never opens anything but a regular file.
 */
#ifndef TRASH_COPY_H
#define TRASH_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "trash/keep.h"
#include "trash/record.h"

/*
 * Read-only descriptor of a regular file given any descriptor of it (O_PATH
 * too), without changing its access time where allowed. -EINVAL: not regular.
 */
int copy_open(int fd);

/*
 * Content of `from` (readable) from offset `start` on into `to` (empty file) at
 * the same offsets, holes kept. Reflink when possible and start is 0; else at
 * most max allocated bytes are copied (-EFBIG beyond).
 */
int copy_content(int from, int to, uint64_t start, uint64_t max,
		 bool try_reflink, enum trash_how *ret_how);

/* Owner, mode, attributes and times of st/from on `to`. from may be O_PATH.
 * What privilege does not allow is left as it is. */
int copy_attributes(int from, int to, const struct record_stat *st);

/*
 * A copy of the object fd (O_PATH, st its attributes) as to_dirfd/to_name,
 * which must not exist. Directories: only the directory itself.
 */
int copy_object(int fd, const struct record_stat *st, int to_dirfd,
		const char *to_name, uint64_t max, bool try_reflink,
		enum trash_how *ret_how);

/* Sets times on any kind of object through its O_PATH fd. */
int copy_times(int fd, int64_t atime_ns, int64_t mtime_ns);

#endif
