/* SPDX-License-Identifier: MIT */
/*
 * reach.h - how far back an undo has to read (private to trash/)
 *
 * An undo needs the records of what it reverses and of all that came later.
 * Both are found from the summaries of the groups, so that a small undo in a
 * store of a million records reads its own.
 */
#ifndef TRASH_REACH_H
#define TRASH_REACH_H

#include "trash/chain.h"
#include "trash/index.h"
#include "trash/undo.h"

/* Loads all records from the oldest that the selection can reach on. redo: as
 * of plan_make(). 0 or -errno; an empty selection loads nothing. */
int reach_load(struct trash *t, const struct undo_select *sel,
	       const struct chain *chain, bool redo, struct index *ret);

#endif
