/* SPDX-License-Identifier: MIT */
/*
 * place.h - finding and filling places in the workspace (private to trash/)
 *
 * Paths come from records, so they are walked component by component without
 * following any link: whatever a path on record leads through now, it stays
 * beneath the workspace root and out of the store.
 */
#ifndef TRASH_PLACE_H
#define TRASH_PLACE_H

#include <limits.h>

#include "trash/index.h"
#include "trash/keep.h"

/* Attributes of a path below the root. -ENOENT, -ENOTDIR, -ELOOP, -EBUSY. */
int place_stat(struct trash *t, struct str path, struct record_stat *ret);
/* O_PATH fd of the parent (owned); name gets the last component. */
int place_parent_of(struct trash *t, struct str path, char name[NAME_MAX + 1]);

/* One restoring or undoing run: where things are put, and on whose account. */
struct place {
	struct trash *t;
	uint32_t group;      /* ours; 0: nothing is recorded */
	struct buf last_dir; /* path of last_fd below the root */
	int last_fd;         /* owned; cached parent */
	bool has_last;
};

void place_init(struct place *p, struct trash *t, uint32_t group);
void place_done(struct place *p);
/* Forgets the cached parent (something was renamed). */
void place_reset(struct place *p);
/*
 * Parent directory of path (borrowed until the next call), made where missing
 * when `make` (0755, recorded). at: filled for the keep functions; at->name
 * points into path's buffer `name`.
 */
int place_at(struct place *p, struct str path, bool make,
	     char name[NAME_MAX + 1], struct trash_at *ret);

/*
 * Puts the payload of item at `at`, where nothing may be (-EEXIST), records
 * that and marks the entry gone. at->dir.p NULL: outside the workspace, not
 * recorded. A payload in parts is put together first.
 */
int place_payload(struct place *p, struct index *ix, struct index_item *item,
		  const struct record_op *op, const struct trash_at *at);
/* Owner, attributes and mode of a directory made again. */
int place_dir_attributes(int fd, const struct record_op *op);
/* A removed directory, empty, with its attributes but the times. */
int place_dir(struct place *p, struct index *ix, struct index_item *item,
	      const struct record_op *op, const struct trash_at *at);
/* What is at `at` goes to the quarantine (a directory must be empty). */
int place_clear(struct place *p, const struct trash_at *at);

/* A readable fd of an operation's old content, see trash_open_content(). */
int content_open(struct index *ix, const struct index_item *item,
		 const struct record_op *op);

#endif
