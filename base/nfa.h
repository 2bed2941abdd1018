/* SPDX-License-Identifier: MIT */
/*
 * nfa.h - one small machine behind globs and regular expressions
 *
 * A program is an array of instructions and an array of code point ranges,
 * both free of pointers: it can be stored in a file or shared memory and run
 * where it lies. Running simulates all threads at once (Thompson), so time is
 * at most linear in text length times program size, whatever the pattern; it
 * allocates nothing. Captures do not exist, which also makes lazy and greedy
 * repetition the same thing.
 */
#ifndef BASE_NFA_H
#define BASE_NFA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/vec.h"

#define NFA_MAX_INSTS  4096U
#define NFA_MAX_RANGES 16384U

enum nfa_opcode {
	NFA_FAIL = 0, /* the thread dies */
	NFA_MATCH,
	NFA_CHAR,    /* code point x */
	NFA_ANY,     /* any code point */
	NFA_ANY_BUT, /* any code point except x */
	NFA_CLASS,   /* in ranges [x, x + y); outside them if arg is 1 */
	NFA_SPLIT,   /* go to x and to y */
	NFA_JUMP,    /* go to x */
	NFA_ASSERT,  /* enum nfa_assertion in arg, consumes nothing */
	NFA_OP_MAX,
};

enum nfa_assertion {
	NFA_TEXT_BEGIN = 0,
	NFA_TEXT_END,
	NFA_LINE_BEGIN,
	NFA_LINE_END,
	NFA_WORD_EDGE,
	NFA_NOT_WORD_EDGE,
	NFA_ASSERTION_MAX,
};

/* Every instruction but jumps, FAIL and MATCH continues at the next one. */
struct nfa_inst {
	uint16_t op, arg;
	uint32_t x, y;
};

struct nfa_range {
	uint32_t lo, hi; /* inclusive */
};

/* A program in place; all borrowed. */
struct nfa {
	const struct nfa_inst *insts;
	const struct nfa_range *ranges;
	uint32_t n_insts, n_ranges;
};

enum nfa_flags {
	NFA_WHOLE = 1 << 0, /* the whole text must match, not some part */
};

/*
 * Runs a valid program over parts joined by single spaces (one part: just that
 * text; none: the empty text). Thread-safe, no allocation.
 */
bool nfa_run(const struct nfa *prog, unsigned int flags,
	     const struct str *parts, size_t n_parts);
/* True if every target and range of an untrusted program is inside it. */
bool nfa_valid(const struct nfa *prog);

/* A program under construction; owned vectors. */
struct nfa_build {
	VEC(struct nfa_inst) insts;
	VEC(struct nfa_range) ranges;
};

#define NFA_BUILD_INIT ((struct nfa_build){ VEC_INIT, VEC_INIT })

void nfa_build_done(struct nfa_build *b);
#define _cleanup_nfa_build_ _cleanup_(nfa_build_done)

struct nfa nfa_view(const struct nfa_build *b);
/* Return: 0, -E2BIG when the program would get too long, -ENOMEM. */
int nfa_emit(struct nfa_build *b, enum nfa_opcode op, unsigned int arg,
	     uint32_t x, uint32_t y);
int nfa_add_range(struct nfa_build *b, uint32_t lo, uint32_t hi);
/*
 * Sorts and merges the ranges from `first` on, the class being built.
 * Afterwards they are the last ones of the program.
 */
void nfa_merge_ranges(struct nfa_build *b, size_t first);
/* Replaces the ranges from `first` on by what they leave out. */
int nfa_invert_ranges(struct nfa_build *b, size_t first);
/* Opens a gap of one instruction at `at` and moves the targets behind it. */
int nfa_insert(struct nfa_build *b, size_t at, enum nfa_opcode op, uint32_t x,
	       uint32_t y);
/* Appends a copy of instructions [from, to) with its inner targets moved. */
int nfa_copy(struct nfa_build *b, size_t from, size_t to);

#endif
