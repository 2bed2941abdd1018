/* SPDX-License-Identifier: MIT */
/*
 * reach.c - how far back an undo has to read
 *
 * Groups of one writer overlap: one that began earlier may go on after ours
 * began, and its records name its own directories. So a journal is read from
 * the oldest group on that is in it and has an operation after the selection
 * began; journals without one are not opened.
 */
#include "trash/reach.h"

#include <errno.h>

#include "trash/summary.h"

struct reach {
	const struct undo_select *sel;
	const struct chain *chain;
	struct summary groups;
	VEC(struct index_start) parts;
};

static uint64_t last_of(const struct group *g)
{
	return MAX(g->seq, g->last_seq);
}

static bool did_something(const struct group *g)
{
	const struct trash_group_stat *s = &g->stat;

	return g->last_seq > 0 || s->created + s->removed + s->changed > 0;
}

static bool destroyed(const struct group *g)
{
	return g->stat.removed + g->stat.changed + g->stat.unkept > 0;
}

/* An undo that was killed. */
static bool is_cut_off(const struct reach *re, uint64_t seq)
{
	for (size_t i = 0; i < re->groups.groups.n; i++) {
		const struct group *g = re->groups.groups.data[i].group;

		if (g->seq == seq)
			return g->flags & RECORD_GROUP_UNDO && !g->ended;
	}
	return false;
}

/* Where an undo, and what it went on with, begins. */
static uint64_t first_part(const struct reach *re, const struct group *g)
{
	uint64_t first = g->seq, part;
	size_t i = 0;

	while ((part = chain_next_part(re->chain, g->seq, &i)) != 0)
		if (is_cut_off(re, part))
			first = MIN(first, part);
	return first;
}

/* The newest that stands; as select_newest() of plan.c. 0: none. */
static uint64_t newest(const struct reach *re, bool undo, bool destroying)
{
	for (size_t i = 0; i < re->groups.groups.n; i++) {
		const struct group *g = re->groups.groups.data[i].group;
		bool is_undo = g->flags & RECORD_GROUP_UNDO;

		/* One that was killed has its own rules, and its undo: what
		 * they undid has to be read as well. */
		if (is_undo && (!g->ended ||
				is_cut_off(re, chain_undid(re->chain, g->seq))))
			return 0;
		if (is_undo != undo || !did_something(g) ||
		    (destroying && !destroyed(g)))
			continue;
		if (undo ? !chain_undoer(re->chain, g->seq) &&
				    !chain_is_redo(re->chain, g->seq)
			 : chain_effective(re->chain, g->seq) != 0)
			return first_part(re, g);
	}
	return 0;
}

static bool named(const struct undo_select *s, const struct summary_group *sg)
{
	const struct group *g = sg->group;

	if (!trash_token_is_zero(s->group))
		return sg->writer == s->group.lo &&
		       g->seq == token_seq(s->group);
	if (s->since_ns)
		return g->end_ns >= s->since_ns;
	if (s->command.n > 0)
		return str_eq_c(s->command, g->command);
	return str_eq_c(s->session, g->session);
}

/* The oldest group that the selection names. UINT64_MAX: none. */
static uint64_t oldest_named(const struct reach *re)
{
	uint64_t seq = UINT64_MAX;

	for (size_t i = 0; i < re->groups.groups.n; i++) {
		const struct summary_group *sg = &re->groups.groups.data[i];

		if (named(re->sel, sg))
			seq = MIN(seq, sg->group->seq);
	}
	return seq;
}

/* Where the selection begins; 0: at the beginning of everything. */
static uint64_t first_seq(const struct reach *re, bool redo)
{
	const struct undo_select *s = re->sel;
	uint64_t seq;

	if (s->since_seq)
		return s->since_seq;
	if (s->since_ns || s->command.n || s->session.n ||
	    !trash_token_is_zero(s->group))
		return oldest_named(re);
	if (s->n_paths > 0)
		return 0; /* the newest that touched them: anywhere */
	seq = newest(re, redo, !redo);
	return seq || redo ? seq : newest(re, false, false);
}

static int add_part(struct reach *re, uint64_t writer, uint64_t off)
{
	for (size_t i = 0; i < re->parts.n; i++) {
		struct index_start *p = &re->parts.data[i];

		if (p->writer != writer)
			continue;
		p->off = MIN(p->off, off);
		return 0;
	}
	return vec_push(&re->parts, (struct index_start){ writer, off });
}

static int load_since(struct reach *re, struct trash *t, uint64_t seq,
		      struct index *ret)
{
	for (size_t i = 0; i < re->groups.groups.n; i++) {
		const struct summary_group *sg = &re->groups.groups.data[i];
		int r = last_of(sg->group) < seq
				? 0
				: add_part(re, sg->writer, sg->group->off);

		if (r < 0)
			return r;
	}
	return index_load_parts(t, re->parts.data, re->parts.n, ret);
}

int reach_load(struct trash *t, const struct undo_select *sel,
	       const struct chain *chain, bool redo, struct index *ret)
{
	struct reach re = { .sel = sel, .chain = chain };
	uint64_t seq = 0;
	int r = summary_load(t, &re.groups);

	if (r == 0)
		seq = first_seq(&re, redo);
	if (r == 0)
		r = seq == 0 ? index_load(t, 0, ret)
			     : load_since(&re, t, seq, ret);
	summary_done(&re.groups);
	vec_done(&re.parts);
	return r;
}
