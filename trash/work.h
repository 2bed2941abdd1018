/* SPDX-License-Identifier: MIT */
/*
 * work.h - steps shared by the keep operations (private to trash/)
 */
#ifndef TRASH_WORK_H
#define TRASH_WORK_H

#include "trash/keep.h"
#include "trash/store.h"

/*
 * Path of at->dirfd below the root. -EXDEV: outside; -EBUSY: in the store, or
 * at->name is the store.
 */
int work_dir(struct trash *t, const struct trash_at *at, struct buf *out);

/* Journals *op (seq and time are filled in) and counts it in its group. */
int work_record(struct trash *t, struct record_op *op, const struct slotdir *d);
/* The operation did not happen after all. */
void work_abort(struct trash *t, const struct record_op *op,
		const struct slotdir *d);
/*
 * After an inode went to slot/name: counts its link, and corrects the record
 * if another object was there than the one looked at before.
 */
void work_moved(struct trash *t, struct record_op *op,
		const struct slotdir *slot, const char *name);
void work_result(struct trash *t, const struct record_op *op,
		 struct trash_kept *ret);
/* What this command made itself, and nothing else links to. */
bool work_is_own(struct trash *t, uint32_t group, const struct record_stat *st);
enum seen_level work_seen(struct trash *t, uint32_t group,
			  const struct record_stat *st);
void work_see(struct trash *t, uint32_t group, const struct record_stat *st,
	      enum seen_level level);
/* Extended attributes of a file as the blob of a record. fd may be O_PATH.
 * 0 or -errno (-E2BIG). */
int work_xattrs(int fd, struct buf *out);

#endif
