/* SPDX-License-Identifier: MIT */
/*
 * keep_meta.c - attributes before they change; notes of what was made
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "trash/making.h"
#include "trash/work.h"
#include "trash/xattr.h"

static int record_in_dir(struct trash *t, const struct trash_at *at,
			 struct record_op *op)
{
	_cleanup_buf_ struct buf dir = BUF_INIT;
	struct slotdir *slot = NULL;
	int r;

	r = work_dir(t, at, &dir);
	if (r < 0)
		return r;
	r = slot_get(t, op->group, buf_str(&dir), at->dirfd,
		     false /* want_fd */, &slot);
	if (r < 0)
		return r;
	op->dir = slot->id;
	r = work_record(t, op, slot);
	slot_put(t, slot);
	return r;
}

int trash_before_meta(struct trash *t, uint32_t group,
		      const struct trash_at *at, int fd, unsigned int what,
		      const char *xattr)
{
	_cleanup_buf_ struct buf blob = BUF_INIT;
	_cleanup_close_ int own = -1;
	struct record_op op = {
		.group = group,
		.verb = TRASH_VERB_META,
		.how = TRASH_HOW_RECORD,
		.arg = what,
	};
	int r;

	if (fd < 0) {
		fd = own = openat(at->dirfd, at->name,
				  O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return -errno;
	}
	/* An access ACL is the group's bits of the mode, too. */
	if (what & TRASH_META_XATTR &&
	    (!xattr || strcmp(xattr, "system.posix_acl_access") == 0))
		op.arg |= TRASH_META_MODE;
	store_settle(t, fd);
	r = store_stat(fd, "", &op.st);
	if (r < 0)
		return r;
	/* Undo removes what this command made under all its names: its
	 * attributes with it. */
	if (!t->opt.keep_own && work_seen(t, group, &op.st) == SEEN_BORN)
		return 0;
	op.st.bytes = 0;
	op.name = str_from(at->name);
	if (what & TRASH_META_XATTR) {
		r = xattr ? xattr_save_one(fd, xattr, &blob)
			  : xattr_save(fd, &blob);
		if (r < 0)
			return r;
	}
	if (xattr && blob.len == 0) {
		r = xattr_absent(xattr, &blob);
		if (r < 0)
			return r;
		op.flags |= RECORD_OP_ABSENT;
	}
	op.blob = buf_str(&blob);
	return record_in_dir(t, at, &op);
}

int trash_before_make(struct trash *t, uint32_t group,
		      const struct trash_at *at)
{
	_cleanup_buf_ struct buf dir = BUF_INIT;
	struct slotdir *slot = NULL;
	int r;

	r = work_dir(t, at, &dir);
	if (r == 0)
		r = slot_get(t, group, buf_str(&dir), at->dirfd,
			     false /* want_fd */, &slot);
	if (r < 0)
		return r;
	(void)pthread_mutex_lock(&t->lock);
	making_begin(t, group, slot->id, str_from(at->name));
	(void)pthread_mutex_unlock(&t->lock);
	slot_put(t, slot);
	TRASH_STEP("make");
	return 0;
}

static enum trash_verb made_verb(enum trash_made what)
{
	switch (what) {
	case TRASH_MADE_FILE:
		return TRASH_VERB_CREATE;
	case TRASH_MADE_DIR:
		return TRASH_VERB_MKDIR;
	case TRASH_MADE_SYMLINK:
		return TRASH_VERB_SYMLINK;
	case TRASH_MADE_NODE:
		return TRASH_VERB_MKNOD;
	case TRASH_MADE_LINK:
		return TRASH_VERB_LINK;
	}
	return TRASH_VERB_CREATE;
}

int trash_note_made(struct trash *t, uint32_t group, const struct trash_at *at,
		    enum trash_made what)
{
	struct record_op op = {
		.group = group,
		.verb = (uint8_t)made_verb(what),
		.name = str_from(at->name),
	};
	int r = 0;

	if (at->known)
		record_stat_from(&op.st, at->known);
	else
		r = store_stat(at->dirfd, at->name, &op.st);
	if (r < 0)
		return r;
	op.st.bytes = 0;
	TRASH_STEP("made");
	r = record_in_dir(t, at, &op);
	(void)pthread_mutex_lock(&t->lock);
	making_done(t, group, op.dir, op.name);
	(void)pthread_mutex_unlock(&t->lock);
	if (r == 0 && what != TRASH_MADE_LINK)
		work_see(t, group, &op.st, SEEN_BORN);
	return r;
}
