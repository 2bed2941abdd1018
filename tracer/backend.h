/* SPDX-License-Identifier: MIT */
/*
 * backend.h - how a stopped system call is held and answered
 *
 * Decoders judge a `struct request` and know nothing of how it was stopped:
 * by a seccomp notification (notify.c) or by ptrace (ptrace_call.c). Memory is
 * read through request->mem, the number and the arguments are copied into the
 * request before it is dispatched.
 */
#ifndef TRACER_BACKEND_H
#define TRACER_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

struct request;

struct backend {
	const char *source; /* of events */
	bool tells_chdir;   /* chdir and fchdir arrive as well (cwd.c) */
	/* False once the caller has gone: what was read may be another's. */
	bool (*valid)(const struct request *q);
	/* One of these is the last thing done to a request; request_*() give
	 * it back afterwards. */
	void (*go_on)(struct request *q); /* the kernel carries it out */
	/* It is not carried out: -error, or value when error is 0. */
	void (*answer)(struct request *q, int64_t value, int error);
	/* It is not carried out: its value is a new descriptor for fd. */
	void (*inject)(struct request *q, int fd, bool cloexec);
	/* When this execve goes on it will be that of program, with orders as
	 * one more descriptor (borrowed); empty: where the caller has an empty
	 * string. 0 or -errno. NULL: there is no such way. */
	int (*divert)(struct request *q, int program, int orders,
		      uint64_t empty);
};

/* notify.c: an empty request of c, or NULL; q->tracer and so on are set. */
struct command;
struct request *request_new(struct command *c, const struct backend *b);
/* Finds the decoder and runs it; the request is answered sooner or later. */
void request_dispatch(struct request *q);

#endif
