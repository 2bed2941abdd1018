/* SPDX-License-Identifier: MIT */
/*
 * plan.c - which records an undo reverses, and what happened after them
 */
#include "trash/plan.h"

#include <errno.h>
#include <stdlib.h>

#include "base/path.h"
#include "trash/plan_step.h"
#include "trash/reach.h"

const struct index_group *plan_group(const struct plan *p,
				     const struct index_item *item,
				     const struct record_op *op)
{
	return index_group(&p->ix, item->writer, op->group);
}

static bool has_seq(const uint64_t *v, size_t n, uint64_t seq)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] == seq)
			return true;
	return false;
}

/* --- selecting groups --- */

static int select_group(struct plan *p, uint64_t seq, uint64_t effective)
{
	int r = vec_push(&p->groups, effective ? effective : seq);

	return r < 0 ? r : vec_push(&p->marked, effective ? effective : seq);
}

static bool wanted(const struct undo_select *s, const struct index_writer *w,
		   const struct index_group *g)
{
	if (!trash_token_is_zero(s->group))
		return w->id == s->group.lo &&
		       g->rec.seq == token_seq(s->group);
	if (g->rec.flags & RECORD_GROUP_UNDO)
		return s->command.n > 0 && str_eq(s->command, g->rec.command);
	if (s->command.n > 0)
		return str_eq(s->command, g->rec.command) &&
		       (s->session.n == 0 ||
			str_eq(s->session, g->rec.session));
	return s->session.n > 0 && str_eq(s->session, g->rec.session);
}

static bool has_choice(const struct undo_select *s)
{
	return s->command.n || s->session.n || s->since_ns || s->since_seq ||
	       !trash_token_is_zero(s->group);
}

/* The group to reverse for this one, if it stands; 0 if not. A redo is reached
 * through what it did again. */
static uint64_t standing(const struct plan *p, uint64_t seq, bool undo)
{
	if (!undo)
		return chain_effective(&p->chain, seq);
	if (chain_undoer(&p->chain, seq) || chain_is_redo(&p->chain, seq))
		return 0;
	return seq;
}

bool plan_cut_off(const struct plan *p, uint32_t writer,
		  const struct index_group *g)
{
	return g->rec.flags & RECORD_GROUP_UNDO && !g->ended &&
	       !p->ix.writers.data[writer].live;
}

static const struct index_group *find_group(const struct plan *p, uint64_t seq,
					    uint32_t *ret_writer)
{
	for (uint32_t i = 0; seq && i < p->ix.writers.n; i++) {
		const struct index_writer *w = &p->ix.writers.data[i];

		for (size_t k = 0; k < w->groups.n; k++)
			if (w->groups.data[k].rec.seq == seq) {
				*ret_writer = i;
				return &w->groups.data[k];
			}
	}
	return NULL;
}

static bool was_cut_off(const struct plan *p, uint64_t seq)
{
	uint32_t writer;
	const struct index_group *g = find_group(p, seq, &writer);

	return g && plan_cut_off(p, writer, g);
}

/* A redo that was cut off: what it had begun is to be done again from its undo,
 * and it is not itself an undo to be done again. */
static bool is_half_redo(const struct plan *p, uint64_t seq)
{
	uint32_t writer;
	const struct index_group *g = find_group(p, seq, &writer);

	return g && g->rec.flags & RECORD_GROUP_REDO &&
	       plan_cut_off(p, writer, g);
}

bool plan_is_redo(const struct plan *p)
{
	uint32_t writer;
	const struct index_group *g =
		p->groups.n > 0 ? find_group(p, p->groups.data[0], &writer)
				: NULL;

	return g && g->rec.flags & RECORD_GROUP_UNDO &&
	       !(g->rec.flags & RECORD_GROUP_REDO);
}

/* With what an undo went on with. */
static int select_parts(struct plan *p)
{
	int r = 0;

	for (size_t k = 0, n = p->groups.n; r == 0 && k < n; k++) {
		size_t i = 0;
		uint64_t part;

		while (r == 0 &&
		       (part = chain_next_part(&p->chain, p->groups.data[k],
					       &i)) != 0)
			if (was_cut_off(p, part) &&
			    !has_seq(p->groups.data, p->groups.n, part))
				r = select_group(p, part, part);
	}
	return r;
}

/* A redo that was killed is taken back like a command, unless another has gone
 * on with it. */
static bool is_candidate(const struct plan *p, const struct index_group *g,
			 bool undo)
{
	if (g->rec.flags & RECORD_GROUP_UNDO && !is_half_redo(p, g->rec.seq))
		return undo;
	return !undo && (!(g->rec.flags & RECORD_GROUP_UNDO) ||
			 !chain_undid(&p->chain, g->rec.seq));
}

/* If a killed redo was taken back by it: what that was about, too. */
static int select_rest(struct plan *p, uint64_t undo)
{
	uint64_t half = chain_undid(&p->chain, undo);
	int r = 0;

	if (!is_half_redo(p, half))
		return 0;
	for (size_t i = 0; r == 0 && i < p->ix.fixes.n; i++) {
		const struct index_fix *f = &p->ix.fixes.data[i];

		if (f->type == RECORD_UNDOES && f->by == half)
			r = select_group(p, f->seq, f->seq);
	}
	return r;
}

/* The newest command (or undo) that stands and did something; `destroying`:
 * something besides making files. */
static int select_newest(struct plan *p, bool undo, bool destroying)
{
	uint64_t best = 0, effective = 0;
	int r;

	for (size_t i = 0; i < p->ix.writers.n; i++) {
		const struct index_writer *w = &p->ix.writers.data[i];

		for (size_t k = 0; k < w->groups.n; k++) {
			const struct index_group *g = &w->groups.data[k];
			uint64_t now;

			if (g->ops == 0 || g->rec.seq <= best ||
			    (destroying && !g->destroying) ||
			    !is_candidate(p, g, undo))
				continue;
			now = standing(p, g->rec.seq, undo);
			if (!now)
				continue;
			best = g->rec.seq;
			effective = now;
		}
	}
	r = best ? select_group(p, best, effective) : -ENOENT;
	return r == 0 && undo ? select_rest(p, best) : r;
}

static bool touches(const struct plan *p, const struct index_item *item,
		    const struct record_op *op);

/* The newest that stands and did something to the paths. */
static int select_touching(struct plan *p, bool undo)
{
	for (size_t i = p->ix.items.n; i-- > 0;) {
		const struct index_item *item = &p->ix.items.data[i];
		const struct index_group *g;
		struct record_op op;
		uint64_t now;

		if (item->flags & (INDEX_ABORTED | INDEX_UNDONE) ||
		    index_op(&p->ix, item, &op) < 0)
			continue;
		g = plan_group(p, item, &op);
		if (!g || !(g->rec.flags & RECORD_GROUP_UNDO) == undo ||
		    !touches(p, item, &op))
			continue;
		now = standing(p, g->rec.seq, undo);
		if (now)
			return select_group(p, g->rec.seq, now);
	}
	return -ENOENT;
}

static int select_last(struct plan *p, bool redo)
{
	int r;

	if (p->sel->n_paths > 0)
		return select_touching(p, redo);
	r = select_newest(p, redo, !redo);
	return r == -ENOENT && !redo ? select_newest(p, redo, false) : r;
}

static int select_named(struct plan *p)
{
	for (size_t i = 0; i < p->ix.writers.n; i++) {
		const struct index_writer *w = &p->ix.writers.data[i];

		for (size_t k = 0; k < w->groups.n; k++) {
			const struct index_group *g = &w->groups.data[k];
			int r;

			if (!wanted(p->sel, w, g))
				continue;
			r = select_group(p, g->rec.seq,
					 chain_effective(&p->chain,
							 g->rec.seq));
			if (r < 0)
				return r;
		}
	}
	return p->groups.n > 0 ? 0 : -ENOENT;
}

/* --- selecting records --- */

static bool touches(const struct plan *p, const struct index_item *item,
		    const struct record_op *op)
{
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT;
	const struct undo_select *s = p->sel;

	if (s->n_paths == 0)
		return true;
	(void)index_path(&p->ix, item->writer, op->dir, op->name, &a);
	if (op->name2.n > 0)
		(void)index_path(&p->ix, item->writer, op->dir2, op->name2, &b);
	for (size_t i = 0; i < s->n_paths; i++) {
		struct str root = trash_root_path(p->t), path = s->paths[i];

		if (path.n > 0 && path.p[0] == '/') {
			if (!path_beneath(path, root))
				continue;
			path = str_skip(path, root.n);
			if (path.n > 0)
				path = str_skip(path, 1);
		}
		if (path.n == 0 || path_beneath(buf_str(&a), path) ||
		    (b.len > 0 && path_beneath(buf_str(&b), path)))
			return true;
	}
	return false;
}

static bool in_period(const struct undo_select *s, const struct record_op *op)
{
	if (s->since_seq)
		return op->seq > s->since_seq;
	return op->when_ns >= s->since_ns;
}

uint64_t plan_canceller(const struct plan *p, const struct index_item *item)
{
	size_t lo = 0, hi = p->ix.fixes.n;
	uint64_t by = 0;

	if (!(item->flags & INDEX_UNDONE))
		return 0;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (p->ix.fixes.data[mid].seq < item->seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < p->ix.fixes.n && p->ix.fixes.data[lo].seq == item->seq;
	     lo++)
		if (p->ix.fixes.data[lo].type == RECORD_UNDONE)
			by = MAX(by, p->ix.fixes.data[lo].by);
	return by;
}

static bool undo_within(struct plan *p, const struct index_group *g);

/*
 * In a period everything counts but undos that cancel records of the period:
 * those and what they cancelled are left alone together. What a redo cancelled
 * is such an undo: then what was redone stands, by the redo's records.
 */
static bool undoes_within(struct plan *p, const struct index_group *g)
{
	const struct undo_select *s = p->sel;
	bool any = false;

	for (size_t i = 0; i < p->ix.fixes.n; i++) {
		const struct index_fix *f = &p->ix.fixes.data[i];
		const struct index_group *of;
		struct record_op op;
		ptrdiff_t at;

		if (f->type != RECORD_UNDONE || f->by != g->rec.seq)
			continue;
		at = index_find_seq(&p->ix, f->seq);
		if (at < 0)
			return false; /* from before all that was read */
		if (index_op(&p->ix, &p->ix.items.data[at], &op) < 0)
			continue;
		of = plan_group(p, &p->ix.items.data[at], &op);
		if (!in_period(s, &op) || !of)
			return false;
		/* Older only: no journal leads in a circle. */
		if (of->rec.seq >= g->rec.seq || undo_within(p, of))
			return false;
		any = true;
	}
	return any;
}

static bool undo_within(struct plan *p, const struct index_group *g)
{
	struct plan_within w = { .group = g->rec.seq };

	if (!(g->rec.flags & RECORD_GROUP_UNDO))
		return false;
	for (size_t i = 0; i < p->within.n; i++)
		if (p->within.data[i].group == w.group)
			return p->within.data[i].within;
	w.within = undoes_within(p, g);
	(void)vec_push(&p->within, w); /* without memory: asked again */
	return w.within;
}

static bool by_period(const struct plan *p)
{
	return p->sel->since_ns || p->sel->since_seq;
}

static bool is_wanted(struct plan *p, const struct record_op *op,
		      const struct index_group *g)
{
	if (by_period(p)) {
		if (!in_period(p->sel, op) || undo_within(p, g))
			return false;
	} else if (!has_seq(p->groups.data, p->groups.n, g->rec.seq)) {
		return false;
	}
	return true;
}

static int mark(struct plan *p, uint64_t group_seq)
{
	if (!by_period(p) || has_seq(p->marked.data, p->marked.n, group_seq))
		return 0;
	return vec_push(&p->marked, group_seq);
}

/* A record of a command that is wanted, but not of the paths. */
static int leave_item(struct plan *p, const struct index_item *item,
		      const struct record_op *op)
{
	const struct record_dir *dirs[] = {
		index_dir(&p->ix, item->writer, op->dir),
		op->name2.n ? index_dir(&p->ix, item->writer, op->dir2) : NULL,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(dirs); i++)
		if (dirs[i])
			r = vec_push(&p->left, plan_hash(dirs[i]->path));
	return r;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

bool plan_leaves(const struct plan *p, struct str dir)
{
	uint64_t h = plan_hash(dir);

	return p->left.n > 0 && bsearch(&h, p->left.data, p->left.n, sizeof(h),
					by_value) != NULL;
}

/* Reversed already, by an undo that was cut off: it is gone on with. */
static bool is_half_undone(const struct plan *p, const struct index_item *item)
{
	return was_cut_off(p, plan_canceller(p, item));
}

static int note_half(struct plan *p, uint64_t seq, uint64_t by)
{
	for (size_t i = 0; i < p->halves.n; i++)
		if (p->halves.data[i].seq == seq && p->halves.data[i].by == by)
			return 0;
	return chain_has(&p->chain, seq, by)
		       ? 0
		       : vec_push(&p->halves, (struct chain_link){ seq, by });
}

/*
 * An undo that was cut off said of nothing that it undid it, and perhaps not
 * what it reversed first. It is a part of the one that goes on with it, or is
 * redone as if it were whole. A redo that is taken back never was.
 */
static bool was_begun(const struct plan *p, const struct index_fix *f)
{
	if (!was_cut_off(p, f->by))
		return false;
	if (has_seq(p->groups.data, p->groups.n, f->by))
		return !is_half_redo(p, f->by);
	return f->type == RECORD_UNDOES &&
	       has_seq(p->groups.data, p->groups.n, f->seq);
}

static uint64_t group_of(const struct plan *p, uint64_t seq)
{
	ptrdiff_t at = index_find_seq(&p->ix, seq);
	const struct index_group *g;
	struct record_op op;

	if (at < 0 || index_op(&p->ix, &p->ix.items.data[at], &op) < 0)
		return 0;
	g = plan_group(p, &p->ix.items.data[at], &op);
	return g ? g->rec.seq : 0;
}

static int note_halves(struct plan *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->ix.fixes.n; i++) {
		const struct index_fix *f = &p->ix.fixes.data[i];
		uint64_t seq;

		if (f->type != RECORD_UNDOES && f->type != RECORD_UNDONE)
			continue;
		if (!was_begun(p, f))
			continue;
		seq = f->type == RECORD_UNDOES ? f->seq : group_of(p, f->seq);
		if (seq)
			r = note_half(p, seq, f->by);
	}
	return r;
}

static int select_items(struct plan *p)
{
	for (size_t i = 0; i < p->ix.items.n; i++) {
		const struct index_item *item = &p->ix.items.data[i];
		const struct index_group *g;
		struct record_op op;
		int r;

		if (item->flags & INDEX_ABORTED ||
		    index_op(&p->ix, item, &op) < 0)
			continue;
		g = plan_group(p, item, &op);
		if (!g || !is_wanted(p, &op, g) ||
		    (item->flags & INDEX_UNDONE && !is_half_undone(p, item)))
			continue;
		if (!touches(p, item, &op)) {
			r = leave_item(p, item, &op);
			if (r < 0)
				return r;
			continue;
		}
		r = mark(p, g->rec.seq);
		if (r == 0 && item->flags & INDEX_UNDONE)
			r = note_half(p, g->rec.seq, plan_canceller(p, item));
		if (r == 0)
			r = vec_push(&p->items, i);
		if (r < 0)
			return r;
	}
	if (p->left.n > 0)
		qsort(p->left.data, p->left.n, sizeof(*p->left.data), by_value);
	return p->items.n > 0 ? 0 : -ENOENT;
}

int plan_make(struct trash *t, const struct undo_select *sel, bool redo,
	      struct plan *ret)
{
	struct plan p = { .t = t, .sel = sel };
	int r;

	r = chain_load(t, &p.chain);
	if (r == 0)
		r = reach_load(t, sel, &p.chain, redo, &p.ix);
	if (r == 0 && !has_choice(sel))
		r = select_last(&p, redo);
	else if (r == 0 && !sel->since_ns && !sel->since_seq)
		r = select_named(&p);
	if (r == 0)
		r = select_parts(&p);
	if (r == 0)
		r = note_halves(&p);
	if (r == 0)
		r = select_items(&p);
	if (r == 0)
		r = plan_note_later(&p);
	if (r == 0)
		r = plan_note_remade(&p);
	if (r < 0) {
		plan_done(&p);
		return r;
	}
	*ret = p;
	return 0;
}

void plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->renames.n; i++) {
		free(p->renames.data[i].from);
		free(p->renames.data[i].to);
	}
	vec_done(&p->renames);
	vec_done(&p->remade);
	vec_done(&p->items);
	vec_done(&p->groups);
	vec_done(&p->marked);
	vec_done(&p->within);
	vec_done(&p->left);
	vec_done(&p->halves);
	free(p->later);
	p->later = NULL;
	chain_release(&p->chain);
	index_done(&p->ix);
}
