/* SPDX-License-Identifier: MIT */
/*
 * keep.h - keep before destroying
 *
 * A catcher calls these *instead of* the destroying system call (unlink, rmdir,
 * rename) or *before* it (writes, metadata), with the parent directory it
 * already holds. Each writes its intent to the journal, then acts; a kill at
 * any instruction leaves the file in place or restorable.
 *
 * Errors are those of the system call replaced, plus: -EDQUOT over budget with
 * TRASH_FULL_DENY; -EFBIG content larger than max_copy that can be kept in no
 * other way (with TRASH_FULL_DENY, and for removals); -EXDEV the name is not beneath the workspace root; -EBUSY the name
 * is the store itself or leads into it. On any error nothing was destroyed.
 * The caller has checked the sandboxed process's right to do this: the calls
 * run with the credentials of the calling thread.
 *
 * Keeping is O(1): rename or link for names, reflink for contents, else the
 * inode itself (TRASH_MAY_SWAP), else a copy of the allocated extents, capped
 * at max_copy. Nothing here opens a FIFO, socket or device.
 */
#ifndef TRASH_KEEP_H
#define TRASH_KEEP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/str.h"
#include "trash/trash.h"

/* A name in a held directory. */
struct trash_at {
	int dirfd;        /* O_PATH will do; borrowed */
	const char *name; /* one component; borrowed */
	/* Path of dirfd below the workspace root ("" = the root), when the
	 * caller knows it; p == NULL: the kernel is asked. Borrowed. */
	struct str dir;
	/* What the name is, looked at just before with
	 * STATX_BASIC_STATS | STATX_BTIME; NULL: it is looked at here. Borrowed.
	 * Only unlink and what is made use it; what is kept is looked at again. */
	const struct statx *known;
};

/* How a thing is kept. Values are on disk. */
enum trash_how {
	TRASH_HOW_NOTHING = 0, /* nothing to keep, or kept already */
	TRASH_HOW_MOVED,       /* the inode itself, by rename or link */
	TRASH_HOW_REFLINK,
	TRASH_HOW_COPY,
	TRASH_HOW_SWAPPED, /* the old inode; a new one has its name now */
	TRASH_HOW_RECORD,  /* the journal record alone restores it */
	TRASH_HOW_DROPPED, /* destroyed unkept, see enum trash_full */
};

struct trash_kept {
	struct trash_token token; /* zero when nothing was kept */
	enum trash_how how;
	uint64_t bytes;
	mode_t mode; /* of what was destroyed; 0 if there was nothing */
};

/* unlinkat(dirfd, name, 0) with the file kept. ret may be NULL. */
int trash_unlink(struct trash *t, uint32_t group, const struct trash_at *at,
		 struct trash_kept *ret);
/* unlinkat(dirfd, name, AT_REMOVEDIR); -ENOTEMPTY stays what it is. */
int trash_rmdir(struct trash *t, uint32_t group, const struct trash_at *at,
		struct trash_kept *ret);
/*
 * renameat2(); flags as there. A target that would be replaced is kept, and is
 * never missing meanwhile. A source outside the workspace counts as created; a
 * target outside gives -EXDEV, so that the caller copies and unlinks, as
 * across file systems, and the unlink is kept.
 */
int trash_rename(struct trash *t, uint32_t group, const struct trash_at *from,
		 const struct trash_at *to, unsigned int flags,
		 struct trash_kept *ret);

enum trash_write {
	TRASH_WRITE_ANY = 0,  /* open for writing, mmap, fallocate, ... */
	TRASH_WRITE_TRUNCATE, /* O_TRUNC, truncate(2): to `length` bytes */
	TRASH_WRITE_APPEND,   /* O_APPEND: only the length will change; for
			       * descriptors that can do nothing else */
};

#define TRASH_MAY_SWAP (1U << 0)

struct trash_change {
	enum trash_write how;
	off_t length; /* TRUNCATE: of the file afterwards */
	unsigned int flags;
};

/*
 * Before contents change. Kept once per file, command and checkpoint; nothing
 * for files that this command made. `fd`: any descriptor of the file (O_PATH
 * will do; borrowed), or -1 to take at->name without following links; when fd
 * is given, at names it for the record.
 *
 * flags & TRASH_MAY_SWAP with TRASH_WRITE_TRUNCATE to 0: for a large file with
 * one link that nobody has open, the inode moves to the quarantine and an
 * empty one with the same attributes takes its name. Then ret->how is
 * TRASH_HOW_SWAPPED and the caller must look the name up again: descriptors it
 * holds are the kept version.
 */
int trash_before_write(struct trash *t, uint32_t group,
		       const struct trash_at *at, int fd,
		       struct trash_change what, struct trash_kept *ret);

enum trash_meta {
	TRASH_META_MODE = 1 << 0,
	TRASH_META_OWNER = 1 << 1,
	TRASH_META_TIMES = 1 << 2,
	TRASH_META_XATTR = 1 << 3, /* the one named, or all when NULL */
};

/* Before chmod, chown, utimens, setxattr, removexattr. fd as above. */
int trash_before_meta(struct trash *t, uint32_t group,
		      const struct trash_at *at, int fd, unsigned int what,
		      const char *xattr);

/* Changes when a checkpoint is made: what is remembered of files that a command
 * has made or kept holds within one epoch. */
uint64_t trash_epoch(const struct trash *t);

enum trash_made {
	TRASH_MADE_FILE = 0,
	TRASH_MADE_DIR,
	TRASH_MADE_SYMLINK,
	TRASH_MADE_NODE, /* FIFO, socket, device */
	TRASH_MADE_LINK, /* further name of a file */
};

/*
 * Before something is made in at->dirfd: the times of that directory go on
 * record, which making changes. Nothing else; at->name is not looked at beyond
 * being checked.
 */
int trash_before_make(struct trash *t, uint32_t group,
		      const struct trash_at *at);
/*
 * After something was made (the record serves undo; a file that exists loses
 * nothing if we die before writing it). Also for O_TMPFILE + linkat.
 */
int trash_note_made(struct trash *t, uint32_t group, const struct trash_at *at,
		    enum trash_made what);

#endif
