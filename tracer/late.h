/* SPDX-License-Identifier: MIT */
/*
 * late.h - limits for a command that is running already
 */
#ifndef TRACER_LATE_H
#define TRACER_LATE_H

#include <stdbool.h>

struct command;
struct launch;
struct proto_limits;
struct tracer;

/* Is that the better way on this host? Only for the one command of
 * `agentsh run`. */
bool late_is_wanted(const struct tracer *t);
/* In place of the rlimits that stand in for cgroups: what holds until then. */
int late_plan_rlimits(struct launch *l, const struct proto_limits *p);
/* c has started: its cgroup will follow, unless it ends before. */
void late_start(struct command *c);

#endif
