/* SPDX-License-Identifier: MIT */
/*
 * evict.c - what goes from a full quarantine
 *
 * A command could push out what it has destroyed by keeping more of its own: large
 * files that it makes, or lets others grow, and removes again. So what commands
 * made goes first, the oldest before the others; then later versions of what they
 * had changed before, the largest first; then what they had appended to, where the
 * version holds the old content as well, the largest first; and only then what was
 * there before any command came, again the oldest first.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/vec.h"
#include "trash/purge.h"

enum rank {
	RANK_MADE = 0, /* by a command */
	RANK_LATER,    /* a command had changed it before, and that is kept */
	RANK_GROWN,    /* a command had appended to it, or cut it */
	RANK_FIRST,    /* as it was before any command */
};

struct known { /* btime_ns 0 = free, 1 = whenever it was born */
	uint64_t dev, ino;
	int64_t btime_ns;
	enum rank rank;
};

struct candidate {
	size_t item;
	uint64_t bytes;
	enum rank rank;
};

struct eviction {
	struct index *ix;
	struct known *known; /* owned; a power of two, more than items */
	size_t mask;
	int64_t begin_ns;
	VEC(struct candidate) all;
};

static struct known *find(const struct eviction *e, uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino ^ (dev << 40)) * 0x9e3779b97f4a7c15ULL;
	size_t i = (size_t)(h ^ (h >> 29)) & e->mask;

	while (e->known[i].btime_ns != 0 &&
	       (e->known[i].dev != dev || e->known[i].ino != ino))
		i = (i + 1) & e->mask;
	return &e->known[i];
}

/* btime_ns 0: the file system does not say, so numbers alone count. */
static void learn(struct eviction *e, const struct record_stat *st,
		  int64_t btime_ns, enum rank rank)
{
	struct known *k = find(e, st->dev, st->ino);

	if (k->btime_ns && k->rank < rank &&
	    (k->btime_ns == 1 || k->btime_ns == btime_ns))
		return; /* made is made */
	*k = (struct known){ .dev = st->dev,
			     .ino = st->ino,
			     .btime_ns = btime_ns ? btime_ns : 1,
			     .rank = rank };
}

static enum rank rank_of(const struct eviction *e, const struct record_stat *st)
{
	const struct known *k = find(e, st->dev, st->ino);

	return k->btime_ns == 1 || (k->btime_ns && k->btime_ns == st->btime_ns)
		       ? k->rank
		       : RANK_FIRST;
}

/* When the first command came, as far as that is on record. */
static int64_t begin_of(const struct index *ix)
{
	struct record_op op;

	for (size_t i = 0; i < ix->items.n; i++) {
		const struct index_item *item = &ix->items.data[i];
		const struct index_group *g = NULL;

		if (index_op(ix, item, &op) == 0)
			g = index_group(ix, item->writer, op.group);
		if (g)
			return g->rec.when_ns;
	}
	return INT64_MAX;
}

/* All that the file held before the change. */
static bool holds_all(const struct record_op *op)
{
	if (op->verb == TRASH_VERB_APPEND)
		return op->arg == 0;
	return op_has_payload(op) && !(op->flags & RECORD_OP_PARTIAL);
}

static void learn_from(struct eviction *e, const struct record_op *op)
{
	struct record_stat moved = op->st;

	/* A link: of what was there before commands came, or was not. */
	if (op->verb == TRASH_VERB_CREATE ||
	    (op->verb == TRASH_VERB_LINK && op->st.btime_ns >= e->begin_ns))
		learn(e, &op->st, op->st.btime_ns, RANK_MADE);
	moved.ino = op->arg;
	if (op->verb == TRASH_VERB_RENAME && op->flags & RECORD_OP_FROM_OUTSIDE)
		learn(e, &moved, 0, RANK_MADE);
	if (op->verb == TRASH_VERB_WRITE || op->verb == TRASH_VERB_TRUNCATE ||
	    op->verb == TRASH_VERB_APPEND)
		learn(e, &op->st, op->st.btime_ns,
		      holds_all(op) ? RANK_LATER : RANK_GROWN);
}

static int collect(struct eviction *e)
{
	struct record_op op;
	int r = 0;

	for (size_t i = 0; r == 0 && i < e->ix->items.n; i++) {
		const struct index_item *item = &e->ix->items.data[i];

		if (item->flags & INDEX_ABORTED ||
		    index_op(e->ix, item, &op) < 0)
			continue;
		if (!(item->flags & INDEX_GONE) && op_has_payload(&op))
			r = vec_push(&e->all,
				     (struct candidate){
					     .item = i,
					     .bytes = op.st.bytes,
					     .rank = rank_of(e, &op.st),
				     });
		learn_from(e, &op);
	}
	return r;
}

static int by_rank(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if ((x->rank == RANK_LATER || x->rank == RANK_GROWN) &&
	    x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item;
}

static int evict(struct eviction *e, uint64_t bytes, uint64_t entries)
{
	const struct trash_state *s = e->ix->t->state;
	struct record_op op;

	for (size_t i = 0; i < e->all.n; i++) {
		struct index_item *item =
			&e->ix->items.data[e->all.data[i].item];
		int r;

		if (__atomic_load_n(&s->bytes, __ATOMIC_RELAXED) <= bytes &&
		    __atomic_load_n(&s->entries, __ATOMIC_RELAXED) <= entries)
			return 0;
		if (index_op(e->ix, item, &op) < 0)
			continue;
		r = purge_item(e->ix, item, &op);
		if (r < 0)
			return r;
	}
	return 0;
}

int purge_evict(struct trash *t, uint64_t bytes, uint64_t entries)
{
	_cleanup_index_ struct index ix = { 0 };
	struct eviction e = { .ix = &ix, .all = VEC_INIT };
	size_t size = 256;
	int r;

	r = index_load(t, 0, &ix);
	if (r < 0)
		return r;
	while (size < 2 * ix.items.n)
		size *= 2;
	e.mask = size - 1;
	e.begin_ns = begin_of(&ix);
	e.known = calloc(size, sizeof(*e.known));
	r = e.known ? collect(&e) : -ENOMEM;
	if (r == 0 && e.all.n)
		qsort(e.all.data, e.all.n, sizeof(e.all.data[0]), by_rank);
	if (r == 0)
		r = evict(&e, bytes, entries);
	vec_done(&e.all);
	free(e.known);
	return r;
}
