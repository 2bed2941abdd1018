/* SPDX-License-Identifier: MIT */
/*
 * keeper.c - one call for "do this destroying operation, kept"
 */
#include "trash/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int store_keep(void *arg, const struct keep_req *q,
		      struct trash_kept *ret)
{
	struct trash_change what = { .flags = q->flags };
	struct trash *t = arg;

	switch (q->verb) {
	case KEEP_UNLINK:
		return trash_unlink(t, q->group, &q->at, ret);
	case KEEP_RMDIR:
		return trash_rmdir(t, q->group, &q->at, ret);
	case KEEP_RENAME:
		return trash_rename(t, q->group, &q->at, &q->to,
				    q->rename_flags, ret);
	case KEEP_WRITE:
		what.how = TRASH_WRITE_ANY;
		return trash_before_write(t, q->group, &q->at, q->fd, what,
					  ret);
	case KEEP_APPEND:
		what.how = TRASH_WRITE_APPEND;
		return trash_before_write(t, q->group, &q->at, q->fd, what,
					  ret);
	case KEEP_TRUNCATE:
		what.how = TRASH_WRITE_TRUNCATE;
		what.length = q->length;
		return trash_before_write(t, q->group, &q->at, q->fd, what,
					  ret);
	case KEEP_META:
		return trash_before_meta(t, q->group, &q->at, q->fd, q->meta,
					 q->xattr);
	case KEEP_MAKE:
		return trash_before_make(t, q->group, &q->at);
	case KEEP_MADE:
		return trash_note_made(t, q->group, &q->at, q->made);
	}
	return -EINVAL;
}

static int plain_keep(void *arg, const struct keep_req *q,
		      struct trash_kept *ret)
{
	int r = 0;

	(void)arg;
	switch (q->verb) {
	case KEEP_UNLINK:
		r = unlinkat(q->at.dirfd, q->at.name, 0);
		break;
	case KEEP_RMDIR:
		r = unlinkat(q->at.dirfd, q->at.name, AT_REMOVEDIR);
		break;
	case KEEP_RENAME:
		r = renameat2(q->at.dirfd, q->at.name, q->to.dirfd, q->to.name,
			      q->rename_flags);
		break;
	case KEEP_WRITE:
	case KEEP_APPEND:
	case KEEP_TRUNCATE:
	case KEEP_META:
	case KEEP_MAKE:
	case KEEP_MADE:
		break;
	}
	if (r < 0)
		return -errno;
	if (ret)
		*ret = (struct trash_kept){ 0 };
	return 0;
}

struct keeper keeper_for(struct trash *t)
{
	return (struct keeper){ store_keep, t };
}

struct keeper keeper_none(void)
{
	return (struct keeper){ plain_keep, NULL };
}
