/* SPDX-License-Identifier: MIT */
/*
 * mend.h - what a power cut leaves of a store's files (private to trash/)
 */
#ifndef TRASH_MEND_H
#define TRASH_MEND_H

#include "trash/store.h"

/*
 * Makes a dead writer's journal readable again past places that were lost: the
 * bytes between two whole records become a SKIP record. wfd: its directory; the
 * maintenance lock is held. 0 or -errno.
 */
int mend_journal(struct trash *t, int wfd);
/* The shared page was lost: clock and budget from the journals. */
int mend_state(struct trash *t);

#endif
