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
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "confine/seccomp.h"
#include "tracer/command.h"
#include "tracer/launch.h"
#include "tracer/notify.h"

#define SLOT_DELAY_NS (5ULL * 1000000)
#define SLOTS_MAX     4
#define ANSWER_MS     5000 /* a zygote that runs again says so at once */

struct slot {
	struct slot *next;
	struct tracer *tracer; /* borrowed */
	uint32_t id;           /* at the launcher, among those of commands */
	pid_t pid;             /* of the zygote; 0 until CONFINED */
	int listener;          /* owned; -1 */
	struct loop_source *listener_source;
	struct channel *channel; /* owned: to the zygote */
	struct loop_source *channel_source;
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
	s->listener_source = loop_remove(s->listener_source);
	s->channel_source = loop_remove(s->channel_source);
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
	c->listener = s->listener;
	s->command = c;
	c->slot = s;
	c->cgroup = s->cgroup;
	c->confined = s->confined;
	c->have_confined = true;
	buf_put_str(&c->limits_missing, buf_str(&s->missing));
	return true;
}

/*
 * What the zygote says about c: 1 when it says that c was started (or died
 * before it could be). What it said about others, whom nobody asked about any
 * more, is passed over. -EAGAIN when there is nothing, -EPIPE when it is gone.
 */
static int hear(struct slot *s, const struct command *c,
		struct launch_started *ret)
{
	struct launch_started e;
	ssize_t n;

	while ((n = recv(channel_fd(s->channel), &e, sizeof(e),
			 MSG_DONTWAIT)) == (ssize_t)sizeof(e)) {
		if (c && e.id == c->launch_id) {
			*ret = e;
			return 1;
		}
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? -EAGAIN : -EPIPE;
}

static void on_channel(struct loop *loop _unused_, int fd _unused_,
		       uint32_t events _unused_, void *arg)
{
	struct slot *s = arg;
	struct launch_started e;
	int r = hear(s, s->command, &e);

	if (r == 1 && !s->command->launched)
		command_launched(s->command, e.pid, e.error, e.step);
	else if (r < 0 && r != -EAGAIN) /* its end is seen by SIGCHLD */
		s->channel_source = loop_remove(s->channel_source);
}

/* Looked at by itself only while nothing is known of the command. */
static void listen_to_zygote(struct slot *s, bool on)
{
	if (s->channel_source)
		(void)loop_mod_io(s->channel_source, on ? EPOLLIN : 0);
}

int slot_go(struct command *c, const struct proto_spawn *spawn,
	    const int fds[3])
{
	struct launch_started none;

	(void)hear(c->slot, NULL, &none);
	listen_to_zygote(c->slot, true);
	return zygote_go(c->slot->channel, c->launch_id, spawn, fds);
}

void slot_known(struct command *c)
{
	listen_to_zygote(c->slot, false);
}

void slot_look(struct command *c)
{
	struct launch_started e;

	if (hear(c->slot, c, &e) == 1)
		command_launched(c, e.pid, e.error, e.step);
}

void slot_ask(struct command *c)
{
	struct pollfd p = { .fd = channel_fd(c->slot->channel),
			    .events = POLLIN };
	struct launch_started e;
	int r;

	while ((r = hear(c->slot, c, &e)) == -EAGAIN)
		if (poll(&p, 1, ANSWER_MS) <= 0)
			break;
	if (r == 1)
		command_launched(c, e.pid, e.error, e.step);
	else
		command_launched(c, c->pid, ECANCELED, LAUNCH_STEP_SETUP);
}

/* One command's at a time; whatever calls when none is there is nobody's. */
static void on_listener(struct loop *loop _unused_, int fd _unused_,
			uint32_t events, void *arg)
{
	struct slot *s = arg;

	if (!(events & EPOLLIN)) /* HUP: the last user is gone */
		s->listener_source = loop_remove(s->listener_source);
	else if (s->command && s->command->listener >= 0)
		notify_receive(s->command);
	else
		notify_refuse(s->listener);
}

static int watch(struct slot *s)
{
	struct loop *loop = s->tracer->loop;
	int r;

	notify_set_flags(s->listener);
	r = loop_add_io(loop, s->listener, EPOLLIN, on_listener, s,
			&s->listener_source);
	if (r == 0)
		r = loop_add_io(loop, channel_fd(s->channel), 0, on_channel, s,
				&s->channel_source);
	if (r == 0) /* 0 or not: epoll works, slower */
		(void)loop_direct_io(s->listener_source);
	return r;
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
	return s->listener < 0 ? -errno : watch(s);
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
