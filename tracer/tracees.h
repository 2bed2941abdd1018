/* SPDX-License-Identifier: MIT */
/*
 * tracees.h - the threads that we trace
 *
 * A thread id in this table cannot come to mean another thread: nobody but us
 * reaps a tracee, and it leaves the table when we do.
 */
#ifndef TRACER_TRACEES_H
#define TRACER_TRACEES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tracer/proctab.h"

#define TRACEES_BUCKETS 1024

struct command;
struct injection;
struct request;

struct tracee {
	struct tracee *next; /* in its bucket */
	pid_t tid;
	pid_t pid;               /* its thread group; 0 = not known yet */
	pid_t parent;            /* thread group that made it; 0 = the root */
	struct command *command; /* borrowed; NULL = not known (yet) */
	/* It stopped for the first time before its maker's event came. */
	bool parked;
	bool started; /* its first stop is over */
	bool listed; /* the entry of pid in its command's table is this one's */
	/* Of whom it was forked, as that was then; pid 0 = not known. */
	struct proc_entry origin;
	struct request *request;     /* borrowed: of the call it is held in */
	struct injection *injection; /* calls made in its place; ptrace_call.c */
};

struct tracees {
	struct tracee *buckets[TRACEES_BUCKETS];
	size_t n;
};

struct tracee *tracees_find(const struct tracees *t, pid_t tid);
/* Finds or adds; NULL without memory. */
struct tracee *tracees_get(struct tracees *t, pid_t tid);
void tracees_remove(struct tracees *t, pid_t tid);
/* Calls fn for each; fn may remove the one it is given, and no other. */
void tracees_each(struct tracees *t, void (*fn)(struct tracee *, void *),
		  void *arg);
void tracees_done(struct tracees *t);

#endif
