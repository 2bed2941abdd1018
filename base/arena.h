/* SPDX-License-Identifier: MIT */
/*
 * arena.h - capped bump allocator; everything is freed at once
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"

struct arena {
	struct arena_block *head; /* owned list */
	size_t used;              /* bytes handed out */
	size_t cap;               /* hard limit; 0 = none */
};

#define ARENA_INIT(limit) ((struct arena){ .cap = (limit) })

void arena_done(struct arena *a);
#define _cleanup_arena_ _cleanup_(arena_done)

/*
 * Forgets everything handed out and keeps one block for what comes next, so
 * that a loop of small messages allocates nothing.
 */
void arena_reset(struct arena *a);

/* Zeroed, 16-byte aligned; NULL when out of memory or over the cap. */
void *arena_alloc(struct arena *a, size_t n);
/* NUL-terminated copy. */
char *arena_dup(struct arena *a, struct str s);

#endif
