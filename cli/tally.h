/* SPDX-License-Identifier: MIT */
/*
 * tally.h - counting distinct texts
 */
#ifndef CLI_TALLY_H
#define CLI_TALLY_H

#include <stdint.h>

#include "base/str.h"
#include "base/vec.h"

struct tally_item {
	struct str text; /* borrowed */
	uint64_t n, denied;
	size_t order; /* of first appearance */
};

struct tally {
	VEC(struct tally_item) items;
	/* open addressing over items: index + 1, 0 = free */
	uint32_t *slots;
	size_t n_slots;
};

void tally_done(struct tally *t);
#define _cleanup_tally_ _cleanup_(tally_done)

/* Empty texts are not counted. -ENOMEM leaves the counts as they were. */
int tally_add(struct tally *t, struct str text, bool denied);
/* Most frequent first; on a tie in order of appearance. After this, no adds. */
void tally_sort(struct tally *t);

#endif
