/* SPDX-License-Identifier: MIT */
/*
 * summary.h - groups of all writers without reading their records (private to
 * trash/)
 */
#ifndef TRASH_SUMMARY_H
#define TRASH_SUMMARY_H

#include "trash/index.h"

struct summary_group {
	struct group *group; /* owned */
	uint64_t writer;
};

struct summary {
	VEC(struct summary_group) groups; /* newest first */
};

/* What has been restored or purged since is taken out. */
int summary_load(struct trash *t, struct summary *ret);
void summary_done(struct summary *s);
#define _cleanup_summary_ _cleanup_(summary_done)

/* Writes a writer's `groups` file anew from its journal (recovery). */
int summary_rebuild(struct trash *t, uint64_t writer);

#endif
