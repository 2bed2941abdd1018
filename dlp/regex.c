/* SPDX-License-Identifier: MIT */
/*
 * regex.c - custom patterns: the leftmost longest match, in linear time
 *
 * The programs of base/regex.h, run with threads that know where they began:
 * of two in the same state the one that began first stays, so there are never
 * more than the program has instructions. While any thread lives a new one
 * begins at every byte; when none does, the first pass says where to go on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "dlp/priv.h"

#define MATCH_MAX  4096U /* bytes of one match */
#define SEARCH_MAX (2 * MATCH_MAX)

struct thread {
	uint32_t pc;
	size_t start;
};

struct list {
	struct thread *threads; /* oldest beginning first */
	size_t n;
};

struct search {
	const struct nfa_inst *insts;
	const struct nfa_range *ranges;
	struct list now, next;
	uint32_t *stack;
	uint32_t *seen; /* generation in which an instruction was reached */
	uint32_t generation;
	uint32_t before, after;
	bool text_begin, text_end;
	bool found;
	size_t start, end;
};

static size_t work_size(size_t n)
{
	return n * (2 * sizeof(struct thread) + 3 * sizeof(uint32_t)) + 64;
}

static int set_up(struct dlp_scan *s, const struct dlp_regex *x,
		  struct search *r)
{
	size_t n = x->program.insts.n;
	struct thread *t;

	if (!s->work)
		s->work = malloc(work_size(s->e->regex_work));
	if (!s->work)
		return -ENOMEM;
	t = s->work;
	*r = (struct search){ .insts = x->program.insts.data,
			      .ranges = x->program.ranges.data,
			      .now.threads = t,
			      .next.threads = t + n,
			      .generation = 1 };
	r->stack = (uint32_t *)(void *)(t + 2 * n); /* each can come twice */
	r->seen = r->stack + 2 * n;
	memset(r->seen, 0, n * sizeof(*r->seen));
	return 0;
}

static bool is_word(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_';
}

static bool holds(const struct search *r, unsigned int assertion)
{
	switch ((enum nfa_assertion)assertion) {
	case NFA_TEXT_BEGIN:
		return r->text_begin;
	case NFA_TEXT_END:
		return r->text_end;
	case NFA_LINE_BEGIN:
		return r->text_begin || r->before == '\n';
	case NFA_LINE_END:
		return r->text_end || r->after == '\n';
	case NFA_WORD_EDGE:
		return is_word(r->before) != is_word(r->after);
	case NFA_NOT_WORD_EDGE:
		return is_word(r->before) == is_word(r->after);
	case NFA_ASSERTION_MAX:
		break;
	}
	return false;
}

static void add_match(struct search *r, size_t start, size_t at)
{
	if (at == start || (r->found && start > r->start))
		return;
	r->found = true;
	r->start = start;
	r->end = at;
}

/* What a thread at pc can reach without a byte joins the next list. */
static void close_over(struct search *r, uint32_t pc, size_t start, size_t at)
{
	size_t depth = 0;

	r->stack[depth++] = pc;
	while (depth) {
		const struct nfa_inst *in;

		pc = r->stack[--depth];
		if (r->seen[pc] == r->generation)
			continue;
		r->seen[pc] = r->generation;
		in = &r->insts[pc];
		if (in->op == NFA_SPLIT)
			r->stack[depth++] = in->y;
		if (in->op == NFA_SPLIT || in->op == NFA_JUMP)
			r->stack[depth++] = in->x;
		else if (in->op == NFA_ASSERT && holds(r, in->arg))
			r->stack[depth++] = pc + 1;
		else if (in->op == NFA_MATCH)
			add_match(r, start, at);
		else if (in->op != NFA_ASSERT && in->op != NFA_FAIL)
			r->next.threads[r->next.n++] =
				(struct thread){ pc, start };
	}
}

static bool accepts(const struct search *r, const struct nfa_inst *in,
		    uint32_t c)
{
	bool in_class = false;

	switch ((enum nfa_opcode)in->op) {
	case NFA_CHAR:
		return c == in->x;
	case NFA_ANY:
		return true;
	case NFA_ANY_BUT:
		return c != in->x;
	case NFA_CLASS:
		for (uint32_t i = 0; i < in->y && !in_class; i++)
			in_class = c >= r->ranges[in->x + i].lo &&
				   c <= r->ranges[in->x + i].hi;
		return in_class != (in->arg == 1);
	case NFA_FAIL:
	case NFA_MATCH:
	case NFA_SPLIT:
	case NFA_JUMP:
	case NFA_ASSERT:
	case NFA_OP_MAX:
		break;
	}
	return false;
}

/* The character at i. Return: its length; 0 when it is not all there. */
static size_t char_at(const struct dlp_view *v, size_t i, uint32_t *ret)
{
	unsigned char c = v->p[i];
	size_t want = c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if (!v->end && v->n - i < want)
		return 0;
	return utf8_next(str_from_n((const char *)v->p + i, v->n - i), ret);
}

static void swap(struct search *r)
{
	struct list was = r->now;

	r->now = r->next;
	r->next = was;
	r->next.n = 0;
}

/* Threads go over the character c, which begins at `at`. */
static void step(struct search *r, uint32_t c, size_t at, size_t n)
{
	r->generation++;
	r->next.n = 0;
	for (size_t i = 0; i < r->now.n; i++) {
		const struct thread *t = &r->now.threads[i];

		if ((r->found && t->start > r->start) ||
		    at - t->start >= MATCH_MAX ||
		    !accepts(r, &r->insts[t->pc], c))
			continue;
		close_over(r, t->pc + 1, t->start, at + n);
	}
}

/* What stands around `at`; false when that is not known yet. */
static bool look_around(struct search *r, const struct dlp_view *v, size_t at,
			size_t *ret_n)
{
	r->before = at ? v->p[at - 1] : 0;
	r->text_begin = at == 0 && v->begin;
	r->text_end = at == v->n && v->end;
	r->after = 0;
	*ret_n = 0;
	if (at == v->n)
		return v->end;
	*ret_n = char_at(v, at, &r->after);
	return *ret_n != 0;
}

enum dlp_answer dlp_regex_find(struct dlp_scan *s, const struct dlp_regex *x,
			       const struct dlp_view *v, size_t start,
			       struct dlp_match *ret, size_t *ret_done)
{
	struct search r;
	size_t at = start, n = 0;

	s->error = set_up(s, x, &r);
	if (s->error < 0)
		return DLP_MISS;
	ret->start = ret->idle = start;
	if (!look_around(&r, v, at, &n))
		return DLP_MORE;
	close_over(&r, 0, at, at);
	for (swap(&r); r.now.n && n; swap(&r)) {
		uint32_t c = r.after;
		size_t here = at;

		at += n;
		if (at - start >= SEARCH_MAX)
			break;
		if (!look_around(&r, v, at, &n))
			return DLP_MORE;
		step(&r, c, here, at - here);
		if (!r.found && r.next.n && n)
			close_over(&r, 0, at, at);
	}
	*ret_done = at - start >= SEARCH_MAX ? start + MATCH_MAX : at;
	if (!r.found)
		return DLP_MISS;
	ret->start = r.start;
	ret->end = r.end;
	*ret_done = r.end;
	ret->type = x->type;
	ret->open = true;
	return DLP_HIT;
}

/* --- what matches begin with ------------------------------------------- */

static void add_char(uint32_t c, uint64_t set[4])
{
	if (c < 0x80)
		set[c / 64] |= 1ULL << (c % 64);
	else
		set[2] = set[3] = UINT64_MAX;
}

/* Bytes that a character of an instruction can begin with. */
static void add_inst(const struct nfa_build *b, const struct nfa_inst *in,
		     uint64_t set[4])
{
	struct search r = { .ranges = b->ranges.data };

	for (uint32_t c = 0; c < 0x80; c++)
		if (accepts(&r, in, c))
			add_char(c, set);
	if (in->op != NFA_CHAR || in->x >= 0x80)
		add_char(0x80, set);
}

struct reach {
	bool at[NFA_MAX_INSTS]; /* instructions that can be next */
	bool match;
};

/* Assertions are taken to hold: the sets are what can be, at most. */
static void reach_from(const struct nfa_build *b, uint32_t pc, struct reach *to)
{
	uint32_t stack[64] = { pc };
	size_t depth = 1;

	while (depth) {
		const struct nfa_inst *in;

		pc = stack[--depth];
		if (to->at[pc])
			continue;
		to->at[pc] = true;
		in = &b->insts.data[pc];
		if (depth + 2 > ARRAY_LEN(stack)) {
			to->match = true; /* give up: anything can be next */
			return;
		}
		if (in->op == NFA_SPLIT)
			stack[depth++] = in->y;
		if (in->op == NFA_SPLIT || in->op == NFA_JUMP)
			stack[depth++] = in->x;
		else if (in->op == NFA_ASSERT)
			stack[depth++] = pc + 1;
		else if (in->op == NFA_MATCH)
			to->match = true;
	}
}

void dlp_regex_frag(const struct dlp_regex *x, struct dlp_frag *ret)
{
	const struct nfa_build *b = &x->program;
	struct reach from = { .match = false }, to;
	unsigned int k = 0;

	memset(ret, 0, sizeof(*ret));
	reach_from(b, 0, &from);
	for (; k < 4 && !from.match; k++) {
		memset(&to, 0, sizeof(to));
		for (uint32_t pc = 0; pc < b->insts.n; pc++) {
			const struct nfa_inst *in = &b->insts.data[pc];

			if (!from.at[pc] || in->op == NFA_SPLIT ||
			    in->op == NFA_JUMP || in->op == NFA_ASSERT ||
			    in->op == NFA_FAIL)
				continue;
			add_inst(b, in, ret->set[k]);
			reach_from(b, pc + 1, &to);
		}
		from = to;
		/* What follows a character of several bytes is not known. */
		if (ret->set[k][2])
			from.match = true;
	}
	for (; k < DLP_PLACES; k++)
		memset(ret->set[k], 0xff, sizeof(ret->set[k]));
}
