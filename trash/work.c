/* SPDX-License-Identifier: MIT */
/*
 * work.c - steps shared by the keep operations
 */
#include "trash/work.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/path.h"
#include "trash/xattr.h"

static int kernel_dir(struct trash *t, int dirfd, struct buf *out)
{
	_cleanup_buf_ struct buf full = BUF_INIT;
	struct str root = buf_str(&t->root_path), path;
	int r;

	r = path_of_far_dir(dirfd, &full);
	if (r < 0)
		return r;
	path = buf_str(&full);
	if (!path_beneath(path, root))
		return -EXDEV;
	path = str_skip(path, root.n);
	if (path.n > 0 && path.p[0] == '/')
		path = str_skip(path, 1);
	buf_put_str(out, path);
	return out->error;
}

int work_dir(struct trash *t, const struct trash_at *at, struct buf *out)
{
	struct str store = buf_str(&t->rel), dir;
	int r;

	if (at->dir.p) {
		if (!record_path_ok(at->dir))
			return -EINVAL;
		buf_put_str(out, at->dir);
		r = out->error;
	} else {
		r = kernel_dir(t, at->dirfd, out);
	}
	if (r < 0)
		return r;
	if (!record_name_ok(str_from(at->name)))
		return -EINVAL;
	dir = buf_str(out);
	if (store.n == 0)
		return 0;
	if (path_beneath(dir, store))
		return -EBUSY;
	/* The store itself, for a store that is directly below `dir`. */
	if (str_starts(store, dir)) {
		struct str rest = str_skip(store, dir.n);

		if (dir.n > 0 && rest.n > 0 && rest.p[0] == '/')
			rest = str_skip(rest, 1);
		if (str_eq_c(rest, at->name))
			return -EBUSY;
	}
	return 0;
}

int work_record(struct trash *t, struct record_op *op, const struct slotdir *d)
{
	struct group *g;
	int r = -EINVAL;

	op->when_ns = clock_realtime_ns();
	(void)pthread_mutex_lock(&t->lock);
	g = store_group(t, op->group);
	if (g) {
		if (op->seq == 0)
			op->seq = store_tick(t);
		r = group_apply(g, op, str_from(d->path));
	}
	if (r == 0) {
		record_put_op(journal_scratch(t), op);
		r = journal_commit(t);
		if (r < 0)
			group_unapply(g, op, str_from(d->path));
		else
			t->n_ops++;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

void work_abort(struct trash *t, const struct record_op *op,
		const struct slotdir *d)
{
	struct group *g;

	(void)pthread_mutex_lock(&t->lock);
	g = store_group(t, op->group);
	if (g)
		group_unapply(g, op, str_from(d->path));
	record_put_ref(journal_scratch(t), RECORD_ABORT,
		       &(struct record_ref){ .seq = op->seq });
	(void)journal_commit(t);
	(void)pthread_mutex_unlock(&t->lock);
}

void work_moved(struct trash *t, struct record_op *op,
		const struct slotdir *slot, const char *name)
{
	struct record_stat st;
	bool other;

	if (store_stat(slot->fd, name, &st) < 0)
		return;
	other = !record_same_object(&st, &op->st);
	(void)pthread_mutex_lock(&t->lock);
	links_add(&t->links, st.dev, st.ino, 1);
	if (other) {
		record_put_ref(journal_scratch(t), RECORD_STAT,
			       &(struct record_ref){ .seq = op->seq,
						     .st = st });
		(void)journal_commit(t);
		op->st = st;
	}
	(void)pthread_mutex_unlock(&t->lock);
}

void work_result(struct trash *t, const struct record_op *op,
		 struct trash_kept *ret)
{
	if (!ret)
		return;
	*ret = (struct trash_kept){
		.how = (enum trash_how)op->how,
		.bytes = op->st.bytes,
		.mode = op->st.mode,
	};
	if (op->how != TRASH_HOW_NOTHING && op->how != TRASH_HOW_DROPPED)
		ret->token = token_make(t->writer, op->seq);
}

enum seen_level work_seen(struct trash *t, uint32_t group,
			  const struct record_stat *st)
{
	enum seen_level level;

	(void)pthread_mutex_lock(&t->lock);
	level = seen_get(&t->seen, st, group, store_epoch(t));
	(void)pthread_mutex_unlock(&t->lock);
	return level;
}

void work_see(struct trash *t, uint32_t group, const struct record_stat *st,
	      enum seen_level level)
{
	(void)pthread_mutex_lock(&t->lock);
	seen_put(&t->seen, st, group, store_epoch(t), level);
	(void)pthread_mutex_unlock(&t->lock);
}

bool work_is_own(struct trash *t, uint32_t group, const struct record_stat *st)
{
	return !t->opt.keep_own && work_seen(t, group, st) == SEEN_BORN;
}

int work_xattrs(int fd, struct buf *out)
{
	return xattr_save(fd, out);
}
