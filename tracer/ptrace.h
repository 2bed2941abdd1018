/* SPDX-License-Identifier: MIT */
/*
 * ptrace.h - the second layer: commands are traced; theory in ptrace.c
 */
#ifndef TRACER_PTRACE_H
#define TRACER_PTRACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "tracer/ptrace_holder.h"
#include "tracer/tracees.h"

struct command;
struct request;
struct tracer;

struct ptracer {
	struct tracer *tracer; /* borrowed */
	pid_t root;            /* the launcher: what it makes is followed */
	struct tracees tracees;
	struct holder holder; /* where calls are judged by ptrace */
	size_t n_parked;
	bool partial; /* some were let go: there were too many */
};

/* Can a child be traced from here? Tries it. 0 or -errno. */
int ptracer_probe(void);
/*
 * Follows root, a child of ours, and whatever it makes from now on. 0 or
 * -errno. Everything traced is killed when this process ends. holder: our end
 * of the socket to the process that lends descriptors (taken); -1 where calls
 * are not judged by ptrace.
 */
int ptracer_new(struct tracer *t, pid_t root, int holder, struct ptracer **ret);
struct ptracer *ptracer_free(struct ptracer *p);

/*
 * What wait4() said of pid. Return: true when it was a stop, which is dealt
 * with; false when somebody has ended.
 */
bool ptracer_waited(struct ptracer *p, pid_t pid, int status);
/* wait4() has nothing more to tell for now. */
void ptracer_settle(struct ptracer *p);
/* Is this thread traced? */
bool ptracer_follows(const struct ptracer *p, pid_t tid);
/* The entry that the maker of process pid had then; NULL = not known. */
const struct proc_entry *ptracer_origin(const struct ptracer *p, pid_t pid);
/* Is the entry of process pid in its command's table that of the process which
 * has this id now? So it is after ptracer_list(). */
bool ptracer_listed(const struct ptracer *p, pid_t pid);
void ptracer_list(struct ptracer *p, pid_t pid);
/* c is about to be freed. */
void ptracer_forget(struct ptracer *p, const struct command *c);
/* A thread that we should trace and do not: recorded, and killed. */
void ptracer_escaped(struct request *q);

/* --- private to ptrace*.c --- */

/* The command of a tracee, looked up if need be; NULL = none. */
struct command *ptracer_command(struct ptracer *p, struct tracee *x);
/* x stopped, with this wait status. */
void ptracer_stopped(struct ptracer *p, struct tracee *x, int status);
/* Lets a stopped thread go on, with a signal or 0. */
void ptracer_cont(pid_t tid, int signo);

#endif
