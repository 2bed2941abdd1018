/* SPDX-License-Identifier: MIT */
/*
 * slot.h - places in which commands run one after the other
 */
#ifndef TRACER_SLOT_H
#define TRACER_SLOT_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/proto.h"
#include "tracer/launcher.h"

struct command;
struct slot;
struct tracer;

/* A command found no slot: soon one will be made for the next. */
void slot_want(struct tracer *t, const struct proto_limits *limits);
/* Now is a good moment. */
void slot_make(struct tracer *t);
/* Puts c, which has limits and no cgroup yet, into a free slot that fits. */
bool slot_take(struct command *c);
/* Starts c in its slot. 0 or -errno. */
int slot_go(struct command *c, const struct proto_spawn *spawn,
	    const int fds[3]);
/* c's first call has arrived. */
void slot_known(struct command *c);
/* command_launched() if the zygote has said so by now. */
void slot_look(struct command *c);
/* c has ended, and none of its calls told that it was started: was it?
 * command_launched() follows. */
void slot_ask(struct command *c);
/* c is over. The slot serves the next one if c left nothing behind, else it
 * ends. c->cgroup is NULL then. */
void slot_leave(struct command *c);
/* An event of a zygote itself; false if it is not one. */
bool slot_on_event(struct tracer *t, const struct launch_event *e);
/* A child of ours has ended; false if it was no zygote. */
bool slot_reaped(struct tracer *t, pid_t pid);
bool slot_is_zygote(const struct tracer *t, pid_t pid);
/* How many of the processes that a kill of c's cgroup hit were not c's. */
unsigned int slot_residents(const struct command *c);
void slots_done(struct tracer *t);

#endif
