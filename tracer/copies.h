/* SPDX-License-Identifier: MIT */
/*
 * copies.h - copies of denied programs
 *
 * A denied program under another name is still denied: by hard link (device
 * and inode) or by content. The denied set is what the policy denies among the
 * programs found on the search path.
 */
#ifndef TRACER_COPIES_H
#define TRACER_COPIES_H

#include <stdbool.h>
#include <sys/types.h>

#include "policy/policy.h"

struct copies;

/* path: colon-separated directories. 0 or -ENOMEM. */
int copies_new(const struct policy *p, const char *path, struct copies **ret);
struct copies *copies_free(struct copies *c);
/* fd: O_PATH of a file about to run. A file that cannot be read is only
 * compared by inode. c NULL: false. */
bool copies_match(struct copies *c, int fd);

#endif
