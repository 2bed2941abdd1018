/* SPDX-License-Identifier: MIT */
/*
 * open_pass.h - reads that go on: judged by name and recorded, nothing opened
 */
#ifndef TRACER_OPEN_PASS_H
#define TRACER_OPEN_PASS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "core/limits.h"

struct request;
struct tracer;

#define DIR_SLOTS 64

/* Where the name of a directory leads. */
struct dir_name {
	struct buf name;   /* absolute, clean */
	struct buf path;   /* of the directory; unused if plain */
	bool plain;        /* no link on the way: name is the path */
	uint64_t until_ns; /* of loop_now(); 0 = free */
};

struct open_pass {
	struct dir_name dirs[DIR_SLOTS];
	/* of the call that is looked at; here to be neither cleared nor
	 * allocated for each */
	char text[LIMIT_PATH];
	struct buf name, path;
};

/*
 * An open for reading that may go on after a look at its name. addr: of the
 * path in the caller's memory. False: nothing was done, the request is still
 * to be answered.
 */
bool open_pass(struct request *q, int dirfd, uint64_t addr, uint64_t flags);
/* A directory got another name, or went away. */
void dirs_forget(struct tracer *t);
void open_pass_done(struct tracer *t);

#endif
