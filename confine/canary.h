/* SPDX-License-Identifier: MIT */
/*
 * canary.h - forbidden things tried from inside a throw-away sandbox
 *
 * What `detect` and a session's start report rests on this and not on the
 * claim that a step succeeded: a child is confined by the very plan a command
 * would get and tries to misbehave. Nothing it tries has an effect when it
 * succeeds.
 */
#ifndef CONFINE_CANARY_H
#define CONFINE_CANARY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/str.h"
#include "confine/plan.h"

enum canary_result {
	CANARY_NOT_TRIED =
		0, /* no means here, or the child did not get to it */
	CANARY_BLOCKED,
	CANARY_OPEN, /* the forbidden thing worked */
};

struct canary_item {
	const char *name;        /* "ptrace", "io_uring", ...; static */
	const char *what;        /* for people: "traces its parent"; static */
	unsigned char guarantee; /* the G number of design/architecture.md */
	enum canary_result result;
	int error; /* errno of the refusal; 0 if open or not tried */
};

#define CANARY_MAX 40

/* What there is to try it on; NULL or 0: not tried. */
struct canary_scene {
	const char *secret;    /* a file that the policy lets nobody read */
	const char *create;    /* a name that it lets nobody make */
	const char *program;   /* one that it lets nobody run */
	const char *alias;     /* a link to that program */
	const char *workspace; /* holds a file CANARY_KEPT, to be removed */
	const char *control;   /* a socket that no command may connect to */
	uint32_t address; /* IPv4, network order, that it refuses (port 9) */
	uint64_t caps;    /* that it may have */
	bool limits;      /* at most CANARY_PIDS and CANARY_MEMORY apply */
	pid_t outside;    /* a process that is not to be touched */
};

#define CANARY_KEPT       "canary-kept"
#define CANARY_PIDS       48
#define CANARY_MEMORY     (32U << 20)
#define CANARY_SURVIVES_S 3

struct canary_report {
	struct canary_item items[CANARY_MAX];
	size_t n;
	size_t n_open;
	struct confine_report steps; /* how the confinement itself went */
};

/*
 * The plan is applied without its listener (filter_static if there is one):
 * nobody would answer. cgroup_procs and cwd of the plan are not used, nor is a
 * terminal. secret: an existing path that the policy denies to everyone, or
 * NULL. Takes a few milliseconds. Return: 0, or -errno when no child could be
 * made or the plan's required steps failed (steps says which).
 */
int canary_run(const struct confine_plan *plan, const char *secret,
	       struct canary_report *ret);

/*
 * The same for a process that is confined already, with whoever answers its
 * listener: tries everything in the scene and writes what came of it to out_fd.
 * The process is not good for anything else afterwards.
 */
void canary_attempt(const struct canary_scene *s, int out_fd);
/*
 * Reads what canary_attempt() wrote, which is not trusted. "undo" and
 * "survivor" are for the caller to judge: see canary_set(). Return: 0, or
 * -EBADMSG if it did not get to the end and no limit explains that.
 */
int canary_read(struct str bytes, struct canary_report *ret);
/* Replaces an item's result; a no-op for a name that there is none of. */
void canary_set(struct canary_report *report, const char *name,
		enum canary_result result);
const struct canary_item *canary_find(const struct canary_report *report,
				      const char *name);

#endif
