/* SPDX-License-Identifier: MIT */
/*
 * nfa.c - build, check and run nondeterministic automata
 *
 * Between two code points the machine holds the set of instructions that wait
 * there ("landed"). At each position this set is closed over jumps, splits and
 * assertions, which need to know the code points on both sides; then every
 * consuming instruction that accepts the next code point lands its successor
 * in the next set. A set is a bitmap, so each instruction is visited once per
 * position at most.
 */
#include "base/nfa.h"

#include <string.h>

#include "base/utf8.h"

#define NO_CHAR     UINT32_MAX
#define SMALL_INSTS 128U

struct work {
	uint64_t *landed, *closed;
	uint16_t *stack;
	size_t n_words;
};

struct cursor {
	const struct str *parts;
	size_t n_parts, part, offset;
};

/* Takes the next code point, or returns false at the end of the text. */
static bool cursor_next(struct cursor *c, uint32_t *ret)
{
	if (c->part >= c->n_parts)
		return false;
	if (c->offset == c->parts[c->part].n) {
		if (c->part + 1 >= c->n_parts)
			return false;
		c->part++;
		c->offset = 0;
		*ret = ' ';
		return true;
	}
	c->offset += utf8_next(str_skip(c->parts[c->part], c->offset), ret);
	return true;
}

static bool in_class(const struct nfa *prog, const struct nfa_inst *in,
		     uint32_t c)
{
	const struct nfa_range *r = prog->ranges + in->x;
	size_t lo = 0, hi = in->y;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (c < r[mid].lo)
			hi = mid;
		else if (c > r[mid].hi)
			lo = mid + 1;
		else
			return in->arg == 0;
	}
	return in->arg != 0;
}

static bool accepts(const struct nfa *prog, const struct nfa_inst *in,
		    uint32_t c)
{
	switch ((enum nfa_opcode)in->op) {
	case NFA_CHAR:
		return c == in->x;
	case NFA_ANY:
		return true;
	case NFA_ANY_BUT:
		return c != in->x;
	case NFA_CLASS:
		return in_class(prog, in, c);
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

static bool is_word(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || c == '_';
}

static bool holds(unsigned int assertion, uint32_t before, uint32_t after)
{
	switch ((enum nfa_assertion)assertion) {
	case NFA_TEXT_BEGIN:
		return before == NO_CHAR;
	case NFA_TEXT_END:
		return after == NO_CHAR;
	case NFA_LINE_BEGIN:
		return before == NO_CHAR || before == '\n';
	case NFA_LINE_END:
		return after == NO_CHAR || after == '\n';
	case NFA_WORD_EDGE:
		return is_word(before) != is_word(after);
	case NFA_NOT_WORD_EDGE:
		return is_word(before) == is_word(after);
	case NFA_ASSERTION_MAX:
		break;
	}
	return false;
}

static void push(struct work *w, size_t *depth, uint32_t pc)
{
	uint64_t bit = 1ULL << (pc % 64);

	if (w->closed[pc / 64] & bit)
		return;
	w->closed[pc / 64] |= bit;
	w->stack[(*depth)++] = (uint16_t)pc;
}

/* Adds pc and all it leads to without consuming. True if that is a match. */
static bool close_over(const struct nfa *prog, struct work *w, uint32_t pc,
		       uint32_t before, uint32_t after)
{
	size_t depth = 0;
	bool match = false;

	push(w, &depth, pc);
	while (depth > 0) {
		const struct nfa_inst *in;

		pc = w->stack[--depth];
		in = &prog->insts[pc];
		if (in->op == NFA_MATCH)
			match = true;
		if (in->op == NFA_JUMP || in->op == NFA_SPLIT)
			push(w, &depth, in->x);
		if (in->op == NFA_SPLIT)
			push(w, &depth, in->y);
		if (in->op == NFA_ASSERT && holds(in->arg, before, after))
			push(w, &depth, pc + 1);
	}
	return match;
}

/* Closes the landed set. True if a match is in it. */
static bool close_all(const struct nfa *prog, struct work *w, uint32_t before,
		      uint32_t after)
{
	bool match = false;

	memset(w->closed, 0, w->n_words * sizeof(*w->closed));
	for (size_t i = 0; i < w->n_words; i++) {
		for (uint64_t bits = w->landed[i]; bits; bits &= bits - 1) {
			uint32_t pc = (uint32_t)(i * 64) +
				      (uint32_t)__builtin_ctzll(bits);

			match |= close_over(prog, w, pc, before, after);
		}
	}
	return match;
}

/* Consumes c. False if no thread survives. */
static bool step(const struct nfa *prog, struct work *w, uint32_t c)
{
	bool any = false;

	memset(w->landed, 0, w->n_words * sizeof(*w->landed));
	for (size_t i = 0; i < w->n_words; i++) {
		for (uint64_t bits = w->closed[i]; bits; bits &= bits - 1) {
			uint32_t pc = (uint32_t)(i * 64) +
				      (uint32_t)__builtin_ctzll(bits);

			if (!accepts(prog, &prog->insts[pc], c))
				continue;
			w->landed[(pc + 1) / 64] |= 1ULL << ((pc + 1) % 64);
			any = true;
		}
	}
	return any;
}

static bool run(const struct nfa *prog, unsigned int flags, struct cursor *in,
		struct work *w)
{
	uint32_t before = NO_CHAR, after = NO_CHAR;
	bool whole = flags & NFA_WHOLE, alive;

	w->landed[0] = 1;
	for (;;) {
		bool more = cursor_next(in, &after);
		bool match = close_all(prog, w, before, more ? after : NO_CHAR);

		if (match && (!whole || !more))
			return true;
		if (!more)
			return false;
		alive = step(prog, w, after);
		if (!whole)
			w->landed[0] |= 1;
		else if (!alive)
			return false;
		before = after;
	}
}

static bool run_small(const struct nfa *prog, unsigned int flags,
		      struct cursor *in)
{
	uint64_t landed[SMALL_INSTS / 64] = { 0 };
	uint64_t closed[SMALL_INSTS / 64] = { 0 };
	uint16_t stack[SMALL_INSTS];
	struct work w = { landed, closed, stack, (prog->n_insts + 63) / 64 };

	return run(prog, flags, in, &w);
}

static bool run_large(const struct nfa *prog, unsigned int flags,
		      struct cursor *in)
{
	uint64_t landed[NFA_MAX_INSTS / 64] = { 0 };
	uint64_t closed[NFA_MAX_INSTS / 64] = { 0 };
	uint16_t stack[NFA_MAX_INSTS];
	struct work w = { landed, closed, stack, (prog->n_insts + 63) / 64 };

	return run(prog, flags, in, &w);
}

bool nfa_run(const struct nfa *prog, unsigned int flags,
	     const struct str *parts, size_t n_parts)
{
	struct cursor in = { .parts = parts, .n_parts = n_parts };

	if (prog->n_insts == 0 || prog->n_insts > NFA_MAX_INSTS)
		return false;
	return prog->n_insts <= SMALL_INSTS ? run_small(prog, flags, &in)
					    : run_large(prog, flags, &in);
}

static bool valid_class(const struct nfa *prog, const struct nfa_inst *in)
{
	return in->arg <= 1 && in->x <= prog->n_ranges &&
	       in->y <= prog->n_ranges - in->x;
}

/* Whether an instruction's operands are in range; last: nothing follows it. */
static bool valid_inst(const struct nfa *prog, const struct nfa_inst *in,
		       bool last)
{
	bool jumps = in->op == NFA_SPLIT || in->op == NFA_JUMP;
	bool ends = jumps || in->op == NFA_FAIL || in->op == NFA_MATCH;

	if (in->op >= NFA_OP_MAX || (!ends && last))
		return false;
	if (in->op == NFA_ASSERT && in->arg >= NFA_ASSERTION_MAX)
		return false;
	if (in->op == NFA_CLASS && !valid_class(prog, in))
		return false;
	if (jumps && in->x >= prog->n_insts)
		return false;
	return in->op != NFA_SPLIT || in->y < prog->n_insts;
}

bool nfa_valid(const struct nfa *prog)
{
	uint32_t n = prog->n_insts;

	if (n == 0 || n > NFA_MAX_INSTS || prog->n_ranges > NFA_MAX_RANGES)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!valid_inst(prog, &prog->insts[i], i + 1 == n))
			return false;
	return true;
}

void nfa_build_done(struct nfa_build *b)
{
	vec_done(&b->insts);
	vec_done(&b->ranges);
}

struct nfa nfa_view(const struct nfa_build *b)
{
	return (struct nfa){ .insts = b->insts.data,
			     .n_insts = (uint32_t)b->insts.n,
			     .ranges = b->ranges.data,
			     .n_ranges = (uint32_t)b->ranges.n };
}

int nfa_emit(struct nfa_build *b, enum nfa_opcode op, unsigned int arg,
	     uint32_t x, uint32_t y)
{
	struct nfa_inst in = { (uint16_t)op, (uint16_t)arg, x, y };

	if (b->insts.n >= NFA_MAX_INSTS)
		return -E2BIG;
	return vec_push(&b->insts, in);
}

int nfa_add_range(struct nfa_build *b, uint32_t lo, uint32_t hi)
{
	struct nfa_range r = { lo, hi };

	if (b->ranges.n >= NFA_MAX_RANGES)
		return -E2BIG;
	return vec_push(&b->ranges, r);
}

static int range_order(const void *a, const void *b)
{
	const struct nfa_range *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

void nfa_merge_ranges(struct nfa_build *b, size_t first)
{
	struct nfa_range *r = b->ranges.data + first;
	size_t n = b->ranges.n - first, out = 0;

	if (n == 0)
		return;
	qsort(r, n, sizeof(*r), range_order);
	for (size_t i = 1; i < n; i++) {
		if (r[i].lo <= r[out].hi || r[i].lo == r[out].hi + 1)
			r[out].hi = r[i].hi > r[out].hi ? r[i].hi : r[out].hi;
		else
			r[++out] = r[i];
	}
	b->ranges.n = first + out + 1;
}

int nfa_invert_ranges(struct nfa_build *b, size_t first)
{
	uint32_t next = 0;
	size_t n, out = first;

	nfa_merge_ranges(b, first);
	n = b->ranges.n;
	for (size_t i = first; i < n; i++) {
		struct nfa_range r = b->ranges.data[i];

		if (r.lo > next) {
			b->ranges.data[out].lo = next;
			b->ranges.data[out++].hi = r.lo - 1;
		}
		next = r.hi + 1;
	}
	b->ranges.n = out;
	if (next <= UTF8_MAX)
		return nfa_add_range(b, next, UTF8_MAX);
	return 0;
}

int nfa_insert(struct nfa_build *b, size_t at, enum nfa_opcode op, uint32_t x,
	       uint32_t y)
{
	struct nfa_inst *in;
	int r;

	r = nfa_emit(b, op, 0, x, y);
	if (r < 0)
		return r;
	in = b->insts.data;
	memmove(in + at + 1, in + at, (b->insts.n - 1 - at) * sizeof(*in));
	for (size_t i = at + 1; i < b->insts.n; i++) {
		if (in[i].op != NFA_SPLIT && in[i].op != NFA_JUMP)
			continue;
		in[i].x += in[i].x >= at;
		in[i].y += in[i].y >= at;
	}
	in[at] = (struct nfa_inst){ (uint16_t)op, 0, x, y };
	return 0;
}

int nfa_copy(struct nfa_build *b, size_t from, size_t to)
{
	uint32_t shift = (uint32_t)(b->insts.n - from);

	for (size_t i = from; i < to; i++) {
		struct nfa_inst in = b->insts.data[i];
		bool moves = in.op == NFA_SPLIT || in.op == NFA_JUMP;
		int r;

		if (moves) {
			in.x += shift;
			in.y += shift;
		}
		r = nfa_emit(b, (enum nfa_opcode)in.op, in.arg, in.x, in.y);
		if (r < 0)
			return r;
	}
	return 0;
}
