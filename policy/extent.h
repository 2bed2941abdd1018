/* SPDX-License-Identifier: MIT */
/*
 * extent.h - where in the file system the patterns of file rules lead
 */
#ifndef POLICY_EXTENT_H
#define POLICY_EXTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"
#include "policy/policy.h"

enum extent {
	EXTENT_FILE, /* exactly the path */
	EXTENT_TREE, /* everything below the path, and nothing else */
	EXTENT_SOME, /* some of what is below the path */
};

/* Absolute path (NUL-terminated, in the arena) and extent of one pattern
 * without braces. 1, 0 = nothing absolute, or not well-formed, or -ENOMEM. */
int extent_of(struct str pattern, struct arena *a, struct str *ret_path,
	      enum extent *ret);

struct place {
	struct str pattern; /* without braces; NUL-terminated */
	struct str path;
	enum extent extent;
	uint32_t rule; /* number among the file rules */
	uint32_t mask; /* of the rule */
	bool permits;
};

/* Every pattern of every file rule, in order. */
struct places {
	struct arena arena;
	VEC(struct place) v;
};

/* p is borrowed only during the call. 0 or -errno. */
int places_of(const struct policy *p, struct places *ret);
void places_done(struct places *p);
#define _cleanup_places_ _cleanup_(places_done)

/* Is path dir, or below it? Both absolute; "/" is above all. */
static inline bool extent_below(struct str path, struct str dir)
{
	if (dir.n == 1)
		return true;
	return path.n >= dir.n && memcmp(path.p, dir.p, dir.n) == 0 &&
	       (path.n == dir.n || path.p[dir.n] == '/');
}

/* Could something that the patterns of both describe be the same file? */
static inline bool extent_overlap(struct str a, struct str b)
{
	return extent_below(a, b) || extent_below(b, a);
}

#endif
