/* SPDX-License-Identifier: MIT */
/*
 * proctab.h - the processes of one command, as far as they made themselves
 * known by a notification
 *
 * An entry is valid for one process: a reused pid is another one, and has
 * another id. Bounded; when full, entries of processes that are gone make room.
 */
#ifndef TRACER_PROCTAB_H
#define TRACER_PROCTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCTAB_MAX 16384

/* What runs, as hashes under a key of this process; all 0: nothing known. */
struct image_id {
	uint64_t path; /* /proc/PID/exe */
	uint64_t file; /* which one it is, and its times */
	uint64_t args; /* /proc/PID/cmdline */
};

struct proc_entry {
	pid_t pid; /* thread group leader; 0 = free slot */
	pid_t parent;
	uint64_t id;        /* proc_ident.id */
	unsigned int depth; /* of the image it runs now */
	bool has_image;     /* false: still the launcher's code */
	/* An allowed exec whose new image has not been looked at yet. */
	bool unverified;
	unsigned int pending_depth; /* depth of that image */
	struct image_id expected;   /* of that image */
	struct image_id image;      /* of the verified one */
	bool orphan;                /* came to us without a known ancestor */
	bool first; /* our own child, told apart by that: no id */
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
/* The process of e->pid now is the one that e was made for. */
bool proctab_is_same(const struct proc_entry *e);

/*
 * Who a process is: no two processes have the same id while this one runs,
 * whatever becomes of pids. From its pidfd (Linux 6.13), else from procfs,
 * which costs ten times as much. -ESRCH when gone.
 */
struct proc_ident {
	pid_t parent;
	uint64_t id;
};
int proc_ident_read(pid_t pid, struct proc_ident *ret);

/* What /proc/PID/stat says; -ESRCH when gone. */
struct proc_stat {
	pid_t parent, pgrp, session;
	unsigned int tty; /* device number; 0 = none */
	uint64_t start_ticks;
	char state;
};
int proc_stat_read(pid_t pid, struct proc_stat *ret);

#endif
