/* SPDX-License-Identifier: MIT */
/*
 * keep_content.c - the content of a file before it changes
 *
 * Nothing has happened yet when we are called, so the copy is made first and
 * recorded when it is whole; an unrecorded copy (mark '^') is garbage to
 * recovery. The swap is the exception: intent, then RENAME_EXCHANGE.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "trash/copy.h"
#include "trash/work.h"

/* Up to this a file that is appended to is kept whole. */
#define APPEND_COPY (64U << 10)

struct writing {
	struct trash *t;
	const struct trash_at *at;
	int obj;  /* owned O_PATH handle of the file */
	int data; /* owned, readable; -1 until needed */
	struct slotdir *slot;
	struct record_op op;
	enum seen_level level; /* reached when done */
	bool appends;          /* the old length is enough to undo it */
};

/*
 * True when no other open of the file exists: a write lease is granted to a
 * sole opener only. Somebody who keeps the old inode open (a log writer, the
 * holder of a lock) would go on working on the quarantined one.
 */
static bool sole_opener(int fd)
{
	/* A lease that is broken signals its owner: one that is ignored by
	 * default. */
	if (fcntl(fd, F_SETSIG, SIGURG) < 0 ||
	    fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
		return false;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return true;
}

/* The empty file that takes the name. */
static int make_successor(struct writing *w, const char *name)
{
	_cleanup_close_ int fd = -1;
	int r;

	fd = openat(w->slot->fd, name,
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = copy_attributes(w->obj, fd, &w->op.st);
	if (r < 0)
		(void)unlinkat(w->slot->fd, name, 0);
	return r;
}

static int keep_by_swap(struct writing *w)
{
	char name[SLOT_NAME_MAX + 1];
	struct record_stat now;
	int r;

	w->op.seq = store_tick(w->t);
	w->op.how = TRASH_HOW_SWAPPED;
	slot_name(name, w->op.seq, w->op.how, w->op.name);
	r = make_successor(w, name);
	if (r < 0)
		return r;
	r = work_record(w->t, &w->op, w->slot);
	if (r == 0) {
		TRASH_STEP("swap");
		r = renameat2(w->at->dirfd, w->at->name, w->slot->fd, name,
			      RENAME_EXCHANGE) < 0
			    ? -errno
			    : 0;
		if (r < 0)
			work_abort(w->t, &w->op, w->slot);
	}
	if (r < 0) {
		(void)unlinkat(w->slot->fd, name, 0);
		return r;
	}
	TRASH_STEP("swapped");
	work_moved(w->t, &w->op, w->slot, name);
	/* What has the name now was made by us, empty, in this group. */
	if (store_stat(w->at->dirfd, w->at->name, &now) == 0)
		work_see(w->t, w->op.group, &now, SEEN_WHOLE);
	w->level = SEEN_WHOLE;
	return 0;
}

/* from: first byte to keep (the tail that a truncation drops), 0 = all. */
static int keep_by_copy(struct writing *w, uint64_t from)
{
	bool reflink = !__atomic_load_n(&w->t->no_reflink, __ATOMIC_RELAXED);
	_cleanup_close_ int fd = -1;
	char name[SLOT_NAME_MAX + 1];
	enum trash_how how = TRASH_HOW_COPY;
	int r;

	w->op.seq = store_tick(w->t);
	slot_name(name, w->op.seq, TRASH_HOW_COPY, w->op.name);
	TRASH_STEP("copy");
	fd = openat(w->slot->fd, name,
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	/* Where the tail begins must outlive the record: else all is kept. */
	if (from > 0 &&
	    fsetxattr(fd, SLOT_FROM_XATTR, &from, sizeof(from), 0) < 0 &&
	    w->op.st.size <= w->t->opt.max_copy)
		from = 0;
	r = copy_content(w->data, fd, from, w->t->opt.max_copy,
			 reflink && from == 0, &how);
	if (r == 0 && how == TRASH_HOW_COPY && from == 0)
		__atomic_store_n(&w->t->no_reflink, true, __ATOMIC_RELAXED);
	if (r == 0)
		r = copy_attributes(w->obj, fd, &w->op.st);
	TRASH_STEP("copied");
	if (r == 0) {
		w->op.how = (uint8_t)how;
		w->op.arg = from;
		if (from > 0)
			w->op.flags |= RECORD_OP_PARTIAL;
		r = work_record(w->t, &w->op, w->slot);
	}
	if (r < 0)
		(void)unlinkat(w->slot->fd, name, 0);
	else
		w->level = from > 0 ? SEEN_LENGTH : SEEN_WHOLE;
	return r;
}

static bool want_swap(struct writing *w, off_t length, unsigned int flags)
{
	struct record_stat named;

	if (!(flags & TRASH_MAY_SWAP) || length != 0 ||
	    w->op.verb != TRASH_VERB_TRUNCATE)
		return false;
	if (w->op.st.nlink != 1 || w->op.st.bytes <= COPY_SMALL)
		return false;
	if (!__atomic_load_n(&w->t->no_reflink, __ATOMIC_RELAXED))
		return false;
	if (store_stat(w->at->dirfd, w->at->name, &named) < 0 ||
	    !record_same_object(&named, &w->op.st))
		return false;
	return sole_opener(w->data);
}

static int keep_content(struct writing *w, off_t length, unsigned int flags)
{
	bool no_reflink = __atomic_load_n(&w->t->no_reflink, __ATOMIC_RELAXED);
	uint64_t from = 0;
	int r;

	w->data = copy_open(w->obj);
	if (w->data < 0)
		return w->data;
	r = slot_need_fd(w->t, w->slot);
	if (r < 0)
		return r;
	if (want_swap(w, length, flags)) {
		r = keep_by_swap(w);
		if (r != -EXDEV && r != -EINVAL)
			return r;
	}
	if (w->op.verb == TRASH_VERB_TRUNCATE && length > 0 && no_reflink)
		from = (uint64_t)length;
	return keep_by_copy(w, from);
}

/* The old length is all that restores it. */
static int keep_length(struct writing *w)
{
	w->op.verb = TRASH_VERB_APPEND;
	w->op.how = TRASH_HOW_RECORD;
	w->op.arg = w->op.st.size;
	w->op.st.bytes = 0;
	w->level = SEEN_LENGTH;
	return work_record(w->t, &w->op, w->slot);
}

static int keep_dropped(struct writing *w)
{
	if (w->appends)
		return keep_length(w);
	w->op.how = TRASH_HOW_DROPPED;
	w->level = SEEN_NOT;
	return work_record(w->t, &w->op, w->slot);
}

/* Little enough for the reserve, which is for records and for undoing. */
static bool is_small(const struct writing *w, off_t length)
{
	uint64_t from = w->op.verb == TRASH_VERB_TRUNCATE ? (uint64_t)length
							  : 0;

	return w->op.st.size <= from + COPY_SMALL / 4;
}

static int keep_within_budget(struct writing *w, off_t length,
			      unsigned int flags)
{
	uint64_t bytes = w->op.st.bytes;
	int r;

	if (bytes > w->op.st.size)
		bytes = w->op.st.bytes = (w->op.st.size + 4095) & ~4095ULL;
	r = budget_take(w->t, bytes);
	if (r < 0)
		return r;
	if (r > 0)
		return keep_dropped(w);
	r = keep_content(w, length, flags);
	if (is_small(w, length) && reserve_use(w->t, r)) {
		cleanup_close_p(&w->data);
		w->data = -1;
		r = keep_content(w, length, flags);
	}
	if (r < 0)
		budget_give(w->t, bytes, 1);
	if (r == -EFBIG && w->t->opt.on_full != TRASH_FULL_DENY)
		return keep_dropped(w);
	return r;
}

static bool length_is_enough(const struct writing *w, enum trash_write how,
			     off_t length)
{
	/* What is small is kept as it is: were it grown and removed, it would
	 * have to go with all that was added when the quarantine is full. */
	if (w->op.st.size == 0 ||
	    (how == TRASH_WRITE_APPEND && w->op.st.size > APPEND_COPY))
		return true;
	return how == TRASH_WRITE_TRUNCATE && (uint64_t)length >= w->op.st.size;
}

static int writing_open(struct writing *w, const struct trash_at *at, int fd)
{
	w->at = at;
	w->op.name = str_from(at->name);
	if (fd < 0)
		w->obj = openat(at->dirfd, at->name,
				O_PATH | O_NOFOLLOW | O_CLOEXEC);
	else
		w->obj = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (w->obj < 0)
		return -errno;
	store_settle(w->t, w->obj);
	return store_stat(w->obj, "", &w->op.st);
}

static int write_kept(struct writing *w, enum trash_write how, off_t length,
		      unsigned int flags)
{
	_cleanup_buf_ struct buf dir = BUF_INIT;
	bool length_only = length_is_enough(w, how, length);
	int r;

	w->appends = how == TRASH_WRITE_APPEND;
	w->level = work_seen(w->t, w->op.group, &w->op.st);
	if (w->level >= SEEN_WHOLE || (w->level == SEEN_LENGTH && length_only))
		return 0;
	r = work_dir(w->t, w->at, &dir);
	if (r < 0)
		return r;
	r = slot_get(w->t, w->op.group, buf_str(&dir), w->at->dirfd,
		     false /* want_fd */, &w->slot);
	if (r < 0)
		return r;
	w->op.dir = w->slot->id;
	r = length_only ? keep_length(w) : keep_within_budget(w, length, flags);
	if (r < 0 && w->appends)
		r = keep_length(w); /* which is enough to undo it */
	if (r == 0)
		work_see(w->t, w->op.group, &w->op.st, w->level);
	return r;
}

int trash_before_write(struct trash *t, uint32_t group,
		       const struct trash_at *at, int fd,
		       struct trash_change what, struct trash_kept *ret)
{
	struct writing w = {
		.t = t,
		.obj = -1,
		.data = -1,
		.op = { .group = group,
			.verb = what.how == TRASH_WRITE_TRUNCATE
					? TRASH_VERB_TRUNCATE
					: TRASH_VERB_WRITE },
	};
	int r;

	if (what.length < 0)
		return -EINVAL;
	r = writing_open(&w, at, fd);
	if (r == 0 && S_ISREG(w.op.st.mode))
		r = write_kept(&w, what.how, what.length, what.flags);
	if (r == 0)
		work_result(t, &w.op, ret);
	slot_put(t, w.slot);
	cleanup_close_p(&w.obj);
	cleanup_close_p(&w.data);
	return r;
}
