/* SPDX-License-Identifier: MIT */
/*
 * proctab.h - the processes of one command, as far as they made themselves
 * known by a notification
 *
 * An entry is valid for one (pid, start time): a reused pid is another
 * process. Bounded; when full, entries of processes that are gone make room.
 */
#ifndef TRACER_PROCTAB_H
#define TRACER_PROCTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCTAB_MAX 16384

struct proc_entry {
	pid_t pid; /* thread group leader; 0 = free slot */
	pid_t parent;
	uint64_t start_ticks;
	unsigned int depth; /* of the image it runs now */
	bool has_image;     /* false: still the launcher's code */
	/* An allowed exec whose new image has not been looked at yet. */
	bool unverified;
	unsigned int pending_depth; /* depth of that image */
	uint64_t expected;          /* hash of its name and arguments */
	uint64_t image;             /* the same of the verified image; 0 */
	bool orphan;                /* came to us without a known ancestor */
	bool first; /* our own child, told apart by that: no start_ticks */
};

struct proctab {
	struct proc_entry *slots; /* owned */
	size_t size, n;           /* size: power of two */
};

void proctab_done(struct proctab *t);
/* NULL if pid is not known (or was another process). */
struct proc_entry *proctab_find(const struct proctab *t, pid_t pid);
/* Finds or adds; NULL when out of memory or full of live processes. */
struct proc_entry *proctab_get(struct proctab *t, pid_t pid);
void proctab_remove(struct proctab *t, pid_t pid);

/* What /proc/PID/stat says; -ESRCH when gone. */
struct proc_stat {
	pid_t parent, pgrp, session;
	unsigned int tty; /* device number; 0 = none */
	uint64_t start_ticks;
	char state;
};
int proc_stat_read(pid_t pid, struct proc_stat *ret);

#endif
