/* SPDX-License-Identifier: MIT */
/*
 * cwd.h - working directories of callers, held for some milliseconds
 */
#ifndef TRACER_CWD_H
#define TRACER_CWD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct request;
struct tracer;

#define CWD_SLOTS  64 /* power of two */
#define CWD_MOVING 32

/* Where a thread is. */
struct cwd {
	pid_t tid;         /* 0 = free */
	pid_t pid;         /* its process */
	int fd;            /* owned, O_PATH; valid if tid */
	struct buf path;   /* the kernel's name of it */
	uint64_t until_ns; /* of loop_now() */
};

struct cwd_cache {
	struct cwd slots[CWD_SLOTS];
	/* Threads whose chdir() was let go on and may not be over. */
	struct cwd_moving {
		pid_t tid, pid; /* 0 = free */
		uint64_t since_ns;
	} moving[CWD_MOVING];
	size_t n_moving; /* upper bound of the used part */
};

/*
 * The caller's working directory. Borrowed until the next call of any function
 * here. NULL: not to be had or not to be held; ask procfs.
 */
const struct cwd *cwd_of(const struct request *q);
/* The caller's chdir() or fchdir() goes on after this. */
void cwd_moves(struct request *q);
/* The caller makes another call: its chdir(), if any, is over. */
void cwd_arrived(struct tracer *t, pid_t tid);
/* A directory has got another name: names of what is held may be old. */
void cwd_renamed(struct tracer *t);
void cwd_done(struct tracer *t);

#endif
