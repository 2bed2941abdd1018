/* SPDX-License-Identifier: MIT */
/*
 * launch.h - private to the launcher, the zygotes and their children
 */
#ifndef TRACER_LAUNCH_H
#define TRACER_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "confine/plan.h"
#include "core/channel.h"
#include "core/proto.h"
#include "tracer/launcher.h"

/* Messages of the tracer. */
#define LAUNCH_REQUEST    1 /* to the launcher: a command */
#define LAUNCH_PREPARE    2 /* to the launcher: a zygote */
#define LAUNCH_GO         3 /* to a zygote: a command */
#define LAUNCH_STACK_SIZE (128U * 1024)

/* A child of a zygote has exec'd, or has ended without: what the zygote's end
 * of its channel says, without the frame of messages. */
struct launch_started {
	uint32_t id;
	int32_t pid;
	int32_t error; /* errno, 0 = no step failed */
	uint32_t step;
};

/* The launcher's or a zygote's own state, and what it shares with a child. */
struct launch {
	const struct launcher_config *config;
	int events;
	struct channel *channel; /* owned */
	char *stack;
	uint32_t id;
	bool dry_run;
	int flags;       /* enum proto_spawn_flags */
	bool same_group; /* no session and group of its own */
	struct confine_plan plan;
	int sender[2]; /* socket pair to the sender; -1 = there is none */
	int null;      /* /dev/null, to put back when the table is shared */
	int stdio[3];
	const char *file;
	char *const *argv;
	char *const *envp;
	struct confine_report report;
	int error; /* errno of the failed step */
	uint32_t step;
};

void launch_reset_signals(void);
/* Order matters only in that a source may itself be one of 0-2. */
int launch_place_stdio(const int stdio[3]);
uint32_t launch_failed_step(const struct confine_report *report);
/* Notes what failed; the exit status of a child that could not exec. */
int launch_fail(struct launch *l, int r, uint32_t step);
/* In place of an exec: a process tries what the policy forbids. */
int launch_canary(const struct launch *l);
/* A child from clone to exec; arg: struct launch. Async-signal-safe only. */
int launch_child(void *arg);
/* What a confined child still has to do; returns only when it failed. */
int launch_enter(struct launch *l);

/* The steps for a command; cgroup_fds: cgroup.procs descriptors, borrowed. */
void launch_make_plan(struct launch *l, const int *cgroup_fds, size_t n);
/* What no cgroup limits is limited per process, as far as rlimits can. */
int launch_plan_rlimits(struct launch *l, const struct proto_limits *p);
int launch_decode(struct launch *l, struct arena *a,
		  const struct channel_msg *m, struct proto_spawn *s);
/* What is to run, with which descriptors, where. -ENOENT: no such program. */
int launch_take_program(struct launch *l, struct arena *a, struct buf *file,
			const struct proto_spawn *s, const int *fds);
/* Blocks; as channel_recv(), without -EAGAIN. */
int launch_wait(struct channel *c, struct channel_msg *ret);

/* The launcher's life; takes sock. */
_noreturn_ void launcher_main(struct launch *l, int sock);
/* LAUNCH_PREPARE; zygote.c. 0, or -errno when the tracer is gone. */
int zygote_start(struct launch *l, struct channel_msg *m);

#endif
