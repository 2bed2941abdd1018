/* SPDX-License-Identifier: MIT */
/*
 * plan_step.h - steps of making a plan (private to trash/plan*.c)
 */
#ifndef TRASH_PLAN_STEP_H
#define TRASH_PLAN_STEP_H

#include "trash/plan.h"

/* --- plan.c --- */
/* The newest undo that cancelled this record; 0 = none did. */
uint64_t plan_canceller(const struct plan *p, const struct index_item *item);

/* --- plan_later.c --- */
/* Of a path; never 0, which is an empty place in a table. */
uint64_t plan_hash(struct str s);
/* Fill plan_later() and its like, and plan_was_remade(). 0 or -ENOMEM. */
int plan_note_later(struct plan *p);
int plan_note_remade(struct plan *p);

#endif
