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

#define CANARY_MAX 32

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

#endif
