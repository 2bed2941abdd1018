/* SPDX-License-Identifier: MIT */
/*
 * checkpoint.c - marks in the journals
 *
 * A mark is the clock's value and a line in store/marks. Making one also moves
 * the epoch on, so that a running command keeps files anew that it has kept
 * before: what they were at the mark is then on record.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/progress.h"
#include "core/wire.h"
#include "trash/index.h"
#include "trash/place.h"
#include "trash/undo.h"

#define MARKS_MAX  (1U << 24)
#define REASON_MAX 1024

static void put_mark(struct buf *b, const struct checkpoint *c)
{
	size_t start = record_begin(b, RECORD_GROUP);

	wire_put_str(b, str_from(c->id));
	wire_put_i64(b, c->created_ns);
	wire_put_u64(b, c->seq);
	wire_put_str(b, c->session);
	wire_put_str(b, c->reason);
	record_end(b, start);
}

static int get_mark(struct str payload, struct checkpoint *ret)
{
	struct wire_reader r = wire_reader_init(payload);
	struct checkpoint c = { 0 };
	struct str id = wire_get_str(&r);

	c.created_ns = wire_get_i64(&r);
	c.seq = wire_get_u64(&r);
	c.session = wire_get_str(&r);
	c.reason = wire_get_str(&r);
	if (wire_finish(&r) < 0 || id.n != UUID_LEN)
		return -EBADMSG;
	memcpy(c.id, id.p, id.n);
	*ret = c;
	return 0;
}

int checkpoint_create(struct trash *t, struct str session, struct str reason,
		      char id_out[37])
{
	_cleanup_close_ int fd = -1;
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct checkpoint c = { .session = session, .reason = reason };

	if (t->opt.read_only || !t->state)
		return -EROFS;
	if (session.n > 512 || reason.n > REASON_MAX)
		return -ENAMETOOLONG;
	fd = openat(t->base_fd, "marks",
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return -errno;
	uuid4(c.id);
	c.created_ns = clock_realtime_ns();
	/* Epoch first: a record after the mark must belong to the new one. */
	(void)__atomic_add_fetch(&t->state->epoch, 1, __ATOMIC_SEQ_CST);
	c.seq = store_tick(t);
	put_mark(&b, &c);
	if (b.error)
		return b.error;
	if (write(fd, b.data, b.len) != (ssize_t)b.len)
		return -EIO;
	memcpy(id_out, c.id, sizeof(c.id));
	return 0;
}

static int read_marks(struct trash *t, struct buf *out)
{
	int r;

	if (t->base_fd < 0)
		return 0;
	r = fd_read_file(t->base_fd, "marks", MARKS_MAX, out);
	return r == -ENOENT ? 0 : r;
}

static int walk_marks(struct str bytes, struct str session, checkpoint_fn *fn,
		      void *arg)
{
	enum record_type type;
	struct str payload;
	int r = 0;

	while (r == 0 && record_next(&bytes, &type, &payload) == 1) {
		struct checkpoint c;

		if (get_mark(payload, &c) == 0 &&
		    (session.n == 0 || str_eq(session, c.session)))
			r = fn(arg, &c);
	}
	return r;
}

int checkpoint_list(struct trash *t, struct str session, checkpoint_fn *fn,
		    void *arg)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = read_marks(t, &b);

	return r < 0 ? r : walk_marks(buf_str(&b), session, fn, arg);
}

struct finding {
	struct str id;
	struct checkpoint *ret;
	unsigned int n;
};

static int find_cb(void *arg, const struct checkpoint *c)
{
	struct finding *f = arg;

	if (str_starts(str_from(c->id), f->id)) {
		*f->ret = *c;
		f->n++;
	}
	return 0;
}

int checkpoint_find(struct trash *t, struct str id, struct buf *buf,
		    struct checkpoint *ret)
{
	struct finding f = { .id = id, .ret = ret };
	int r;

	buf_reset(buf);
	if (id.n == 0)
		return -ENOENT;
	r = read_marks(t, buf);
	if (r == 0)
		r = walk_marks(buf_str(buf), STR_NONE, find_cb, &f);
	if (r < 0)
		return r;
	return f.n == 1 ? 0 : -ENOENT;
}

struct forgetting {
	struct str session;
	int64_t before_ns;
	size_t total, keep, seen;
	int removed;
	struct buf out;
};

static int count_cb(void *arg, const struct checkpoint *c)
{
	struct forgetting *f = arg;

	if (f->session.n == 0 || str_eq(f->session, c->session))
		f->total++;
	return 0;
}

static int forget_cb(void *arg, const struct checkpoint *c)
{
	struct forgetting *f = arg;
	bool ours = f->session.n == 0 || str_eq(f->session, c->session);
	bool newest = false;

	if (ours) {
		newest = f->keep != SIZE_MAX && f->total - f->seen <= f->keep;
		f->seen++;
	}
	if (ours && !newest && c->created_ns < f->before_ns) {
		f->removed++;
		return 0;
	}
	put_mark(&f->out, c);
	return f->out.error;
}

int checkpoint_purge(struct trash *t, struct str session, int64_t older_than_ns,
		     size_t keep)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_close_ int lock = -1;
	struct forgetting f = {
		.session = session,
		.keep = keep,
		.before_ns = older_than_ns > 0
				     ? clock_realtime_ns() - older_than_ns
				     : INT64_MAX,
	};
	int r;

	if (t->opt.read_only)
		return -EROFS;
	lock = store_lock(t);
	if (lock < 0)
		return lock;
	r = read_marks(t, &b);
	if (r == 0)
		r = walk_marks(buf_str(&b), STR_NONE, count_cb, &f);
	if (r == 0)
		r = walk_marks(buf_str(&b), STR_NONE, forget_cb, &f);
	if (r == 0 && f.removed > 0)
		r = fd_write_file_atomic(t->base_fd, "marks", buf_str(&f.out),
					 0600);
	buf_done(&f.out);
	return r < 0 ? r : f.removed;
}

/* --- what changed since --- */

struct change {
	char *path;     /* owned; below the root */
	size_t order;   /* of the records */
	bool was_there; /* at the mark */
	struct trash_token before;
	struct record_stat st; /* then */
};

struct changes {
	struct index ix;
	VEC(struct change) list;
};

static int note(struct changes *c, struct str path, bool was_there,
		struct trash_token before, const struct record_stat *st)
{
	struct change ch = { .order = c->list.n,
			     .was_there = was_there,
			     .before = before,
			     .st = *st };
	int r;

	ch.path = str_dup(path);
	if (!ch.path)
		return -ENOMEM;
	r = vec_push(&c->list, ch);
	if (r < 0)
		free(ch.path);
	return r;
}

/* What a record says of its names just before it. */
static int note_op(struct changes *c, const struct index_item *item)
{
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT;
	struct trash_token none = { 0, 0 }, token;
	struct record_op op;
	int r;

	if (item->flags & INDEX_ABORTED || index_op(&c->ix, item, &op) < 0 ||
	    index_path(&c->ix, item->writer, op.dir, op.name, &a) < 0)
		return 0;
	token = token_make(c->ix.writers.data[item->writer].id, op.seq);
	switch ((enum trash_verb)op.verb) {
	case TRASH_VERB_CREATE:
	case TRASH_VERB_MKDIR:
	case TRASH_VERB_SYMLINK:
	case TRASH_VERB_MKNOD:
	case TRASH_VERB_LINK:
	case TRASH_VERB_RESTORE:
		return note(c, buf_str(&a), false, none, &op.st);
	case TRASH_VERB_RENAME:
	case TRASH_VERB_EXCHANGE:
		r = index_path(&c->ix, item->writer, op.dir2, op.name2, &b);
		if (r < 0)
			return 0;
		if (!(op.flags & RECORD_OP_FROM_OUTSIDE))
			r = note(c, buf_str(&a), true, none, &op.st);
		if (r < 0)
			return r;
		return note(c, buf_str(&b), op.how != TRASH_HOW_NOTHING,
			    op.how != TRASH_HOW_NOTHING ? token : none, &op.st);
	case TRASH_VERB_META:
		return note(c, buf_str(&a), true, none, &op.st);
	case TRASH_VERB_UNLINK:
	case TRASH_VERB_RMDIR:
	case TRASH_VERB_WRITE:
	case TRASH_VERB_TRUNCATE:
	case TRASH_VERB_APPEND:
		return note(c, buf_str(&a), true, token, &op.st);
	case TRASH_VERB_NONE:
	case TRASH_VERB_MAX:
		break;
	}
	return 0;
}

static int tell(struct trash *t, const struct change *ch,
		checkpoint_change_fn *fn, void *arg)
{
	struct checkpoint_change out = { .path = str_from(ch->path),
					 .before = ch->before };
	struct record_stat now;
	bool is_there = place_stat(t, out.path, &now) == 0;

	if (!ch->was_there && !is_there)
		return 0;
	if (ch->was_there && is_there && record_same_object(&now, &ch->st) &&
	    now.mtime_ns == ch->st.mtime_ns && now.mode == ch->st.mode &&
	    now.size == ch->st.size)
		return 0;
	out.kind = ch->was_there ? (is_there ? 'M' : '+') : '-';
	return fn(arg, &out);
}

static int cmp_change(const void *a, const void *b)
{
	const struct change *x = a, *y = b;
	int r = strcmp(x->path, y->path);

	return r ? r : x->order < y->order ? -1 : x->order > y->order;
}

int checkpoint_changes(struct trash *t, uint64_t seq, checkpoint_change_fn *fn,
		       void *arg)
{
	struct changes c = { 0 };
	int r;

	r = index_load(t, 0, &c.ix);
	for (size_t i = r == 0 ? index_after(&c.ix, seq) : 0;
	     r == 0 && i < c.ix.items.n; i++) {
		progress_tell(i, c.ix.items.n);
		r = note_op(&c, &c.ix.items.data[i]);
	}
	if (c.list.n > 1)
		qsort(c.list.data, c.list.n, sizeof(c.list.data[0]),
		      cmp_change);
	/* The first record of a path tells how it was. */
	for (size_t i = 0; r == 0 && i < c.list.n; i++) {
		progress_tell(i, c.list.n);
		if (i == 0 ||
		    strcmp(c.list.data[i].path, c.list.data[i - 1].path) != 0)
			r = tell(t, &c.list.data[i], fn, arg);
	}
	for (size_t i = 0; i < c.list.n; i++)
		free(c.list.data[i].path);
	vec_done(&c.list);
	index_done(&c.ix);
	return r;
}
