/* SPDX-License-Identifier: MIT */
/*
 * keep_rename.c - rename, with the replaced target kept
 *
 * The target gets a second link in the payload directory, then the rename
 * replaces it: its name is never missing, and a kill between the two leaves a
 * link too many, which recovery removes. Where the target cannot be linked
 * (EMLINK, immutable, no links on this file system), the two names are
 * exchanged and the target is moved from the source's name.
 *
 * A rename that expects no target says so to the kernel (NOREPLACE) and looks
 * again if one appeared, so no target is replaced unseen.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "trash/copy.h"
#include "trash/work.h"

struct renaming {
	struct trash *t;
	const struct trash_at *from, *to;
	unsigned int flags;
	struct slotdir *src, *dst; /* references */
	struct record_op op;
	struct record_stat source;
	char slot[SLOT_NAME_MAX + 1];
};

static int do_rename(const struct renaming *n, unsigned int flags)
{
	return renameat2(n->from->dirfd, n->from->name, n->to->dirfd,
			 n->to->name, flags) < 0
		       ? -errno
		       : 0;
}

static int record_then_rename(struct renaming *n, unsigned int flags)
{
	int r = work_record(n->t, &n->op, n->dst);

	if (r < 0)
		return r;
	TRASH_STEP("rename");
	r = do_rename(n, flags);
	if (r < 0)
		work_abort(n->t, &n->op, n->dst);
	return r;
}

static int rename_no_target(struct renaming *n)
{
	int r;

	n->op.how = TRASH_HOW_NOTHING;
	r = record_then_rename(n, n->flags | RENAME_NOREPLACE);
	if (r == -EINVAL && !(n->flags & RENAME_NOREPLACE)) {
		/* No flags on this file system (NFS, old FUSE). */
		n->op.seq = 0;
		r = record_then_rename(n, n->flags);
	}
	return r;
}

/* Target that cannot be linked: exchange, then move it off the source name. */
static int rename_by_exchange(struct renaming *n)
{
	int r;

	TRASH_STEP("rename-exchange");
	r = do_rename(n, RENAME_EXCHANGE);
	if (r < 0)
		return r;
	TRASH_STEP("rename-exchanged");
	if (renameat2(n->from->dirfd, n->from->name, n->dst->fd, n->slot,
		      RENAME_NOREPLACE) == 0)
		return 0;
	r = -errno;
	(void)do_rename(n, RENAME_EXCHANGE);
	return r;
}

/* Target on another file system than the quarantine. */
static int copy_target(struct renaming *n)
{
	_cleanup_close_ int fd = -1;
	enum trash_how how = TRASH_HOW_NOTHING;
	int r;

	fd = openat(n->to->dirfd, n->to->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = store_stat(fd, "", &n->op.st);
	if (r < 0)
		return r;
	n->op.seq = store_tick(n->t);
	slot_name(n->slot, n->op.seq, TRASH_HOW_COPY, n->op.name2);
	r = copy_object(fd, &n->op.st, n->dst->fd, n->slot, n->t->opt.max_copy,
			true /* try_reflink */, &how);
	if (r < 0)
		return r;
	n->op.how = (uint8_t)how;
	r = record_then_rename(n, n->flags);
	if (r < 0)
		(void)unlinkat(n->dst->fd, n->slot, 0);
	return r;
}

static bool cannot_link(int error)
{
	return error == EMLINK || error == EPERM || error == EOPNOTSUPP ||
	       error == ENOSYS;
}

static int rename_over_file(struct renaming *n)
{
	int r;

	n->op.how = TRASH_HOW_MOVED;
	r = work_record(n->t, &n->op, n->dst);
	if (r < 0)
		return r;
	slot_name(n->slot, n->op.seq, n->op.how, n->op.name2);
	TRASH_STEP("rename-link");
	if (linkat(n->to->dirfd, n->to->name, n->dst->fd, n->slot, 0) == 0) {
		TRASH_STEP("rename-linked");
		r = do_rename(n, n->flags);
		if (r < 0)
			(void)unlinkat(n->dst->fd, n->slot, 0);
	} else if (cannot_link(errno)) {
		r = rename_by_exchange(n);
	} else {
		r = -errno;
	}
	TRASH_STEP("renamed");
	if (r < 0)
		work_abort(n->t, &n->op, n->dst);
	else
		work_moved(n->t, &n->op, n->dst, n->slot);
	if (r != -EXDEV)
		return r;
	/* Which of the three is elsewhere? If source and target are, the
	 * rename fails the same way. */
	return copy_target(n);
}

static int rename_over_dir(struct renaming *n)
{
	_cleanup_buf_ struct buf xattrs = BUF_INIT;
	_cleanup_close_ int fd = -1;
	int r;

	fd = openat(n->to->dirfd, n->to->name,
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = work_xattrs(fd, &xattrs);
	if (r < 0)
		return r;
	n->op.st.bytes = 0;
	n->op.blob = buf_str(&xattrs);
	n->op.how = TRASH_HOW_RECORD;
	r = record_then_rename(n, n->flags);
	n->op.blob = STR_NONE;
	return r;
}

/* A link made in vain would be seen in the target's ctime. */
static int may_rename(const struct renaming *n)
{
	return faccessat(n->from->dirfd, ".", W_OK | X_OK, 0) < 0 ||
			       faccessat(n->to->dirfd, ".", W_OK | X_OK, 0) < 0
		       ? -errno
		       : 0;
}

static int rename_kept(struct renaming *n)
{
	uint64_t bytes = n->op.st.nlink > 1 ? 0 : n->op.st.bytes;
	int r;

	/* What rename(2) says; nothing need be linked to hear it. */
	if (S_ISDIR(n->source.mode) && !S_ISDIR(n->op.st.mode))
		return -ENOTDIR;
	if (!S_ISDIR(n->source.mode) && S_ISDIR(n->op.st.mode))
		return -EISDIR;
	if (S_ISDIR(n->op.st.mode))
		return rename_over_dir(n);
	if (work_is_own(n->t, n->op.group, &n->op.st)) {
		n->op.how = TRASH_HOW_NOTHING;
		n->op.flags |= RECORD_OP_OWN;
		return record_then_rename(n, n->flags);
	}
	r = may_rename(n);
	if (r < 0)
		return r;
	n->op.st.bytes = bytes;
	r = budget_take(n->t, bytes);
	if (r < 0)
		return r;
	if (r > 0) {
		n->op.how = TRASH_HOW_DROPPED;
		return record_then_rename(n, n->flags);
	}
	r = slot_need_fd(n->t, n->dst);
	if (r == 0)
		r = rename_over_file(n);
	if (r < 0)
		budget_give(n->t, bytes, 1);
	return r;
}

/* Looks at the target and takes the way that keeps it. -EEXIST: it changed. */
static int rename_once(struct renaming *n)
{
	int r;

	n->op.seq = 0;
	n->op.flags &= ~(uint32_t)RECORD_OP_OWN;
	n->op.st = n->source;
	r = store_stat(n->to->dirfd, n->to->name, &n->op.st);
	if (r == -ENOENT || (n->flags & (RENAME_NOREPLACE | RENAME_EXCHANGE))) {
		if (n->flags & RENAME_EXCHANGE) {
			n->op.verb = TRASH_VERB_EXCHANGE;
			n->op.how = TRASH_HOW_NOTHING;
			return r < 0 ? r : record_then_rename(n, n->flags);
		}
		if (r == 0)
			return do_rename(n, n->flags); /* the kernel's EEXIST */
		n->op.st = n->source;
		n->op.st.bytes = 0;
		return rename_no_target(n);
	}
	if (r < 0)
		return r;
	/* Two names of one file: rename(2) does nothing. */
	if (record_same_object(&n->op.st, &n->source))
		return do_rename(n, n->flags);
	return rename_kept(n);
}

/* The source by name, with the inode that it will keep. */
static int stat_source(struct renaming *n)
{
	_cleanup_close_ int fd = -1;

	if (n->t->layered)
		fd = openat(n->from->dirfd, n->from->name,
			    O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		store_settle(n->t, fd);
	return store_stat(n->from->dirfd, n->from->name, &n->source);
}

static int is_store(struct trash *t, const struct record_stat *st)
{
	return st->dev == t->dev && st->ino == t->ino ? -EBUSY : 0;
}

static int renaming_prepare(struct renaming *n, struct buf *from,
			    struct buf *to)
{
	int r;

	r = work_dir(n->t, n->to, to);
	if (r < 0)
		return r;
	r = work_dir(n->t, n->from, from);
	if (r == -EXDEV)
		n->op.flags |= RECORD_OP_FROM_OUTSIDE;
	else if (r < 0)
		return r;
	r = stat_source(n);
	if (r < 0)
		return r;
	r = is_store(n->t, &n->source);
	if (r < 0)
		return r;
	n->op.arg = n->source.ino;
	n->op.name = str_from(n->from->name);
	n->op.name2 = str_from(n->to->name);
	r = slot_get(n->t, n->op.group, buf_str(to), n->to->dirfd,
		     false /* want_fd */, &n->dst);
	if (r < 0)
		return r;
	n->op.dir = n->op.dir2 = n->dst->id;
	if (n->op.flags & RECORD_OP_FROM_OUTSIDE)
		return 0;
	r = slot_get(n->t, n->op.group, buf_str(from), n->from->dirfd,
		     false /* want_fd */, &n->src);
	if (r == 0)
		n->op.dir = n->src->id;
	return r;
}

int trash_rename(struct trash *t, uint32_t group, const struct trash_at *from,
		 const struct trash_at *to, unsigned int flags,
		 struct trash_kept *ret)
{
	_cleanup_buf_ struct buf from_dir = BUF_INIT, to_dir = BUF_INIT;
	struct renaming n = {
		.t = t,
		.from = from,
		.to = to,
		.flags = flags,
		.op = { .group = group, .verb = TRASH_VERB_RENAME },
	};
	int r;

	if (flags & RENAME_WHITEOUT)
		n.op.flags |= RECORD_OP_WHITEOUT;
	r = renaming_prepare(&n, &from_dir, &to_dir);
	for (int tries = 0; r == 0 && tries < 16; tries++) {
		r = rename_once(&n);
		if (r != -EEXIST || (flags & RENAME_NOREPLACE))
			break;
		r = 0;
	}
	if (r == 0)
		work_result(t, &n.op, ret);
	slot_put(t, n.src);
	slot_put(t, n.dst);
	return r;
}
