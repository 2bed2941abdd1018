/* SPDX-License-Identifier: MIT */
/*
 * list.c - what the quarantine holds, and what happened to a path
 */
#include "trash/list.h"

#include <errno.h>
#include <stdlib.h>

#include "base/path.h"
#include "base/progress.h"
#include "trash/legacy.h"
#include "trash/summary.h"

static const char *const verb_names[TRASH_VERB_MAX] = {
	[TRASH_VERB_NONE] = "none",         [TRASH_VERB_UNLINK] = "unlink",
	[TRASH_VERB_RMDIR] = "rmdir",       [TRASH_VERB_RENAME] = "rename",
	[TRASH_VERB_EXCHANGE] = "exchange", [TRASH_VERB_WRITE] = "write",
	[TRASH_VERB_TRUNCATE] = "truncate", [TRASH_VERB_APPEND] = "append",
	[TRASH_VERB_META] = "meta",         [TRASH_VERB_CREATE] = "create",
	[TRASH_VERB_MKDIR] = "mkdir",       [TRASH_VERB_SYMLINK] = "symlink",
	[TRASH_VERB_MKNOD] = "mknod",       [TRASH_VERB_LINK] = "link",
	[TRASH_VERB_RESTORE] = "restore",
};

const char *trash_verb_to_string(enum trash_verb verb)
{
	return (size_t)verb < ARRAY_LEN(verb_names) ? verb_names[verb] : NULL;
}

static void put_absolute(struct trash *t, struct str path, struct buf *out)
{
	struct str root = trash_root_path(t);

	buf_put_str(out, root);
	if (path.n > 0 && root.n > 1)
		buf_putc(out, '/');
	buf_put_str(out, path);
}

/* --- groups --- */

static bool passes(const struct trash_filter *f, struct str session,
		   struct str command, int64_t when_ns)
{
	if (!f)
		return true;
	if (f->session.n > 0 && !str_eq(f->session, session))
		return false;
	if (f->command.n > 0 && !str_eq(f->command, command))
		return false;
	return when_ns >= f->since_ns;
}

struct group_view {
	struct trash_root roots[TRASH_MAX_ROOTS];
	struct buf paths[TRASH_MAX_ROOTS];
};

static void view_root(struct trash *t, const struct summary_group *sg,
		      const struct group_root *r, struct buf *path,
		      struct trash_root *out)
{
	buf_reset(path);
	put_absolute(t, str_from_n(r->path, r->len), path);
	*out = (struct trash_root){
		.token = token_make(sg->writer,
				    r->is_bundle ? sg->group->seq : r->seq),
		.path = buf_str(path),
		.n = r->n,
		.size = r->size,
		.bytes = r->bytes,
		.when_ns = r->when_ns,
		.is_tree = r->is_tree,
		.is_version = r->is_version,
		.is_bundle = r->is_bundle,
	};
}

static int show_group(struct trash *t, const struct summary_group *sg,
		      struct group_view *v, trash_group_fn *fn, void *arg)
{
	const struct group *g = sg->group;
	struct trash_group_info info = {
		.token = token_make(sg->writer, g->seq),
		.session = str_from(g->session),
		.command = str_from(g->command),
		.detail = str_from(g->detail),
		.start_ns = g->start_ns,
		.end_ns = g->end_ns,
		.ended = g->ended,
		.undone = g->undone,
		.is_undo = g->flags & RECORD_GROUP_UNDO,
		.stat = g->stat,
		.roots = v->roots,
	};

	info.stat.token = info.token;
	for (size_t i = 0; i < g->n_roots; i++)
		if (g->roots[i].n > 0) {
			view_root(t, sg, &g->roots[i], &v->paths[info.n_roots],
				  &v->roots[info.n_roots]);
			info.n_roots++;
		}
	return fn(arg, &info);
}

int trash_list_groups(struct trash *t, const struct trash_filter *filter,
		      trash_group_fn *fn, void *arg)
{
	_cleanup_summary_ struct summary s = { 0 };
	_cleanup_free_ struct group_view *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	r = summary_load(t, &s);
	for (size_t i = 0; r == 0 && i < s.groups.n; i++) {
		const struct group *g = s.groups.data[i].group;

		progress_tell(i, s.groups.n);
		if (passes(filter, str_from(g->session), str_from(g->command),
			   g->end_ns))
			r = show_group(t, &s.groups.data[i], v, fn, arg);
	}
	for (size_t i = 0; i < ARRAY_LEN(v->paths); i++)
		buf_done(&v->paths[i]);
	return r;
}

/* --- entries --- */

struct entry_walk {
	struct trash *t;
	const struct trash_filter *filter;
	trash_entry_fn *fn;
	void *arg;
	struct buf path, path2;
};

static int entry_paths(struct entry_walk *w, const struct index *ix,
		       const struct index_item *item,
		       const struct record_op *op)
{
	const struct record_dir *d = index_dir(ix, item->writer, op->dir);
	const struct record_dir *d2 = index_dir(ix, item->writer, op->dir2);

	buf_reset(&w->path);
	buf_reset(&w->path2);
	if (!d)
		return -EBADMSG;
	put_absolute(w->t, d->path, &w->path);
	buf_printf(&w->path, "/" STR_FMT, STR_ARG(op->name));
	if (op->name2.n > 0 && d2) {
		put_absolute(w->t, d2->path, &w->path2);
		buf_printf(&w->path2, "/" STR_FMT, STR_ARG(op->name2));
	}
	return w->path.error ? w->path.error : w->path2.error;
}

static int show_entry(struct entry_walk *w, const struct index *ix,
		      const struct index_item *item, const struct record_op *op,
		      bool kept)
{
	const struct index_group *g = index_group(ix, item->writer, op->group);
	uint64_t writer = ix->writers.data[item->writer].id;
	struct trash_entry e = {
		.token = token_make(writer, op->seq),
		.verb = (enum trash_verb)op->verb,
		.how = (enum trash_how)op->how,
		.when_ns = op->when_ns,
		.mode = op->st.mode,
		.uid = op->st.uid,
		.gid = op->st.gid,
		.size = op->st.size,
		.mtime_ns = op->st.mtime_ns,
		.kept = kept,
		.seq = op->seq,
	};
	int r = entry_paths(w, ix, item, op);

	if (r < 0)
		return r == -EBADMSG ? 0 : r;
	e.path = buf_str(&w->path);
	e.path2 = buf_str(&w->path2);
	if (g) {
		e.group_token = token_make(writer, g->rec.seq);
		e.session = g->rec.session;
		e.command = g->rec.command;
	}
	return w->fn(w->arg, &e);
}

static int legacy_entry_cb(void *arg, const struct legacy_entry *l)
{
	struct entry_walk *w = arg;
	struct trash_entry e = {
		.token = l->token,
		.verb = TRASH_VERB_UNLINK,
		.how = TRASH_HOW_MOVED,
		.path = l->original_path,
		.session = l->session,
		.when_ns = l->created_ns,
		.mode = l->mode,
		.uid = l->uid,
		.gid = l->gid,
		.size = l->size,
		.kept = true,
		.legacy = true,
	};

	if (!passes(w->filter, l->session, STR_NONE, l->created_ns))
		return 0;
	return w->fn(w->arg, &e);
}

static int walk_items(struct entry_walk *w, const struct index *ix)
{
	struct record_op op;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ix->items.n; i++) {
		const struct index_item *item = &ix->items.data[i];
		const struct index_group *g;

		progress_tell(i, ix->items.n);
		if (item->flags & (INDEX_ABORTED | INDEX_GONE) ||
		    index_op(ix, item, &op) < 0 || !op_is_kept(&op))
			continue;
		g = index_group(ix, item->writer, op.group);
		if (!g || !passes(w->filter, g->rec.session, g->rec.command,
				  op.when_ns))
			continue;
		r = show_entry(w, ix, item, &op, true /* kept */);
	}
	return r;
}

int trash_list_legacy(struct trash *t, const struct trash_filter *filter,
		      trash_entry_fn *fn, void *arg)
{
	struct entry_walk w = { .t = t, .filter = filter, .fn = fn, .arg = arg };

	return legacy_walk(t, legacy_entry_cb, &w);
}

int trash_list_entries(struct trash *t, const struct trash_filter *filter,
		       trash_entry_fn *fn, void *arg)
{
	_cleanup_index_ struct index ix = { 0 };
	struct entry_walk w = { .t = t, .filter = filter, .fn = fn, .arg = arg };
	int r;

	r = legacy_walk(t, legacy_entry_cb, &w);
	if (r == 0)
		r = index_load(t, 0, &ix);
	if (r == 0)
		r = walk_items(&w, &ix);
	buf_done(&w.path);
	buf_done(&w.path2);
	return r;
}

/* --- history --- */

static struct str relative(struct trash *t, struct str path)
{
	struct str root = trash_root_path(t);

	if (path.n == 0 || path.p[0] != '/')
		return path;
	if (!path_beneath(path, root))
		return STR_NONE;
	path = str_skip(path, root.n);
	while (path.n > 0 && path.p[0] == '/')
		path = str_skip(path, 1);
	return path;
}

static int join(const struct index *ix, uint32_t writer, uint32_t dir,
		struct str name, struct buf *out)
{
	buf_reset(out);
	return index_path(ix, writer, dir, name, out);
}

/*
 * Newest to oldest with the name the path had then: a rename to it makes the
 * earlier name the one to look for. hits gets positions, newest first.
 */
static int trace_back(const struct index *ix, struct str path, void *hits_vec)
{
	VEC(size_t) *hits = hits_vec;
	_cleanup_buf_ struct buf now = BUF_INIT, a = BUF_INIT, b = BUF_INIT;
	struct record_op op;
	int r = 0;

	buf_put_str(&now, path);
	for (size_t i = ix->items.n; r >= 0 && i-- > 0;) {
		const struct index_item *item = &ix->items.data[i];
		bool first, second;

		if (item->flags & INDEX_ABORTED ||
		    index_op(ix, item, &op) < 0 ||
		    join(ix, item->writer, op.dir, op.name, &a) < 0)
			continue;
		buf_reset(&b);
		if (op.name2.n > 0)
			(void)join(ix, item->writer, op.dir2, op.name2, &b);
		first = str_eq(buf_str(&a), buf_str(&now));
		second = op.name2.n > 0 && str_eq(buf_str(&b), buf_str(&now));
		if (first || second)
			r = vec_push(hits, i);
		if (second && op.how == TRASH_HOW_NOTHING &&
		    op.verb == TRASH_VERB_RENAME) {
			buf_reset(&now);
			buf_put_str(&now, buf_str(&a));
		}
	}
	return r < 0 ? r : now.error;
}

int trash_history(struct trash *t, struct str path, trash_entry_fn *fn,
		  void *arg)
{
	_cleanup_index_ struct index ix = { 0 };
	VEC(size_t) hits = VEC_INIT;
	struct entry_walk w = { .t = t, .fn = fn, .arg = arg };
	struct str rel = relative(t, path);
	struct record_op op;
	int r;

	if (rel.n == 0)
		return -EXDEV;
	r = index_load(t, 0, &ix);
	if (r == 0)
		r = trace_back(&ix, rel, &hits);
	for (size_t i = hits.n; r == 0 && i-- > 0;) {
		const struct index_item *item = &ix.items.data[hits.data[i]];

		if (index_op(&ix, item, &op) == 0)
			r = show_entry(&w, &ix, item, &op,
				       (op_is_kept(&op) ||
					op.verb == TRASH_VERB_APPEND) &&
					       !(item->flags & INDEX_GONE));
	}
	vec_done(&hits);
	buf_done(&w.path);
	buf_done(&w.path2);
	return r;
}
