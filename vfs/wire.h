/* SPDX-License-Identifier: MIT */
/*
 * wire.h - parts of the FUSE protocol that older kernel headers lack
 *
 * Numbers of the kernel's user interface (linux/fuse.h, up to 7.40). libfuse of
 * the distributions stops at 7.38: what is newer is patched into the INIT reply
 * and answered past libfuse (session.c).
 */
#ifndef VFS_WIRE_H
#define VFS_WIRE_H

#include <linux/fuse.h>
#include <linux/ioctl.h>
#include <stdint.h>

#define WIRE_INIT_EXT           (1U << 30)
#define WIRE_HANDLE_KILLPRIV_V2 (1U << 28)
#define WIRE_PASSTHROUGH        (1U << 5) /* in flags2 */
#define WIRE_MINOR_PASSTHROUGH  40U
#define WIRE_MINOR_EXPIRE       38U

#define WIRE_OPEN_DIRECT_IO   (1U << 0)
#define WIRE_OPEN_PASSTHROUGH (1U << 7)
#define WIRE_OPEN_NOFLUSH     (1U << 5)

#define WIRE_OP_TMPFILE 51U
#define WIRE_OP_STATX   52U

/* 7.38: notification 3 with a flag in the padding */
#define WIRE_NOTIFY_INVAL_ENTRY 3
#define WIRE_EXPIRE_ONLY        1U
struct wire_inval_entry_out {
	uint64_t parent;
	uint32_t namelen, flags;
};

/* struct fuse_init_out of 7.40, which older headers pad. */
struct wire_init_out {
	uint32_t major, minor, max_readahead, flags;
	uint16_t max_background, congestion_threshold;
	uint32_t max_write, time_gran;
	uint16_t max_pages, map_alignment;
	uint32_t flags2;
	uint32_t max_stack_depth;
	uint32_t unused[6];
};
_Static_assert(sizeof(struct wire_init_out) == 64, "as the kernel has it");

/* struct fuse_open_out with backing_id in the place of the padding. */
struct wire_open_out {
	uint64_t fh;
	uint32_t open_flags;
	int32_t backing_id;
};
_Static_assert(sizeof(struct wire_open_out) == sizeof(struct fuse_open_out),
	       "as the kernel has it");

struct wire_backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};
#define WIRE_BACKING_OPEN  _IOW(229, 1, struct wire_backing_map)
#define WIRE_BACKING_CLOSE _IOW(229, 2, uint32_t)

/* 7.39 */
struct wire_statx_in {
	uint32_t getattr_flags, reserved;
	uint64_t fh;
	uint32_t sx_flags, sx_mask;
};
struct wire_sx_time {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t reserved;
};
struct wire_statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, spare0;
	uint64_t ino, size, blocks, attributes_mask;
	struct wire_sx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t spare2[14];
};
struct wire_statx_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec, flags;
	uint64_t spare[2];
	struct wire_statx stat;
};

#endif
