/* SPDX-License-Identifier: MIT */
/*
 * summary.c - groups of all writers without reading their records
 *
 * A writer appends the state of its changed groups to `groups` every few
 * thousand records and at the end of each command, followed by how much of the
 * journal that covers. A reader takes the last state of each group and applies
 * the journal's tail to it.
 */
#include "trash/summary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "trash/chain.h"

#define GROUPS_FILE_MAX (1U << 28)

typedef VEC(struct group *) group_vec;

static void groups_free(group_vec *v)
{
	for (size_t i = 0; i < v->n; i++)
		(void)group_free(v->data[i]);
	vec_done(v);
}

static int group_store(group_vec *v, struct group *g)
{
	int r;

	if (g->id == 0 || g->id > v->n + 65536) {
		(void)group_free(g);
		return 0;
	}
	r = vec_reserve(v, g->id);
	if (r < 0) {
		(void)group_free(g);
		return r;
	}
	while (v->n < g->id)
		v->data[v->n++] = NULL;
	(void)group_free(v->data[g->id - 1]);
	v->data[g->id - 1] = g;
	return 0;
}

static struct group *group_of(group_vec *v, uint32_t id)
{
	return id > 0 && id <= v->n ? v->data[id - 1] : NULL;
}

static int read_groups(int wfd, group_vec *v, uint64_t *covered)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct str rest, payload;
	enum record_type type;
	int r;

	r = fd_read_file(wfd, "groups", GROUPS_FILE_MAX, &b);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	rest = buf_str(&b);
	while (record_next(&rest, &type, &payload) == 1) {
		struct group *g;

		if (type == RECORD_COVERED && payload.n == sizeof(*covered))
			memcpy(covered, payload.p, sizeof(*covered));
		if (type != RECORD_SUMMARY || group_get(payload, &g) < 0)
			continue;
		r = group_store(v, g);
		if (r < 0)
			return r;
	}
	return 0;
}

struct tail {
	group_vec *groups;
	VEC(struct record_dir) dirs; /* of the tail */
	VEC(struct record_op) ops;   /* of the tail, for ABORT */
	bool unknown_dir;
};

static const struct record_dir *tail_dir(const struct tail *tl, uint32_t id)
{
	for (size_t i = tl->dirs.n; i-- > 0;)
		if (tl->dirs.data[i].id == id)
			return &tl->dirs.data[i];
	return NULL;
}

static int tail_op(struct tail *tl, const struct record_op *op)
{
	bool target = op->verb == TRASH_VERB_RENAME;
	const struct record_dir *d;
	struct group *g = group_of(tl->groups, op->group);
	int r;

	if (!g)
		return 0;
	d = tail_dir(tl, target ? op->dir2 : op->dir);
	if (!d) {
		tl->unknown_dir = true;
		return 0;
	}
	r = group_apply(g, op, d->path);
	return r < 0 ? r : vec_push(&tl->ops, *op);
}

static void tail_abort(struct tail *tl, uint64_t seq)
{
	for (size_t i = tl->ops.n; i-- > 0;) {
		const struct record_op *op = &tl->ops.data[i];
		const struct record_dir *d;
		struct group *g;

		if (op->seq != seq)
			continue;
		d = tail_dir(tl, op->verb == TRASH_VERB_RENAME ? op->dir2
							       : op->dir);
		g = group_of(tl->groups, op->group);
		if (d && g)
			group_unapply(g, op, d->path);
		return;
	}
}

static int tail_group(struct tail *tl, const struct record_group *rec,
		      uint64_t off)
{
	struct group *g;
	int r = group_new(rec, &g);

	if (r < 0)
		return r;
	g->off = off;
	return group_store(tl->groups, g);
}

static int tail_record(struct tail *tl, enum record_type type,
		       struct str payload, uint64_t off)
{
	struct record_group rec;
	struct record_dir d;
	struct record_ref ref;
	struct record_op op;
	struct group *g;

	if (type == RECORD_GROUP && record_get_group(payload, &rec) == 0)
		return tail_group(tl, &rec, off);
	if (type == RECORD_DIR && record_get_dir(payload, &d) == 0)
		return vec_push(&tl->dirs, d);
	if (type == RECORD_OP && record_get_op(payload, &op) == 0)
		return tail_op(tl, &op);
	if (type == RECORD_ABORT && record_get_ref(type, payload, &ref) == 0)
		tail_abort(tl, ref.seq);
	if (type == RECORD_END && record_get_ref(type, payload, &ref) == 0 &&
	    ref.by <= UINT32_MAX) {
		g = group_of(tl->groups, (uint32_t)ref.by);
		if (g) {
			g->ended = true;
			g->end_ns = MAX(g->end_ns, ref.when_ns);
		}
	}
	return 0;
}

static int read_tail(int wfd, uint64_t covered, struct tail *tl)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_close_ int fd = -1;
	struct str rest, payload;
	enum record_type type;
	struct stat st;
	char *p;
	ssize_t n;
	int r = 0;

	fd = openat(wfd, "journal", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size <= covered)
		return 0;
	p = buf_reserve(&b, (size_t)st.st_size - covered);
	if (!p)
		return b.error;
	n = pread(fd, p, (size_t)st.st_size - covered, (off_t)covered);
	if (n < 0)
		return -errno;
	rest = str_from_n(p, (size_t)n);
	for (uint64_t off = covered;
	     r == 0 && record_next(&rest, &type, &payload) == 1;
	     off = covered + (uint64_t)n - rest.n)
		r = tail_record(tl, type, payload, off);
	return r;
}

static int from_journal(struct trash *t, uint64_t writer, group_vec *v)
{
	_cleanup_index_ struct index ix = { 0 };
	int r;

	groups_free(v);
	r = index_load(t, writer, &ix);
	if (r < 0 || ix.writers.n != 1)
		return r;
	for (size_t i = 0; i < ix.writers.data[0].groups.n; i++) {
		const struct index_group *ig =
			&ix.writers.data[0].groups.data[i];
		struct group *g;

		r = group_new(&ig->rec, &g);
		if (r == 0) {
			g->off = ig->off;
			r = group_store(v, g);
		}
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ix.items.n; i++) {
		const struct index_item *item = &ix.items.data[i];
		const struct record_dir *d;
		struct record_op op;
		struct group *g;

		if (item->flags & (INDEX_ABORTED | INDEX_GONE) ||
		    index_op(&ix, item, &op) < 0)
			continue;
		d = index_dir(&ix, 0,
			      op.verb == TRASH_VERB_RENAME ? op.dir2 : op.dir);
		g = group_of(v, op.group);
		r = d && g ? group_apply(g, &op, d->path) : 0;
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ix.writers.data[0].groups.n; i++) {
		const struct index_group *ig =
			&ix.writers.data[0].groups.data[i];
		struct group *g = group_of(v, ig->rec.id);

		if (!g)
			continue;
		g->end_ns = ig->end_ns;
		g->ended = ig->ended;
		g->undone = ig->undone;
	}
	return 0;
}

static int cmp_gone(const void *a, const void *b)
{
	const struct gone_entry *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Drops the line that this entry alone makes, if there is one. */
static bool drop_line(struct group *g, const struct gone_entry *e)
{
	for (size_t k = 0; k < g->n_roots; k++) {
		struct group_root *root = &g->roots[k];

		if (root->seq != e->seq || root->n != 1)
			continue;
		root->n = 0; /* not listed */
		g->stat.kept -= MIN(g->stat.kept, 1U);
		g->stat.kept_bytes -= MIN(g->stat.kept_bytes, e->bytes);
		return true;
	}
	return false;
}

/* n entries of a group are gone. False: its lines must be counted anew. */
static bool drop_entries(struct group *g, const struct gone_entry *e, size_t n)
{
	size_t distinct = 0, dropped = 0;

	for (size_t i = 0; i < n; i++)
		distinct += i == 0 || e[i].seq != e[i - 1].seq;
	if (distinct >= g->stat.kept) { /* an undo of the whole command */
		for (size_t k = 0; k < g->n_roots; k++)
			g->roots[k].n = 0;
		g->stat.kept = g->stat.kept_bytes = 0;
		return true;
	}
	for (size_t i = 0; i < n; i++)
		if (i == 0 || e[i].seq != e[i - 1].seq)
			dropped += drop_line(g, &e[i]);
	return dropped == distinct;
}

/* The groups that are marked, from their records on. */
static int recount(struct trash *t, struct index_start from, group_vec *v)
{
	_cleanup_index_ struct index ix = { 0 };
	int r = index_load_parts(t, &from, 1, &ix);

	for (size_t i = 0; r == 0 && i < v->n; i++)
		if (v->data[i] && v->data[i]->recount)
			group_reset(v->data[i]);
	for (size_t i = 0; r == 0 && i < ix.items.n; i++) {
		const struct index_item *item = &ix.items.data[i];
		const struct record_dir *d;
		struct record_op op;
		struct group *g;

		if (item->flags & (INDEX_ABORTED | INDEX_GONE) ||
		    index_op(&ix, item, &op) < 0)
			continue;
		g = group_of(v, op.group);
		d = index_dir(&ix, 0,
			      op.verb == TRASH_VERB_RENAME ? op.dir2 : op.dir);
		if (g && d && g->recount)
			r = group_count(g, &op, d->path);
	}
	return r;
}

/* Some entries of the writer are gone. Lines that they alone make are dropped;
 * a tree or bundle of which something is left is counted anew. */
static int drop_gone(struct trash *t, int wfd, uint64_t writer, group_vec *v)
{
	struct index_start from = { writer, UINT64_MAX };
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ struct gone_entry *e = NULL;
	size_t n;
	int r;

	r = fd_read_file(wfd, "gone", 1U << 30, &b);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	n = b.len / sizeof(*e);
	e = n ? calloc(n, sizeof(*e)) : NULL;
	if (!e)
		return n ? -ENOMEM : 0;
	memcpy(e, b.data, n * sizeof(*e));
	qsort(e, n, sizeof(*e), cmp_gone);
	for (size_t i = 0, end; i < n; i = end) {
		struct group *g = group_of(v, e[i].group);

		for (end = i + 1; end < n && e[end].group == e[i].group;)
			end++;
		if (!g || drop_entries(g, &e[i], end - i))
			continue;
		g->recount = true;
		from.off = MIN(from.off, g->off);
	}
	return from.off == UINT64_MAX ? 0 : recount(t, from, v);
}

static int load_writer(struct trash *t, const char *name, struct summary *s)
{
	_cleanup_close_ int wfd = -1;
	group_vec groups = VEC_INIT;
	struct tail tl = { .groups = &groups };
	uint64_t covered = 0, writer;
	int r;

	if (strncmp(name, STORE_WRITER_PREFIX, 2) != 0)
		return 0;
	writer = store_hex(name + 2);
	wfd = openat(t->base_fd, name,
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (wfd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = read_groups(wfd, &groups, &covered);
	if (r == 0)
		r = read_tail(wfd, covered, &tl);
	vec_done(&tl.dirs);
	vec_done(&tl.ops);
	if (r == 0)
		r = tl.unknown_dir ? from_journal(t, writer, &groups)
				   : drop_gone(t, wfd, writer, &groups);
	for (size_t i = 0; r == 0 && i < groups.n; i++) {
		if (!groups.data[i])
			continue;
		r = vec_push(&s->groups,
			     (struct summary_group){ groups.data[i], writer });
		if (r == 0)
			groups.data[i] = NULL;
	}
	groups_free(&groups);
	return r;
}

static int cmp_newest(const void *a, const void *b)
{
	const struct group *x = ((const struct summary_group *)a)->group;
	const struct group *y = ((const struct summary_group *)b)->group;

	return x->seq < y->seq ? 1 : x->seq > y->seq ? -1 : 0;
}

static int note_undone(struct trash *t, struct summary *s)
{
	struct chain chain;
	int r = chain_load(t, &chain);

	if (r < 0)
		return r;
	for (size_t i = 0; chain.links.n > 0 && i < s->groups.n; i++) {
		struct group *g = s->groups.data[i].group;

		g->undone |= chain_is_undone(&chain, g->seq);
	}
	chain_release(&chain);
	return 0;
}

int summary_load(struct trash *t, struct summary *ret)
{
	_cleanup_summary_ struct summary s = { 0 };
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *e;
	int r;

	if (t->base_fd < 0) {
		*ret = s;
		return 0;
	}
	(void)pthread_mutex_lock(&t->lock);
	(void)journal_summarise(t);
	(void)pthread_mutex_unlock(&t->lock);
	r = fd_opendir(t->base_fd, ".", &d);
	if (r < 0)
		return r;
	while (r == 0 && (e = readdir(d)))
		r = load_writer(t, e->d_name, &s);
	if (r == 0)
		r = note_undone(t, &s);
	if (r < 0)
		return r;
	if (s.groups.n > 1)
		qsort(s.groups.data, s.groups.n, sizeof(s.groups.data[0]),
		      cmp_newest);
	*ret = s;
	s = (struct summary){ 0 };
	return 0;
}

void summary_done(struct summary *s)
{
	for (size_t i = 0; i < s->groups.n; i++)
		(void)group_free(s->groups.data[i].group);
	vec_done(&s->groups);
}

int summary_rebuild(struct trash *t, uint64_t writer)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_close_ int wfd = -1;
	group_vec groups = VEC_INIT;
	uint64_t covered = 0;
	struct stat st;
	char name[32];
	size_t start;
	int r;

	(void)snprintf(name, sizeof(name), STORE_WRITER_PREFIX "%016llx",
		       (unsigned long long)writer);
	wfd = openat(t->base_fd, name,
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (wfd < 0)
		return -errno;
	r = from_journal(t, writer, &groups);
	for (size_t i = 0; r == 0 && i < groups.n; i++)
		if (groups.data[i])
			group_put(&b, groups.data[i]);
	groups_free(&groups);
	if (r < 0)
		return r;
	if (fstatat(wfd, "journal", &st, AT_SYMLINK_NOFOLLOW) == 0)
		covered = (uint64_t)st.st_size;
	start = record_begin(&b, RECORD_COVERED);
	buf_put(&b, &covered, sizeof(covered));
	record_end(&b, start);
	return b.error ? b.error
		       : fd_write_file_atomic(wfd, "groups", buf_str(&b), 0600);
}
