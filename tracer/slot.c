/* SPDX-License-Identifier: MIT */
/*
 * slot.c - places in which commands run one after the other
 *
 *	DONE of a command that found none ──5 ms──▶ cgroup, PREPARE
 *	CONFINED ──▶ free ──SPAWN, same limits──▶ taken ──end──▶ free
 *	                                            │ something was left, killed,
 *	                                            ▼ or is still charged
 *	                                          ended: cgroup.kill, rmdir
 *
 * A slot is a cgroup, a listener and a zygote (zygote.c) that sits in the one
 * and shares the other with every command it starts. One command has it at a
 * time, and the next gets it only when the kernel's own list of the cgroup's
 * processes holds the zygote alone: nothing that could still call is left, so a
 * notification belongs to whoever has the slot. A process cannot leave its
 * cgroup, because writing to cgroupfs is what Landlock never grants.
 *
 * Only with cgroups, for that reason: without them, that nothing is left cannot
 * be shown. Only with pidfd_getfd: the other way to hand a listener over shares
 * a descriptor table. Not when stat is judged: the zygote looks for programs
 * after its filter is on. Not under ptrace: its layer learns of a command from
 * the launcher's messages. In these cases, and when no slot is free, the
 * launcher starts the command and confines it anew.
 */
#include "tracer/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "confine/seccomp.h"
#include "tracer/command.h"
#include "tracer/notify.h"

#define SLOT_DELAY_NS (5ULL * 1000000)
#define SLOTS_MAX     4

struct slot {
	struct slot *next;
	struct tracer *tracer;   /* borrowed */
	uint32_t id;             /* at the launcher, among those of commands */
	pid_t pid;               /* of the zygote; 0 until CONFINED */
	int listener;            /* owned; -1 */
	struct channel *channel; /* owned: to the zygote */
	struct cgroup_set *cgroup; /* owned */
	struct buf missing;        /* limits that could not be set */
	struct proto_limits limits;
	struct launch_event confined;
	struct command *command; /* who has it; NULL = free */
	bool dead;               /* of no use for another command */
};

static bool is_possible(const struct tracer *t)
{
	return t->cgroups && t->listener && !t->no_getfd && t->launcher &&
	       !t->host && t->launch_key && !(t->notify & NOTIFY_STAT) &&
	       !t->slots_off && !t->shutting_down;
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

/* The zygote goes with the cgroup it is in. */
static void slot_free(struct slot *s)
{
	struct slot **p;

	for (p = &s->tracer->slots; *p; p = &(*p)->next) {
		if (*p == s) {
			*p = s->next;
			break;
		}
	}
	(void)channel_free(s->channel);
	(void)cgroup_set_destroy(s->cgroup);
	if (s->listener >= 0)
		(void)close(s->listener);
	buf_done(&s->missing);
	free(s);
}

static struct slot *slot_new(struct tracer *t)
{
	struct slot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->tracer = t;
	s->listener = -1;
	s->missing = BUF_INIT;
	s->id = ++t->next_id;
	s->next = t->slots;
	t->slots = s;
	return s;
}

/* One more may be had, if need be in the place of one that fits nobody. */
static bool make_room(struct tracer *t)
{
	struct slot *free_one = NULL;
	unsigned int n = 0;

	for (struct slot *s = t->slots; s; s = s->next) {
		n++;
		if (s->command || s->dead)
			continue;
		if (limits_eq(&s->limits, &t->slot_limits))
			return false;
		free_one = s;
	}
	if (n >= SLOTS_MAX && free_one) {
		slot_free(free_one);
		n--;
	}
	return n < SLOTS_MAX;
}

void slot_make(struct tracer *t)
{
	int fds[CONFINE_MAX_CGROUPS];
	_cleanup_buf_ struct buf name = BUF_INIT;
	struct slot *s;
	size_t n;

	if (!t->slot_wanted || !is_possible(t))
		return;
	t->slot_wanted = false;
	if (!make_room(t))
		return;
	s = slot_new(t);
	if (!s)
		return;
	/* Its cgroup is named after it, and by that name the server knows
	 * whose session a process is in: as those of commands. */
	buf_printf(&name, "cmd-slot-%u", s->id);
	s->limits = t->slot_limits;
	s->cgroup = command_make_cgroup(t, buf_cstr(&name), &s->limits,
					&s->missing);
	n = s->cgroup
		    ? cgroup_set_procs_fds(s->cgroup, fds, CONFINE_MAX_CGROUPS)
		    : 0;
	if (n > 0 && launcher_zygote(t->launcher, s->id, &s->limits, fds, n,
				     &s->channel) == 0)
		return;
	t->slots_off = true;
	slot_free(s);
}

static void on_timer(struct loop *loop _unused_, void *arg)
{
	slot_make(arg);
}

void slot_want(struct tracer *t, const struct proto_limits *limits)
{
	if (!is_possible(t))
		return;
	t->slot_limits = *limits;
	t->slot_wanted = true;
	if (t->slot_timer)
		(void)loop_timer_arm(t->slot_timer, SLOT_DELAY_NS);
	else if (loop_add_timer(t->loop, SLOT_DELAY_NS, on_timer, t,
				&t->slot_timer) < 0)
		t->slots_off = true;
}

bool slot_take(struct command *c)
{
	struct slot *s;

	if (!is_possible(c->tracer))
		return false;
	for (s = c->tracer->slots; s; s = s->next)
		if (!s->command && !s->dead && s->listener >= 0 &&
		    limits_eq(&s->limits, &c->limits))
			break;
	if (!s)
		return false;
	c->listener = fcntl(s->listener, F_DUPFD_CLOEXEC, 3);
	if (c->listener < 0 || notify_watch(c) < 0) {
		notify_unwatch(c);
		return false;
	}
	s->command = c;
	c->slot = s;
	c->cgroup = s->cgroup;
	c->confined = s->confined;
	c->have_confined = true;
	buf_put_str(&c->limits_missing, buf_str(&s->missing));
	return true;
}

int slot_go(struct command *c, const struct proto_spawn *spawn,
	    const int fds[3])
{
	return zygote_go(c->slot->channel, c->launch_id, spawn, fds);
}

void slot_leave(struct command *c)
{
	struct slot *s = c->slot;

	if (!s)
		return;
	c->slot = NULL;
	c->cgroup = NULL;
	s->command = NULL;
	if (s->dead || c->leftovers || c->timed_out ||
	    !is_possible(c->tracer) || cgroup_set_recycle(s->cgroup) < 0) {
		slot_want(c->tracer, &c->limits);
		slot_free(s);
	}
}

/*
 * The listener as our own descriptor. A zygote that cannot be watched would
 * start commands that wait forever.
 */
static int fetch_listener(struct slot *s, int number)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);

	if (pidfd < 0 || number < 0)
		return pidfd < 0 ? -errno : -EBUSY;
	s->listener = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	return s->listener < 0 ? -errno : 0;
}

bool slot_on_event(struct tracer *t, const struct launch_event *e)
{
	struct slot *s = t->slots;
	int r;

	while (s && s->id != e->id)
		s = s->next;
	if (!s)
		return false;
	if (e->kind != LAUNCH_CONFINED) {
		r = e->error ? -(int)e->error : -EPROTO;
	} else {
		s->pid = e->pid;
		s->confined = *e;
		cgroup_set_resident(s->cgroup, s->pid);
		r = fetch_listener(s, e->listener);
	}
	if (r < 0) {
		(void)log_warn_errno(r,
				     "no process starts commands in advance");
		t->slots_off = true;
		slot_free(s);
	}
	return true;
}

bool slot_reaped(struct tracer *t, pid_t pid)
{
	struct slot *s = t->slots;
	struct command *c;

	while (s && s->pid != pid)
		s = s->next;
	if (!s || pid <= 0)
		return false;
	c = s->command;
	s->dead = true;
	if (!c)
		slot_free(s);
	else if (!c->launched && !c->ended)
		/* Nobody will say any more whether the exec happened. */
		command_failed(c, ECANCELED, LAUNCH_STEP_SETUP);
	return true;
}

bool slot_is_zygote(const struct tracer *t, pid_t pid)
{
	for (const struct slot *s = t->slots; s; s = s->next)
		if (s->pid == pid && pid > 0)
			return true;
	return false;
}

unsigned int slot_residents(const struct command *c)
{
	return c->slot && !c->slot->dead ? 1 : 0;
}

void slots_done(struct tracer *t)
{
	while (t->slots)
		slot_free(t->slots);
	t->slot_timer = loop_remove(t->slot_timer);
}
