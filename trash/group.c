/* SPDX-License-Identifier: MIT */
/*
 * group.c - totals and roots of what one command did
 */
#include "trash/group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire.h"

#define DETAIL_MAX 4096

int group_new(const struct record_group *r, struct group **ret)
{
	_cleanup_(group_free_p) struct group *g = calloc(1, sizeof(*g));
	struct str detail = r->detail;

	if (!g)
		return -ENOMEM;
	if (detail.n > DETAIL_MAX)
		detail.n = DETAIL_MAX;
	g->id = r->id;
	g->flags = r->flags;
	g->seq = r->seq;
	g->start_ns = g->end_ns = r->when_ns;
	g->session = str_dup(r->session);
	g->command = str_dup(r->command);
	g->detail = str_dup(detail);
	if (!g->session || !g->command || !g->detail)
		return -ENOMEM;
	*ret = TAKE(g);
	return 0;
}

struct group *group_free(struct group *g)
{
	if (!g)
		return NULL;
	for (size_t i = 0; i < g->n_roots; i++)
		free(g->roots[i].path);
	free(g->roots);
	free(g->session);
	free(g->command);
	free(g->detail);
	free(g);
	return NULL;
}

static struct str root_path(const struct group_root *r)
{
	return str_from_n(r->path, r->len);
}

/* path lies below dir ("" is above everything). */
static bool below(struct str path, struct str dir)
{
	if (dir.n == 0)
		return path.n > 0;
	return path.n > dir.n && path.p[dir.n] == '/' &&
	       memcmp(path.p, dir.p, dir.n) == 0;
}

static struct str parent_of(struct str path)
{
	ptrdiff_t at = str_rindex(path, '/');

	return str_from_n(path.p, at < 0 ? 0 : (size_t)at);
}

static void root_drop(struct group *g, size_t i)
{
	free(g->roots[i].path);
	g->n_roots--;
	memmove(&g->roots[i], &g->roots[i + 1],
		(g->n_roots - i) * sizeof(g->roots[0]));
}

/* Moves every root below dir (and an equal bundle) into *sum. */
static size_t roots_swallow(struct group *g, struct str dir,
			    struct group_root *sum)
{
	size_t n = 0;

	for (size_t i = g->n_roots; i-- > 0;) {
		struct group_root *r = &g->roots[i];
		bool same = r->is_bundle && str_eq(root_path(r), dir);

		if (!same && !below(root_path(r), dir))
			continue;
		sum->n += r->n;
		sum->size += r->size;
		sum->bytes += r->bytes;
		sum->seq = r->seq < sum->seq ? r->seq : sum->seq;
		sum->when_ns = MAX(sum->when_ns, r->when_ns);
		root_drop(g, i);
		n++;
	}
	return n;
}

static int root_push(struct group *g, struct str path, struct group_root r)
{
	if (g->n_roots == g->max_roots) {
		size_t n = g->max_roots ? g->max_roots * 2 : 2;
		struct group_root *roots =
			reallocarray(g->roots, n, sizeof(*roots));

		if (!roots)
			return -ENOMEM;
		g->roots = roots;
		g->max_roots = n;
	}
	r.path = str_dup(path);
	if (!r.path)
		return -ENOMEM;
	r.len = path.n;
	g->roots[g->n_roots++] = r;
	return 0;
}

/* One root too many: bundle neighbours of the newest, going up until it
 * helps. Ends at the workspace root at the latest. */
static int roots_bundle(struct group *g)
{
	_cleanup_free_ char *newest =
		str_dup(root_path(&g->roots[g->n_roots - 1]));
	struct str dir;

	if (!newest)
		return -ENOMEM;
	dir = parent_of(str_from(newest));
	for (;;) {
		struct group_root sum = { .is_bundle = true,
					  .seq = UINT64_MAX };
		size_t n = 0;

		for (size_t i = 0; i < g->n_roots; i++)
			n += below(root_path(&g->roots[i]), dir);
		if (n > TRASH_MAX_ROOTS / 4 || dir.n == 0) {
			(void)roots_swallow(g, dir, &sum);
			return root_push(g, dir, sum);
		}
		dir = parent_of(dir);
	}
}

static int roots_add(struct group *g, struct str path,
		     const struct record_op *op)
{
	struct group_root r = {
		.seq = op->seq,
		.n = 1,
		.size = S_ISDIR(op->st.mode) ? 0 : op->st.size,
		.bytes = op->st.bytes,
		.when_ns = op->when_ns,
		.is_tree = op->verb == TRASH_VERB_RMDIR,
		.is_version = op->verb != TRASH_VERB_RMDIR &&
			      op->verb != TRASH_VERB_UNLINK,
	};
	int ret;

	if (r.is_tree) {
		uint64_t seq = r.seq;

		(void)roots_swallow(g, path, &r);
		r.seq = seq; /* the token of a tree is its rmdir */
	}
	for (size_t i = g->n_roots; i-- > 0;) {
		struct group_root *b = &g->roots[i];

		if (!b->is_bundle || !below(path, root_path(b)))
			continue;
		b->n += r.n;
		b->size += r.size;
		b->bytes += r.bytes;
		b->when_ns = r.when_ns;
		return 0;
	}
	ret = root_push(g, path, r);
	if (ret < 0 || g->n_roots <= TRASH_MAX_ROOTS)
		return ret;
	return roots_bundle(g);
}

static void count(struct trash_group_stat *s, const struct record_op *op,
		  uint64_t by)
{
	if (op_is_kept(op)) {
		s->kept += by;
		s->kept_bytes += by * op->st.bytes;
	}
	if (op->how == TRASH_HOW_DROPPED)
		s->unkept += by;
	if (op->flags & RECORD_OP_OWN)
		return; /* nobody else ever had it */
	switch ((enum trash_verb)op->verb) {
	case TRASH_VERB_UNLINK:
	case TRASH_VERB_RMDIR:
		s->removed += by;
		break;
	case TRASH_VERB_CREATE:
	case TRASH_VERB_MKDIR:
	case TRASH_VERB_SYMLINK:
	case TRASH_VERB_MKNOD:
	case TRASH_VERB_LINK:
	case TRASH_VERB_RESTORE:
		s->created += by;
		break;
	case TRASH_VERB_RENAME:
	case TRASH_VERB_EXCHANGE:
	case TRASH_VERB_WRITE:
	case TRASH_VERB_TRUNCATE:
	case TRASH_VERB_APPEND:
	case TRASH_VERB_META:
		s->changed += by;
		break;
	case TRASH_VERB_NONE:
	case TRASH_VERB_MAX:
		break;
	}
}

/* The path whose old state op keeps: a rename keeps its target. */
static int kept_path(const struct record_op *op, struct str dir,
		     struct buf *out)
{
	bool target = op->verb == TRASH_VERB_RENAME;

	buf_put_str(out, dir);
	if (dir.n > 0)
		buf_putc(out, '/');
	buf_put_str(out, target ? op->name2 : op->name);
	return out->error;
}

int group_count(struct group *g, const struct record_op *op, struct str dir)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	int r;

	count(&g->stat, op, 1);
	if (!op_is_kept(op))
		return 0;
	r = kept_path(op, dir, &path);
	return r < 0 ? r : roots_add(g, buf_str(&path), op);
}

int group_apply(struct group *g, const struct record_op *op, struct str dir)
{
	g->end_ns = MAX(g->end_ns, op->when_ns);
	g->last_seq = MAX(g->last_seq, op->seq);
	g->ended = false;
	g->dirty = true;
	return group_count(g, op, dir);
}

void group_reset(struct group *g)
{
	for (size_t i = 0; i < g->n_roots; i++)
		free(g->roots[i].path);
	g->n_roots = 0;
	g->stat = (struct trash_group_stat){ 0 };
}

void group_unapply(struct group *g, const struct record_op *op, struct str dir)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct str p;

	count(&g->stat, op, UINT64_MAX); /* - 1 */
	g->dirty = true;
	if (!op_is_kept(op) || kept_path(op, dir, &path) < 0)
		return;
	p = buf_str(&path);
	for (size_t i = g->n_roots; i-- > 0;) {
		struct group_root *r = &g->roots[i];

		if (r->seq == op->seq && r->n == 1) {
			root_drop(g, i);
			return;
		}
		if ((r->is_tree || r->is_bundle) && below(p, root_path(r))) {
			r->n--;
			if (!S_ISDIR(op->st.mode))
				r->size -= MIN(r->size, op->st.size);
			r->bytes -= MIN(r->bytes, op->st.bytes);
			return;
		}
	}
}

static void put_root(struct buf *b, const struct group_root *r)
{
	wire_put_str(b, root_path(r));
	wire_put_u64(b, r->seq);
	wire_put_u64(b, r->n);
	wire_put_u64(b, r->size);
	wire_put_u64(b, r->bytes);
	wire_put_i64(b, r->when_ns);
	wire_put_u8(b, (uint8_t)(r->is_tree | r->is_version << 1 |
				 r->is_bundle << 2));
}

static int get_root(struct wire_reader *w, struct group *g)
{
	struct group_root r = { 0 };
	struct str path = wire_get_str(w);
	uint8_t flags;

	r.seq = wire_get_u64(w);
	r.n = wire_get_u64(w);
	r.size = wire_get_u64(w);
	r.bytes = wire_get_u64(w);
	r.when_ns = wire_get_i64(w);
	flags = wire_get_u8(w);
	r.is_tree = flags & 1;
	r.is_version = flags & 2;
	r.is_bundle = flags & 4;
	if (w->error || !record_path_ok(path))
		return -EBADMSG;
	return root_push(g, path, r);
}

void group_put(struct buf *b, const struct group *g)
{
	size_t start = record_begin(b, RECORD_SUMMARY);

	wire_put_u32(b, g->id);
	wire_put_u32(b, g->flags);
	wire_put_u64(b, g->seq);
	wire_put_i64(b, g->start_ns);
	wire_put_i64(b, g->end_ns);
	wire_put_u8(b, g->ended);
	wire_put_str(b, str_from(g->session));
	wire_put_str(b, str_from(g->command));
	wire_put_str(b, str_from(g->detail));
	wire_put_u64(b, g->stat.kept);
	wire_put_u64(b, g->stat.kept_bytes);
	wire_put_u64(b, g->stat.removed);
	wire_put_u64(b, g->stat.changed);
	wire_put_u64(b, g->stat.created);
	wire_put_u64(b, g->stat.unkept);
	wire_put_u32(b, (uint32_t)g->n_roots);
	for (size_t i = 0; i < g->n_roots; i++)
		put_root(b, &g->roots[i]);
	wire_put_u64(b, g->off);
	wire_put_u64(b, g->last_seq);
	record_end(b, start);
}

int group_get(struct str payload, struct group **ret)
{
	struct wire_reader w = wire_reader_init(payload);
	_cleanup_(group_free_p) struct group *g = NULL;
	struct record_group head = { 0 };
	int64_t end_ns;
	uint32_t n;
	bool ended;
	int r;

	head.id = wire_get_u32(&w);
	head.flags = wire_get_u32(&w);
	head.seq = wire_get_u64(&w);
	head.when_ns = wire_get_i64(&w);
	end_ns = wire_get_i64(&w);
	ended = wire_get_u8(&w);
	head.session = wire_get_str(&w);
	head.command = wire_get_str(&w);
	head.detail = wire_get_str(&w);
	if (w.error)
		return -EBADMSG;
	r = group_new(&head, &g);
	if (r < 0)
		return r;
	g->end_ns = end_ns;
	g->ended = ended;
	g->stat.kept = wire_get_u64(&w);
	g->stat.kept_bytes = wire_get_u64(&w);
	g->stat.removed = wire_get_u64(&w);
	g->stat.changed = wire_get_u64(&w);
	g->stat.created = wire_get_u64(&w);
	g->stat.unkept = wire_get_u64(&w);
	n = wire_get_u32(&w);
	if (w.error || n > TRASH_MAX_ROOTS)
		return -EBADMSG;
	while (n-- > 0) {
		r = get_root(&w, g);
		if (r < 0)
			return r;
	}
	g->last_seq = UINT64_MAX; /* written by an earlier version */
	if (w.rest.n > 0) {
		g->off = wire_get_u64(&w);
		g->last_seq = wire_get_u64(&w);
	}
	if (wire_finish(&w) < 0)
		return -EBADMSG;
	*ret = TAKE(g);
	return 0;
}
