/* SPDX-License-Identifier: MIT */
/*
 * keep_name.c - unlink and rmdir, kept
 *
 * unlink is: journal the intent, renameat2(NOREPLACE) into the payload
 * directory. Killed before the rename, the file is in place and recovery takes
 * the record back; after it, the file is kept and on record.
 *
 * rmdir really removes: moving a directory away could not be atomic with the
 * test for emptiness. Its attributes are in the record.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "trash/copy.h"
#include "trash/work.h"

struct unlinking {
	struct trash *t;
	const struct trash_at *at;
	struct slotdir *slot;
	struct record_op op;
};

static int plain_unlink(const struct trash_at *at, int flags)
{
	return unlinkat(at->dirfd, at->name, flags) < 0 ? -errno : 0;
}

/*
 * Another file system (a mount inside the workspace, a subvolume): copy, make
 * sure that what was copied is what is there, then remove.
 */
static int unlink_by_copy(struct unlinking *u)
{
	struct trash *t = u->t;
	_cleanup_close_ int fd = -1;
	struct record_stat now;
	enum trash_how how = TRASH_HOW_NOTHING;
	char name[SLOT_NAME_MAX + 1];
	int r;

	fd = openat(u->at->dirfd, u->at->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = store_stat(fd, "", &u->op.st);
	if (r < 0)
		return r;
	if (S_ISDIR(u->op.st.mode))
		return -EISDIR;
	u->op.seq = store_tick(t);
	slot_name(name, u->op.seq, TRASH_HOW_COPY, str_from(u->at->name));
	TRASH_STEP("unlink-copy");
	r = copy_object(fd, &u->op.st, u->slot->fd, name, t->opt.max_copy,
			true /* try_reflink */, &how);
	if (r < 0)
		return r;
	u->op.how = (uint8_t)how;
	r = work_record(t, &u->op, u->slot);
	if (r == 0) {
		TRASH_STEP("unlink-copied");
		r = store_stat(u->at->dirfd, u->at->name, &now);
		if (r == 0 && (!record_same_object(&now, &u->op.st) ||
			       now.mtime_ns != u->op.st.mtime_ns))
			r = -EAGAIN;
		if (r == 0)
			r = plain_unlink(u->at, 0);
		if (r < 0)
			work_abort(t, &u->op, u->slot);
	}
	if (r < 0)
		(void)unlinkat(u->slot->fd, name, 0);
	return r;
}

/* A directory had taken the name meanwhile: it is none for unlink. */
static int give_back(struct unlinking *u, const char *name)
{
	if (renameat2(u->slot->fd, name, u->at->dirfd, u->at->name,
		      RENAME_NOREPLACE) < 0)
		return 0; /* kept, then */
	work_abort(u->t, &u->op, u->slot);
	return -EISDIR;
}

static int unlink_by_rename(struct unlinking *u)
{
	char name[SLOT_NAME_MAX + 1];
	int r;

	u->op.how = TRASH_HOW_MOVED;
	u->op.seq = 0;
	r = work_record(u->t, &u->op, u->slot);
	if (r < 0)
		return r;
	slot_name(name, u->op.seq, u->op.how, str_from(u->at->name));
	TRASH_STEP("unlink");
	do {
		r = renameat2(u->at->dirfd, u->at->name, u->slot->fd, name,
			      RENAME_NOREPLACE) < 0
			    ? -errno
			    : 0;
	} while (reserve_use(u->t, r));
	if (r < 0) {
		work_abort(u->t, &u->op, u->slot);
		return r;
	}
	TRASH_STEP("unlinked");
	work_moved(u->t, &u->op, u->slot, name);
	return S_ISDIR(u->op.st.mode) ? give_back(u, name) : 0;
}

static bool other_fs(int error)
{
	return error == -EXDEV || error == -EINVAL || error == -EOPNOTSUPP;
}

static int unlink_kept(struct unlinking *u, struct str dir)
{
	int r = -EAGAIN;

	for (int tries = 0; tries < 4 && r == -EAGAIN; tries++) {
		r = slot_get(u->t, u->op.group, dir, u->at->dirfd,
			     true /* want_fd */, &u->slot);
		if (r < 0)
			return r;
		u->op.dir = u->slot->id;
		r = unlink_by_rename(u);
		if (other_fs(r))
			r = unlink_by_copy(u);
		if (r == -ENOENT) {
			struct record_stat st;

			/* Our side may be what is missing: a purge removed
			 * the payload directory. */
			if (store_stat(u->at->dirfd, u->at->name, &st) == 0) {
				slot_forget(u->t, u->slot);
				r = -EAGAIN;
			}
		}
		if (r < 0)
			slot_put(u->t, TAKE(u->slot));
	}
	return r;
}

/* Gone for good, and on record as that: no room and TRASH_FULL_DROP, or made
 * by this very command. */
static int unlink_unkept(struct unlinking *u, struct str dir)
{
	int r;

	r = slot_get(u->t, u->op.group, dir, u->at->dirfd, false /* want_fd */,
		     &u->slot);
	if (r < 0)
		return r;
	u->op.dir = u->slot->id;
	r = work_record(u->t, &u->op, u->slot);
	if (r < 0)
		return r;
	r = plain_unlink(u->at, 0);
	if (r < 0)
		work_abort(u->t, &u->op, u->slot);
	return r;
}

int trash_unlink(struct trash *t, uint32_t group, const struct trash_at *at,
		 struct trash_kept *ret)
{
	_cleanup_buf_ struct buf dir = BUF_INIT;
	struct unlinking u = {
		.t = t,
		.at = at,
		.op = { .group = group, .verb = TRASH_VERB_UNLINK },
	};
	uint64_t bytes;
	int r;

	r = work_dir(t, at, &dir);
	if (r < 0)
		return r;
	u.op.name = str_from(at->name);
	if (at->known)
		record_stat_from(&u.op.st, at->known);
	else
		r = store_stat(at->dirfd, at->name, &u.op.st);
	if (r < 0)
		return r;
	if (S_ISDIR(u.op.st.mode))
		return -EISDIR;
	if (work_is_own(t, group, &u.op.st)) {
		u.op.flags |= RECORD_OP_OWN;
		r = unlink_unkept(&u, buf_str(&dir));
		goto out;
	}
	/* Another link keeps the blocks anyway. */
	if (u.op.st.nlink > 1)
		u.op.st.bytes = 0;
	bytes = u.op.st.bytes;
	r = budget_take(t, bytes);
	if (r < 0)
		return r;
	if (r == 0) {
		r = unlink_kept(&u, buf_str(&dir));
		if (r < 0)
			budget_give(t, bytes, 1);
	} else {
		u.op.how = TRASH_HOW_DROPPED;
		r = unlink_unkept(&u, buf_str(&dir));
	}
out:
	if (r == 0)
		work_result(t, &u.op, ret);
	slot_put(t, u.slot);
	return r;
}

int trash_rmdir(struct trash *t, uint32_t group, const struct trash_at *at,
		struct trash_kept *ret)
{
	_cleanup_buf_ struct buf dir = BUF_INIT, xattrs = BUF_INIT;
	_cleanup_close_ int fd = -1;
	struct slotdir *slot = NULL;
	struct record_op op = {
		.group = group,
		.verb = TRASH_VERB_RMDIR,
		.how = TRASH_HOW_RECORD,
	};
	int r;

	r = work_dir(t, at, &dir);
	if (r < 0)
		return r;
	op.name = str_from(at->name);
	fd = openat(at->dirfd, at->name,
		    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = store_stat(fd, "", &op.st);
	if (r < 0)
		return r;
	op.st.bytes = 0;
	if (work_is_own(t, group, &op.st)) /* counts for nothing */
		op.flags |= RECORD_OP_OWN;
	r = work_xattrs(fd, &xattrs);
	if (r < 0)
		return r;
	op.blob = buf_str(&xattrs);
	r = slot_get(t, group, buf_str(&dir), at->dirfd, false /* want_fd */,
		     &slot);
	if (r < 0)
		return r;
	op.dir = slot->id;
	r = work_record(t, &op, slot);
	if (r == 0) {
		TRASH_STEP("rmdir");
		r = plain_unlink(at, AT_REMOVEDIR);
		if (r < 0)
			work_abort(t, &op, slot);
		else
			work_result(t, &op, ret);
	}
	slot_put(t, slot);
	return r;
}
