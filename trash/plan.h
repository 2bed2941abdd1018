/* SPDX-License-Identifier: MIT */
/*
 * plan.h - which records an undo reverses, and what happened after them
 * (private to trash/)
 */
#ifndef TRASH_PLAN_H
#define TRASH_PLAN_H

#include "trash/chain.h"
#include "trash/index.h"
#include "trash/undo.h"

/* What records outside the selection did to a path. */
struct plan_later {
	uint64_t hash;     /* of the path; 0 = empty */
	uint64_t seq;      /* newest change that stands; 0 = none */
	int64_t undone_ns; /* latest end of a group that cancelled changes */
};

/* A rename outside the selection that stands. */
struct plan_rename {
	uint64_t seq;
	char *from, *to; /* owned; below the root */
};

/* What an undo brought back as another inode. */
struct plan_remade {
	struct record_stat was, is;
};

/* Whether an undo and what it cancelled are left alone together. */
struct plan_within {
	uint64_t group;
	bool within;
};

struct plan {
	struct trash *t;
	const struct undo_select *sel;
	struct index ix;
	struct chain chain;
	VEC(size_t) items;        /* positions to reverse, oldest first */
	VEC(uint64_t) groups;     /* sequence numbers of the groups selected */
	VEC(uint64_t) marked;     /* groups of which it is to be said: undone */
	struct plan_later *later; /* owned table */
	size_t later_size;
	/* Undos that were cut off, and what they undid: to be said as well. */
	VEC(struct chain_link) halves;
	VEC(uint64_t) left; /* hashes of directories, sorted; plan_leaves() */
	VEC(struct plan_within) within; /* answers about undos */
	VEC(struct plan_rename) renames;
	VEC(struct plan_remade) remade;
};

/* redo: without a choice, the newest standing undo instead of the newest
 * command. -ENOENT: nothing selected. */
int plan_make(struct trash *t, const struct undo_select *sel, bool redo,
	      struct plan *ret);
void plan_done(struct plan *p);

/* Where a path of a record is now, after renames by others. */
int plan_translate(const struct plan *p, uint64_t seq, struct str path,
		   struct buf *out);
const struct plan_later *plan_later(const struct plan *p, struct str path);
/* What happened to names in a directory. */
const struct plan_later *plan_later_in(const struct plan *p, struct str dir);
/* Records of the commands selected, of names in this directory, are not among
 * the paths selected, and stand. */
bool plan_leaves(const struct plan *p, struct str dir);
/* The same by inode: a file may have been changed under another name. */
const struct plan_later *plan_later_inode(const struct plan *p,
					  const struct record_stat *st);
/* `now` is what earlier undos made of `then`. */
bool plan_was_remade(const struct plan *p, const struct record_stat *then,
		     const struct record_stat *now);
/* An undo whose process was killed: what it changed last has no end on record. */
bool plan_cut_off(const struct plan *p, uint32_t writer,
		  const struct index_group *g);
/* What is reversed is an undo: it is done again. */
bool plan_is_redo(const struct plan *p);
const struct index_group *plan_group(const struct plan *p,
				     const struct index_item *item,
				     const struct record_op *op);

#endif
