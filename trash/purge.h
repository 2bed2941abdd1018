/* SPDX-License-Identifier: MIT */
/*
 * purge.h - dropping kept things (private to trash/)
 */
#ifndef TRASH_PURGE_H
#define TRASH_PURGE_H

#include "trash/index.h"

/* Until at most so much is left (UINT64_MAX: no matter); evict.c says what goes
 * first. */
int purge_evict(struct trash *t, uint64_t bytes, uint64_t entries);
/* Removes one payload and marks it gone. */
int purge_item(struct index *ix, struct index_item *item,
	       const struct record_op *op);

#endif
