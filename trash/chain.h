/* SPDX-License-Identifier: MIT */
/*
 * chain.h - which group undid which (private to trash/)
 *
 * Undo of A makes a group U; redo undoes U by a group R, and then what is in
 * force of A is what R did again. The file store/undone holds pairs of group
 * sequence numbers, appended.
 */
#ifndef TRASH_CHAIN_H
#define TRASH_CHAIN_H

#include "base/vec.h"
#include "trash/store.h"

struct chain_link {
	uint64_t seq, by;
};

struct chain {
	VEC(struct chain_link) links;
};

int chain_load(struct trash *t, struct chain *ret);
void chain_release(struct chain *c);
/* The group that undid `seq` last; 0 = none. */
uint64_t chain_undoer(const struct chain *c, uint64_t seq);
/* True when seq was undone and that undo still stands. */
bool chain_is_undone(const struct chain *c, uint64_t seq);
/* The group to reverse in order to undo `seq` now: itself, or the newest redo
 * of it; 0 = it is undone. */
uint64_t chain_effective(const struct chain *c, uint64_t seq);
/* What `by` undid; 0 = nothing. */
uint64_t chain_undid(const struct chain *c, uint64_t by);
/* seq did again what an undo had undone. */
bool chain_is_redo(const struct chain *c, uint64_t seq);
/*
 * The other undos that stand of what `by` undid. One that was killed and those
 * that went on with it are links of the same group, and are redone together;
 * which those are the caller knows. i: where to go on, 0 at first. Return: its
 * seq, or 0.
 */
uint64_t chain_next_part(const struct chain *c, uint64_t by, size_t *i);
bool chain_has(const struct chain *c, uint64_t seq, uint64_t by);
int chain_add(struct trash *t, uint64_t seq, uint64_t by);

#endif
