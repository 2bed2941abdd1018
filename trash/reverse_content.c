/* SPDX-License-Identifier: MIT */
/*
 * reverse_content.c - reversing changes of contents and attributes
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/wire.h"
#include "trash/copy.h"
#include "trash/reverse_step.h"
#include "trash/work.h"
#include "trash/xattr.h"

/* Writable handle of the file in `obj`, whatever its mode. */
static int open_write(int obj)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", obj);
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int copy_tail(int from, int to, off_t off, off_t end)
{
	char chunk[8192];

	while (off < end) {
		ssize_t n = pread(from, chunk,
				  (size_t)MIN((off_t)sizeof(chunk), end - off),
				  off);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		if (pwrite(to, chunk, (size_t)n, off) != n)
			return -EIO;
		off += n;
	}
	return 0;
}

/* A write takes set-id bits away, from all but root; the command's write or
 * ours did. Where the rest of the mode is another, somebody else changed it. */
static int mend_setid(const struct undoing *u, int obj)
{
	struct record_stat now;
	char path[32];
	int r = store_stat(obj, "", &now);

	if (r < 0 || now.mode == u->op.st.mode ||
	    ((now.mode ^ u->op.st.mode) & ~(unsigned int)(S_ISUID | S_ISGID)))
		return r;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", obj);
	return chmod(path, u->op.st.mode & 07777) < 0 ? -errno : 0;
}

/* Rewrites the file in place: its inode and links stay. */
static int rewrite(struct undoing *u, int obj)
{
	_cleanup_close_ int old = -1, to = open_write(obj);
	enum trash_how how;
	int r;

	if (to < 0)
		return to;
	if (u->op.verb == TRASH_VERB_APPEND) {
		r = ftruncate(to, (off_t)u->op.arg) < 0 ? -errno : 0;
	} else {
		old = content_open(&u->plan.ix, u->item, &u->op);
		if (old < 0)
			return old;
		if (u->op.flags & RECORD_OP_PARTIAL) {
			r = copy_tail(old, to, (off_t)u->op.arg,
				      (off_t)u->op.st.size);
			if (r == 0 && ftruncate(to, (off_t)u->op.st.size) < 0)
				r = -errno;
		} else {
			r = ftruncate(to, 0) < 0 ? -errno : 0;
			TRASH_STEP("rewrite-emptied");
			if (r == 0)
				r = copy_content(old, to, 0, UINT64_MAX,
						 !u->t->no_reflink, &how);
		}
	}
	if (r == 0)
		r = mend_setid(u, obj);
	if (r == 0)
		r = copy_times(obj, u->op.st.atime_ns, u->op.st.mtime_ns);
	return r;
}

static void drop_payload(struct undoing *u)
{
	char name[SLOT_NAME_MAX + 1];
	_cleanup_close_ int dirfd = -1;

	if (op_has_payload(&u->op) &&
	    index_payload(&u->plan.ix, u->item, &u->op, &dirfd, name) == 0) {
		(void)unlinkat(dirfd, name, 0);
		budget_give(u->t, u->op.st.bytes, 1);
	}
	(void)index_mark_gone(&u->plan.ix, u->item, &u->op, u->group_seq);
}

static int rewrite_kept(struct undoing *u, struct str path)
{
	_cleanup_close_ int obj = -1;
	char name[NAME_MAX + 1];
	struct trash_at at;
	bool append = u->op.verb == TRASH_VERB_APPEND;
	int r;

	r = reverse_at(u, path, false /* make */, name, &at);
	if (r < 0)
		return r;
	obj = openat(at.dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (obj < 0)
		return -errno;
	r = trash_before_write(
		u->t, u->group, &at, obj,
		(struct trash_change){ .how = TRASH_WRITE_TRUNCATE,
				       .length = append ? (off_t)u->op.arg
							: 0 },
		NULL);
	if (r == 0)
		r = trash_before_meta(u->t, u->group, &at, obj,
				      TRASH_META_TIMES, NULL);
	if (r < 0)
		return r;
	TRASH_STEP("rewrite");
	r = rewrite(u, obj);
	if (r < 0)
		return r;
	TRASH_STEP("rewritten");
	/* First on record: a second run would miss what is dropped. */
	reverse_note(u);
	TRASH_STEP("rewrite-noted");
	drop_payload(u);
	return 0;
}

/* Nothing has this name because an undo was killed when it had taken away what
 * the command put in the place of the kept file. */
static bool half_swapped(struct undoing *u, struct str recorded)
{
	const struct plan_later *l = plan_later(&u->plan, recorded);

	return l && l->undone_ns == INT64_MAX && l->seq <= u->op.seq;
}

int reverse_content(struct undoing *u, struct str recorded)
{
	struct str path = buf_str(&u->path);
	bool swapped = u->op.how == TRASH_HOW_SWAPPED;
	struct record_stat st;
	const char *why;
	int r;

	if (u->op.how == TRASH_HOW_DROPPED)
		return reverse_lost(
			u, "it was not kept (over the quarantine's budget)");
	r = reverse_look(u, path, &st);
	if (swapped && r == 0 && record_same_object(&st, &u->op.st))
		return reverse_skipped(u, "it is back already");
	if (!reverse_has_payload(u))
		return reverse_lost(u, "restored elsewhere or purged since");
	if (swapped && r == -ENOENT && half_swapped(u, recorded))
		return reverse_put_back(u, recorded, path);
	if (r == -ENOENT)
		return reverse_conflict(u, "moved or removed since");
	if (r < 0)
		return r;
	if (!S_ISREG(st.mode))
		return reverse_conflict(u, "something else has this name now");
	if (!swapped && !reverse_same_object(u, &st))
		return reverse_conflict(u, "another file has this name now");
	why = reverse_changed(u, recorded, path, &st);
	if (why && !u->sel->force)
		return reverse_conflict(u, why);
	if (u->op.verb == TRASH_VERB_APPEND && st.size < u->op.arg)
		return reverse_conflict(u, "shorter than it was");
	reverse_touch(u, &st);
	if (u->sel->dry_run)
		return REVERSE_DONE;
	if (!swapped)
		return rewrite_kept(u, path);
	r = reverse_take_away(u, path, &st);
	return r < 0 ? r : reverse_put_back(u, recorded, path);
}

static int set_meta(struct undoing *u, int obj)
{
	const struct record_stat *st = &u->op.st;
	uint64_t what = u->op.arg;
	char path[32];
	int r = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", obj);
	if (what & TRASH_META_OWNER &&
	    fchownat(obj, "", st->uid, st->gid, AT_EMPTY_PATH) < 0)
		return -errno;
	if (what & TRASH_META_XATTR) {
		bool absent = u->op.flags & RECORD_OP_ABSENT;

		r = absent ? xattr_remove(obj, u->op.blob)
			   : xattr_load(obj, u->op.blob, false /* fresh */);
		if (r < 0)
			return r;
	}
	/* chown clears set-id bits, an ACL sets the mode: so after both. */
	if (what & (TRASH_META_MODE | TRASH_META_OWNER) && !S_ISLNK(st->mode) &&
	    chmod(path, st->mode & 07777) < 0)
		return -errno;
	if (what & TRASH_META_TIMES)
		r = copy_times(obj, st->atime_ns, st->mtime_ns);
	return r;
}

/* The name of the one attribute in the blob, for recording its present
 * value; owned, NULL if all are meant or there is none. */
static char *xattr_in(const struct record_op *op)
{
	struct wire_reader r = wire_reader_init(op->blob);
	struct str name = wire_get_str(&r);

	return r.error ? NULL : str_dup(name);
}

/* A change that failed, or was taken back. */
static bool is_as_before(const struct undoing *u, const struct record_stat *now)
{
	const struct record_stat *then = &u->op.st;
	uint64_t what = u->op.arg;

	if (what & TRASH_META_XATTR)
		return false;
	if (what & TRASH_META_MODE &&
	    (now->mode & 07777) != (then->mode & 07777))
		return false;
	if (what & TRASH_META_OWNER &&
	    (now->uid != then->uid || now->gid != then->gid))
		return false;
	return !(what & TRASH_META_TIMES) || now->mtime_ns == then->mtime_ns;
}

/* Times that the command gave a directory are not its oldest. */
static int note_own_times(struct undoing *u, struct str path,
			  const struct record_stat *now)
{
	struct dirtime *e;

	if (!(u->op.arg & TRASH_META_TIMES) || !S_ISDIR(now->mode))
		return 0;
	e = dirtimes_find(&u->times, path);
	if (e)
		e->st = u->op.st;
	return 0;
}

int reverse_meta(struct undoing *u, struct str recorded)
{
	struct str path = buf_str(&u->path);
	_cleanup_free_ char *xattr = NULL;
	_cleanup_close_ int obj = -1;
	char name[NAME_MAX + 1];
	struct record_stat st;
	struct trash_at at;
	const char *why;
	int r;

	r = reverse_look(u, path, &st);
	if (r == -ENOENT)
		return reverse_conflict(u, "moved or removed since");
	if (r < 0)
		return r;
	if (!reverse_same_object(u, &st))
		return reverse_conflict(u, "another file has this name now");
	if (is_as_before(u, &st))
		return reverse_skipped(u, "it is as it was");
	why = reverse_changed(u, recorded, path, &st);
	if (why && !u->sel->force)
		return reverse_conflict(u, why);
	reverse_touch(u, &st);
	if (u->sel->dry_run)
		return REVERSE_DONE;
	r = note_own_times(u, path, &st);
	if (r < 0)
		return r;
	r = reverse_at(u, path, false /* make */, name, &at);
	if (r < 0)
		return r;
	obj = openat(at.dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (obj < 0)
		return -errno;
	xattr = u->op.arg & TRASH_META_XATTR ? xattr_in(&u->op) : NULL;
	r = trash_before_meta(u->t, u->group, &at, obj, (unsigned int)u->op.arg,
			      xattr);
	return r < 0 ? r : set_meta(u, obj);
}
