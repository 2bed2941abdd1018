/* SPDX-License-Identifier: MIT */
/*
 * waits.h - what wait4() has to tell, taken in turn
 *
 * A thread that is restarted stops again within microseconds, and wait4() looks
 * at the youngest first: taken one by one, the threads of one process could keep
 * all others, and the loop, waiting for ever. So all that is there is collected
 * before any of it is dealt with; whoever stopped waits for the others' turn.
 */
#ifndef TRACER_WAITS_H
#define TRACER_WAITS_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/vec.h"

struct wait_entry {
	pid_t pid; /* 0 = taken */
	int status;
	struct rusage usage;
};

struct waits {
	VEC(struct wait_entry) all;
	size_t next;
};

/* Collects what is there, without waiting. False: nothing is, or (all that was
 * collected before is dealt with) there is no memory. */
bool waits_collect(struct waits *w);
/* The next one that was collected. False: no more. */
bool waits_next(struct waits *w, struct wait_entry *ret);
/* The same of one process, out of turn. */
bool waits_take(struct waits *w, pid_t pid, struct wait_entry *ret);

#endif
