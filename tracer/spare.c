/* SPDX-License-Identifier: MIT */
/*
 * spare.c - the next command's child, made before there is a command
 *
 *	DONE of a command ──5 ms, or its end──▶ PREPARE ──▶ CONFINED: waits
 *	SPAWN, same limits ──▶ GO, and it is the command's
 *	SPAWN, others      ──▶ CANCEL, and a child is made as ever
 *
 * The one that waits is a `struct command` like others, with a cgroup and a
 * listener of its own, but without a name. It is not made at once when a
 * command starts, because the two would compete for the processor.
 *
 * Only with cgroups: without them, what belongs to a command is told by
 * descent (survivors.c), and a child of nobody would have to be explained
 * there. Only with pidfd_getfd: the other way shares a descriptor table. Not
 * when stat is judged: the child looks for its program after the filter.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "confine/seccomp.h"
#include "tracer/command.h"

#define SPARE_DELAY_NS (5ULL * 1000000)

static bool is_possible(const struct tracer *t)
{
	return t->cgroups && t->listener && !t->no_getfd && t->launcher &&
	       !(t->notify & NOTIFY_STAT) && !t->spare_off && !t->shutting_down;
}

static bool limits_eq(const struct proto_limits *a,
		      const struct proto_limits *b)
{
	return a->memory_bytes == b->memory_bytes &&
	       a->swap_bytes == b->swap_bytes && a->swap_set == b->swap_set &&
	       a->cpu_percent == b->cpu_percent && a->pids == b->pids &&
	       a->disk_read_bps == b->disk_read_bps &&
	       a->disk_write_bps == b->disk_write_bps;
}

void spare_keep(struct command *c)
{
	struct tracer *t = c->tracer;

	/* One that was killed may still be frozen, or have seen its limit. */
	if (!is_possible(t) || t->kept || !c->cgroup || c->leftovers ||
	    c->timed_out || cgroup_set_recycle(c->cgroup) < 0)
		return;
	t->kept = TAKE(c->cgroup);
	t->kept_limits = c->limits;
}

bool spare_reuse(struct command *c)
{
	struct tracer *t = c->tracer;

	if (t->kept && !limits_eq(&t->kept_limits, &c->limits))
		t->kept = cgroup_set_destroy(t->kept);
	c->cgroup = TAKE(t->kept);
	return c->cgroup != NULL;
}

static void give_up(struct command *c)
{
	c->tracer->spare = NULL;
	c->tracer->spare_off = true;
	command_end(c);
}

void spare_make(struct tracer *t)
{
	int fds[CONFINE_MAX_CGROUPS];
	_cleanup_buf_ struct buf name = BUF_INIT;
	struct command *c;
	size_t n;

	if (!t->spare_wanted || t->spare || !is_possible(t))
		return;
	t->spare_wanted = false;
	(void)loop_timer_arm(t->spare_timer, 0);
	/* Its cgroup is named after it, and by that name the server knows
	 * whose session a process is in: as those of commands. */
	buf_printf(&name, "cmd-ready-%u", t->next_id + 1);
	c = command_new(t, buf_str(&name));
	if (!c)
		return;
	c->is_spare = true;
	c->limits = t->spare_limits;
	t->spare = c;
	if (!spare_reuse(c))
		command_make_cgroup(c);
	if (!c->cgroup) {
		give_up(c);
		return;
	}
	n = cgroup_set_procs_fds(c->cgroup, fds, CONFINE_MAX_CGROUPS);
	if (launcher_prepare(t->launcher, c->launch_id, &c->limits, fds, n) < 0)
		give_up(c);
}

static void on_timer(struct loop *loop _unused_, void *arg)
{
	spare_make(arg);
}

void spare_want(struct tracer *t, const struct proto_limits *limits)
{
	if (!is_possible(t))
		return;
	t->spare_limits = *limits;
	t->spare_wanted = true;
	if (t->spare_timer)
		(void)loop_timer_arm(t->spare_timer, SPARE_DELAY_NS);
	else if (loop_add_timer(t->loop, SPARE_DELAY_NS, on_timer, t,
				&t->spare_timer) < 0)
		t->spare_off = true;
}

struct command *spare_take(struct tracer *t, struct str id,
			   const struct proto_limits *limits)
{
	struct command *c = t->spare;
	char *name;

	if (!c)
		return NULL;
	t->spare = NULL;
	name = str_dup(id);
	/* One that has ended or cannot be watched is no use. */
	if (!name || c->reaped || !limits_eq(&c->limits, limits) ||
	    (c->have_confined && c->listener < 0)) {
		free(name);
		(void)launcher_cancel(t->launcher, c->launch_id);
		return NULL; /* c ends with its LAUNCH_DONE */
	}
	free(c->id);
	c->id = name;
	c->is_spare = false;
	return c;
}

void spare_lost(struct command *c, const struct launch_event *e)
{
	struct tracer *t = c->tracer;

	if (t->spare == c)
		t->spare = NULL;
	if (e->error != ECANCELED) {
		log_warn_errno(-(int)e->error,
			       "no commands are made in advance");
		t->spare_off = true;
	}
	command_end(c);
}
