/* SPDX-License-Identifier: MIT */
/*
 * caps.h - capability sets
 */
#ifndef CONFINE_CAPS_H
#define CONFINE_CAPS_H

#include <stdint.h>

/*
 * Keeps only the capabilities in `keep` in effective, permitted and bounding,
 * with another user than root in inheritable and ambient as well, which are
 * cleared else; keep 0 locks securebits where permitted.
 * Async-signal-safe. 0 or -errno. The first call of a process costs about
 * 90 us (one credential change per bounding capability), its children's a
 * few: a launcher of many commands does it once for itself.
 */
int caps_restrict(uint64_t keep);
/* This thread's effective set, of what it is permitted. 0 or -errno. */
int caps_effective(uint64_t set);
/* Effective, permitted and bounding sets of this process. */
int caps_get(uint64_t *effective, uint64_t *permitted, uint64_t *bounding);

#endif
