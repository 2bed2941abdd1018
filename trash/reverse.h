/* SPDX-License-Identifier: MIT */
/*
 * reverse.h - reversing one record of an undo (private to trash/)
 */
#ifndef TRASH_REVERSE_H
#define TRASH_REVERSE_H

#include "trash/dirtimes.h"
#include "trash/place.h"
#include "trash/plan.h"
#include "trash/undo.h"

struct sim {        /* dry run: one name */
	char *path; /* owned */
	bool present;
	struct record_stat st;
};

struct undoing {
	struct trash *t;
	const struct undo_select *sel;
	undo_step_fn *fn;
	void *arg;
	struct undo_result *ret;
	struct plan plan;
	struct place place;
	uint32_t group;
	uint64_t group_seq;
	struct links touched;
	struct links never;  /* made and removed by the command: not kept */
	struct links remade; /* back as new inodes: records know the old */
	struct links stuck;  /* whose rename was not reversed */
	VEC(struct sim) sims;
	struct dirtimes times;
	uint64_t nr; /* steps reported */
	/* the step at hand */
	struct index_item *item;
	struct record_op op;
	struct buf path, path2;
	const char *why;
	bool noted; /* that it is reversed is on record */
};

/* Outcomes of a reversal besides negative errno. */
enum reverse_outcome {
	REVERSE_DONE = 0,
	REVERSE_CONFLICT,
	REVERSE_LOST,
	REVERSE_SKIPPED
};

/*
 * Reverses u->op, whose name was `recorded` then and is u->path now. Return:
 * one of the outcomes above, with u->why; or -errno.
 */
int reverse_record(struct undoing *u, struct str recorded);
/* Says on record that u->item is reversed; once. */
void reverse_note(struct undoing *u);
/*
 * For a record that an undo which was killed has reversed: nothing is left to
 * do but what comes at the end, the times of directories. 0 or -errno.
 */
int reverse_again(struct undoing *u, struct str recorded);
/* This run has changed the object: its ctime says nothing any more. */
void reverse_touch(struct undoing *u, const struct record_stat *st);

#endif
