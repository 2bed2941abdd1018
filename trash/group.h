/* SPDX-License-Identifier: MIT */
/*
 * group.h - totals and roots of what one command did (private to trash/)
 *
 * Roots are the lines of `trash list`, kept small while the command runs: a
 * removed directory swallows what was removed below it, and when there are
 * more than TRASH_MAX_ROOTS the deepest neighbours are bundled under their
 * common directory. So `rm -rf` of a million files is one root at its end,
 * and a listing never reads its records.
 */
#ifndef TRASH_GROUP_H
#define TRASH_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "trash/list.h"
#include "trash/record.h"

struct group_root {
	char *path; /* owned; below the workspace root */
	size_t len;
	uint64_t seq; /* of the record that made it */
	uint64_t n, size, bytes;
	int64_t when_ns;
	bool is_tree, is_version, is_bundle;
};

struct group {
	uint32_t id;
	uint32_t flags; /* enum record_group_flags */
	uint64_t seq;
	uint64_t off;      /* of its record in the journal */
	uint64_t last_seq; /* of its newest operation; UINT64_MAX: not known */
	int64_t start_ns, end_ns;
	bool ended, undone, dirty;
	bool recount; /* of a reader: its figures are no longer true */
	char *session, *command, *detail; /* owned */
	struct trash_group_stat stat;     /* token not filled */
	struct group_root *roots; /* owned; one more than the maximum while
				   * bundling */
	size_t n_roots, max_roots;
};

int group_new(const struct record_group *r, struct group **ret);
struct group *group_free(struct group *g);
DEFINE_CLEANUP(group_free, struct group *)

/* Counts an operation in. dir: path of the directory of the name that is kept
 * (op->dir; of a rename op->dir2). 0 or -ENOMEM. */
int group_apply(struct group *g, const struct record_op *op, struct str dir);
/* The same for who counts again: times and state stay. */
int group_count(struct group *g, const struct record_op *op, struct str dir);
/* Nothing counted yet. */
void group_reset(struct group *g);
/* Takes one back that did not happen (totals only). */
void group_unapply(struct group *g, const struct record_op *op, struct str dir);

/* SUMMARY records of the groups file. */
void group_put(struct buf *b, const struct group *g);
int group_get(struct str payload, struct group **ret);

/* op holds content or attributes that can be brought back by itself. */
static inline bool op_is_kept(const struct record_op *op)
{
	return op->how != TRASH_HOW_NOTHING && op->how != TRASH_HOW_DROPPED &&
	       op->verb != TRASH_VERB_META && op->verb != TRASH_VERB_APPEND;
}
/* op has a file in the store. */
static inline bool op_has_payload(const struct record_op *op)
{
	return op->how == TRASH_HOW_MOVED || op->how == TRASH_HOW_REFLINK ||
	       op->how == TRASH_HOW_COPY || op->how == TRASH_HOW_SWAPPED;
}

#endif
