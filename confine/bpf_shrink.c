/* SPDX-License-Identifier: MIT */
/*
 * bpf_shrink.c - the same answers from fewer instructions
 *
 * The kernel emulates a filter for every system call number, converts and
 * compiles it, for each process that installs one: about half a microsecond
 * per instruction. A program written block by block has an answer at the end
 * of each block; here jumps share answers as far as they reach, and what no
 * way leads to any more is left out.
 *
 *	jeq 5 ? +0 : +1		jeq 5 ? +2 : +0
 *	ret A			jeq 6 ? +1 : +0
 *	jeq 6 ? +0 : +1		ret B
 *	ret A			ret A
 *	ret B
 *	...
 *	ret A
 *
 * All jumps go forward, and stay that way: an answer is shared with a later
 * copy of itself only.
 */
#include <stdbool.h>
#include <string.h>

#include "confine/bpf.h"

#define MAX_ANSWERS 16 /* different ones that are shared */

struct shared {
	uint32_t action;
	size_t at;
};

struct shrink {
	struct bpf *b;
	struct shared answers[MAX_ANSWERS];
	size_t n_answers;
};

static bool is_ret(const struct sock_filter *i)
{
	return i->code == (BPF_RET | BPF_K);
}

static bool is_goto(const struct sock_filter *i)
{
	return i->code == (BPF_JMP | BPF_JA);
}

static bool is_test(const struct sock_filter *i)
{
	return BPF_CLASS(i->code) == BPF_JMP && !is_goto(i);
}

static struct shared *answer_of(struct shrink *s, uint32_t action)
{
	for (size_t i = 0; i < s->n_answers; i++)
		if (s->answers[i].action == action)
			return &s->answers[i];
	if (s->n_answers == MAX_ANSWERS)
		return NULL;
	s->answers[s->n_answers] = (struct shared){ action, SIZE_MAX };
	return &s->answers[s->n_answers++];
}

/* Where a jump of the test at i may as well go. */
static uint8_t redirect(struct shrink *s, size_t i, uint8_t offset)
{
	const struct sock_filter *v = s->b->insns;
	size_t to = i + 1 + offset;
	struct shared *a;

	while (is_goto(&v[to]) && v[to].k < s->b->n &&
	       to + v[to].k - i <= UINT8_MAX)
		to += 1 + v[to].k;
	if (!is_ret(&v[to]))
		return (uint8_t)(to - i - 1);
	a = answer_of(s, v[to].k);
	if (!a)
		return (uint8_t)(to - i - 1);
	if (a->at == SIZE_MAX || a->at - i - 1 > UINT8_MAX)
		a->at = to;
	return (uint8_t)(a->at - i - 1);
}

/* From the end, so that an answer is shared by all that reach it. */
static void share(struct shrink *s)
{
	for (size_t i = s->b->n; i-- > 0;) {
		struct sock_filter *f = &s->b->insns[i];

		if (is_test(f)) {
			f->jt = redirect(s, i, f->jt);
			f->jf = redirect(s, i, f->jf);
		} else if (is_ret(f) && i > 0 && !is_test(f - 1) &&
			   !is_ret(f - 1) && !is_goto(f - 1)) {
			/* needed where it is: free for whoever reaches it */
			struct shared *a = answer_of(s, f->k);

			if (a)
				a->at = i;
		}
	}
}

/* reached[i]: some way leads there. */
static void follow(const struct bpf *b, bool *reached)
{
	reached[0] = true;
	for (size_t i = 0; i < b->n; i++) {
		const struct sock_filter *f = &b->insns[i];

		if (!reached[i] || is_ret(f))
			continue;
		if (is_goto(f)) {
			reached[i + 1 + f->k] = true;
		} else if (is_test(f)) {
			reached[i + 1 + f->jt] = true;
			reached[i + 1 + f->jf] = true;
		} else {
			reached[i + 1] = true;
		}
	}
}

static void compact(struct bpf *b, const bool *reached)
{
	uint16_t to[BPF_MAXINSNS + 1];
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		to[i] = (uint16_t)n;
		n += reached[i];
	}
	for (size_t i = 0; i < b->n; i++) {
		struct sock_filter f = b->insns[i];
		size_t next = (size_t)to[i] + 1;

		if (!reached[i])
			continue;
		if (is_goto(&f)) {
			f.k = (uint32_t)(to[i + 1 + f.k] - next);
		} else if (is_test(&f)) {
			f.jt = (uint8_t)(to[i + 1 + f.jt] - next);
			f.jf = (uint8_t)(to[i + 1 + f.jf] - next);
		}
		b->insns[to[i]] = f;
	}
	b->n = n;
}

void bpf_shrink(struct bpf *b)
{
	struct shrink s = { .b = b };
	bool reached[BPF_MAXINSNS + 1];

	if (b->error || b->n == 0)
		return;
	share(&s);
	memset(reached, 0, b->n + 1);
	follow(b, reached);
	compact(b, reached);
}
