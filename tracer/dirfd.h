/* SPDX-License-Identifier: MIT */
/*
 * dirfd.h - directories that callers remove from, held for some milliseconds
 */
#ifndef TRACER_DIRFD_H
#define TRACER_DIRFD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct loop_source;
struct request;
struct tracer;

#define DIRFD_SLOTS 8 /* power of two */

struct dirfd {
	pid_t tid; /* 0 = free */
	pid_t pid;
	int number;      /* the caller's */
	int fd;          /* owned: the caller's open file; -1 = not held yet */
	struct buf path; /* the kernel's name of it */
	uint64_t until_ns; /* of loop_now() */
};

struct dirfd_cache {
	struct dirfd slots[DIRFD_SLOTS];
	struct loop_source *timer; /* owned */
	bool armed;
};

/*
 * The directory behind the caller's descriptor. Borrowed until the next call of
 * any function here. NULL: not held; ask procfs.
 */
const struct dirfd *dirfd_of(const struct request *q, int number);
/* A directory has got another name. */
void dirfd_renamed(struct tracer *t);
void dirfd_done(struct tracer *t);

#endif
