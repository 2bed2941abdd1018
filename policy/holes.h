/* SPDX-License-Identifier: MIT */
/*
 * holes.h - the files that a denial with wildcards covers, as they are now
 */
#ifndef POLICY_HOLES_H
#define POLICY_HOLES_H

#include "base/str.h"
#include "base/vec.h"

/* What directories hold, so that many patterns list each only once. Starts as
 * all zero. */
struct listings {
	VEC(struct listing *) v; /* owned */
};

void listings_done(struct listings *l);

/* 0 to go on, negative to give up. */
typedef int holes_fn(void *arg, const char *path);

/*
 * Calls fn for each path that has to be a hole so that nothing the absolute
 * pattern matches can be reached, now or later. Return: 1, or 0 when holes
 * cannot express it (other wildcards than a component's * and ?, a final two
 * stars; too many names; fn gave up).
 */
int holes_expand(struct str pattern, struct listings *l, holes_fn *fn,
		 void *arg);

#endif
