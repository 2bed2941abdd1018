/* SPDX-License-Identifier: MIT */
/*
 * command.c - one command: from SPAWN to EXITED
 *
 * Messages about one command come from three sides, in any order:
 *
 *	CONFINED  the child: has pid and listener, is about to exec
 *	DONE      the launcher: the exec succeeded, or which step failed
 *	SIGCHLD   the first process has ended
 *
 * SPAWNED is sent on DONE and EXITED once both DONE and SIGCHLD are there.
 * Launcher messages are read before a child's end is dealt with while a command
 * has no pid yet, so a pid is known before its status arrives. A pid is ours to
 * signal until we reap it.
 *
 * The end: what the first process left running is killed and counted, then
 * notifications are drained, then EXITED goes out. Every event of the command
 * is in the ring by then, because events are written before answers are.
 */
#include "tracer/command.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "core/attribution.h"
#include "tracer/late.h"
#include "tracer/notify.h"
#include "tracer/ptrace.h"
#include "tracer/quarantine.h"
#include "tracer/slot.h"

#define PROBE_FILE "/agentsh-probe/none"
#define TELL_NS    (2ULL * 1000000)

static struct command *command_free(struct command *c)
{
	struct command **p;

	if (!c)
		return NULL;
	for (p = &c->tracer->commands; *p; p = &(*p)->next) {
		if (*p == c) {
			*p = c->next;
			break;
		}
	}
	if (c->tracer->ptracer)
		ptracer_forget(c->tracer->ptracer, c);
	notify_unwatch(c);
	(void)loop_remove(c->timer);
	(void)loop_remove(c->late);
	slot_leave(c);
	(void)cgroup_set_destroy(c->cgroup);
	if (c->pidfd >= 0)
		(void)close(c->pidfd);
	proctab_done(&c->procs);
	buf_done(&c->limits_missing);
	if (c->tracer->attribution)
		attribution_remove(c->tracer->attribution, c->place);
	free(c->line);
	free(c->id);
	free(c);
	return NULL;
}

void command_release(struct command *c)
{
	c->n_requests--;
	if (c->ended && c->n_requests == 0)
		(void)command_free(c);
}

struct command *command_new(struct tracer *t, struct str id)
{
	struct command *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->tracer = t;
	c->pidfd = c->listener = -1;
	c->limits_missing = BUF_INIT;
	c->launch_id = ++t->next_id;
	c->place = ATTRIBUTION_NONE;
	c->id = str_dup(id);
	c->next = t->commands;
	t->commands = c;
	return c->id ? c : command_free(c);
}

static const char *step_name(uint32_t step)
{
	if (step < CONFINE_STEP_MAX)
		return confine_step_to_string((enum confine_step)step);
	return step == LAUNCH_STEP_EXEC ? "exec" : "setup";
}

static void send_spawned(struct command *c, int error, const char *step)
{
	struct tracer *t = c->tracer;
	struct proto_layer layers[TRACER_MAX_LAYERS];
	_cleanup_buf_ struct buf details = BUF_INIT, body = BUF_INIT;
	struct proto_spawned m = {
		.command_id = str_from(c->id),
		.pid = error ? 0 : c->pid,
		.error = error,
		.step = str_from(error ? step : ""),
		.layers = layers,
	};
	int r;

	m.n_layers = (uint32_t)session_layers(
		t, c->have_confined ? &c->confined : NULL, layers, &details);
	if (t->host) {
		t->host->spawned(t->host_arg, &m);
		return;
	}
	r = proto_spawned_encode(&m, &body);
	if (r == 0)
		r = channel_send(t->heritage.channel, PROTO_SPAWNED,
				 c->request_id, buf_str(&body), NULL, 0);
	if (r < 0)
		(void)log_error_errno(r, "command %s: cannot report start",
				      c->id);
}

static void no_more_to_tell(struct command *c)
{
	struct tracer *t = c->tracer;

	if (!c->to_tell)
		return;
	c->to_tell = false;
	if (--t->n_to_tell == 0 && t->tell_timer)
		(void)loop_timer_arm(t->tell_timer, 0);
}

static void tell(struct command *c)
{
	no_more_to_tell(c);
	send_spawned(c, 0, NULL);
}

static void on_tell(struct loop *loop _unused_, void *arg)
{
	struct tracer *t = arg;
	struct command *next;

	for (struct command *c = t->commands; c; c = next) {
		next = c->next;
		if (c->to_tell && !c->launched)
			slot_look(c);
		else if (c->to_tell)
			tell(c);
	}
	if (t->n_to_tell)
		(void)loop_timer_arm(t->tell_timer, TELL_NS);
}

/*
 * SPAWNED goes out with EXITED when that comes soon: a message by itself wakes
 * the server once more for every short command. By then the zygote is asked,
 * too, about a command that has made no call in its new image.
 */
static int tell_later(struct command *c)
{
	struct tracer *t = c->tracer;

	if (t->host)
		return -ENOTSUP;
	if (c->to_tell)
		return 0;
	c->to_tell = true;
	if (t->n_to_tell++ > 0)
		return 0; /* the timer runs */
	if (t->tell_timer)
		return loop_timer_arm(t->tell_timer, TELL_NS);
	return loop_add_timer(t->loop, TELL_NS, on_tell, t, &t->tell_timer);
}

static uint64_t timeval_us(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000U + (uint64_t)t.tv_usec;
}

static void send_exited(struct command *c)
{
	struct tracer *t = c->tracer;
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct proto_exited m = {
		.command_id = str_from(c->id),
		.wait_status = c->wait_status,
		.timed_out = c->timed_out,
		.leftovers_killed = c->leftovers,
		.cpu_user_us = timeval_us(c->usage.ru_utime),
		.cpu_system_us = timeval_us(c->usage.ru_stime),
		.memory_peak_kb = (uint64_t)c->usage.ru_maxrss,
	};
	int r;

	if (c->cgroup) {
		uint64_t peak = 0;

		cgroup_set_usage(c->cgroup, &peak, &m.oom_killed);
		m.memory_peak_kb = MAX(m.memory_peak_kb, peak);
	}
	if (t->host) {
		t->host->exited(t->host_arg, &m);
		return;
	}
	r = proto_exited_encode(&m, &body);
	if (r == 0)
		r = channel_send(t->heritage.channel, PROTO_EXITED,
				 c->request_id, buf_str(&body), NULL, 0);
	if (r < 0)
		(void)log_error_errno(r, "command %s: cannot report end",
				      c->id);
}

void command_end(struct command *c)
{
	no_more_to_tell(c);
	for (size_t i = 0; i < COMMAND_MAX_WORKERS; i++)
		if (c->workers[i] > 0)
			(void)kill(c->workers[i], SIGKILL);
	notify_unwatch(c);
	c->timer = loop_remove(c->timer);
	c->late = loop_remove(c->late);
	slot_leave(c);
	c->cgroup = cgroup_set_destroy(c->cgroup);
	if (c->has_group)
		trash_group_close(c->tracer->trash, c->trash_group);
	c->ended = true;
	if (c->n_requests == 0)
		(void)command_free(c);
}

static void kill_tree(struct command *c)
{
	if (c->cgroup) {
		unsigned int n = 0, others = slot_residents(c);
		int r;

		if (cgroup_set_empty(c->cgroup))
			return;
		r = cgroup_set_kill(c->cgroup, &n);
		/* Its zygote went with it: the slot is used up. */
		c->leftovers += n > others ? n - others : 1;
		if (r >= 0)
			return;
		(void)log_warn_errno(r, "command %s: cgroup kill", c->id);
	}
	c->leftovers += survivors_kill(c);
}

/* Both halves of the end are known. */
static void maybe_finish(struct command *c)
{
	struct tracer *t = c->tracer;

	if (!c->launched || !c->reaped || c->ended)
		return;
	/* What a time-out killed are not leftovers of the command. */
	kill_tree(c);
	notify_drain(c);
	quarantine_receipt(c);
	if (c->to_tell)
		tell(c);
	send_exited(c);
	command_end(c);
	slot_make(t);
}

static void on_timeout(struct loop *loop _unused_, void *arg)
{
	struct command *c = arg;

	c->timed_out = true;
	kill_tree(c);
	if (!c->reaped && c->pid > 0)
		(void)kill(c->pid, SIGKILL);
}

/*
 * The listener as our own descriptor. The child is stopped in its first
 * notified call, or about to be, so it cannot go away under us except by a
 * signal; then there is nothing to watch either.
 */
static int fetch_listener(struct command *c, int number, int passed)
{
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	c->listener = passed;
	if (c->pidfd < 0)
		return -errno;
	if (passed >= 0)
		return notify_watch(c);
	c->listener = (int)syscall(SYS_pidfd_getfd, c->pidfd, number, 0);
	return c->listener < 0 ? -errno : notify_watch(c);
}

void command_known(struct command *c, pid_t pid)
{
	c->pid = pid;
	if (c->tracer->attribution)
		attribution_set_first(c->tracer->attribution, c->place, pid);
	if (!c->slot)
		return;
	slot_known(c);
	if (tell_later(c) < 0)
		log_error("out of memory: nobody will know that %s runs",
			  c->id);
}

static void on_confined(struct command *c, const struct launch_event *e,
			int passed)
{
	int r;

	command_known(c, e->pid);
	c->confined = *e;
	c->have_confined = true;
	if (e->listener < 0)
		return;
	r = fetch_listener(c, e->listener, passed);
	if (r < 0) {
		/* It would wait forever for an answer nobody can give. */
		(void)log_error_errno(r, "command %s: no access to listener",
				      c->id);
		(void)kill(c->pid, SIGKILL);
	}
}

static void probe_over(struct loop *loop _unused_, void *arg)
{
	struct tracer *t = arg;

	session_probed(t, t->probed.pid ? &t->probed : NULL, t->probe_works);
}

/* What comes next may take away the launcher and all that follows it: not from
 * within a callback that uses them. */
static void probe_done(struct command *c)
{
	struct tracer *t = c->tracer;

	t->probed = c->confined;
	t->probe_works = c->probe_seen;
	t->probe = NULL;
	command_end(c);
	if (loop_defer(t->loop, probe_over, t) < 0)
		loop_quit(t->loop, 1);
}

void command_failed(struct command *c, int error, uint32_t step)
{
	send_spawned(c, error, step_name(step));
	command_end(c);
}

/* Waits for one that is about to exit; it may stop on its way. */
static void reap(struct tracer *t, pid_t pid)
{
	struct wait_entry w;

	do {
		if (!waits_take(&t->waits, pid, &w) &&
		    waitpid(pid, &w.status, __WALL) != pid)
			return;
	} while (t->ptracer && ptracer_waited(t->ptracer, pid, w.status));
}

static void on_done(struct command *c, const struct launch_event *e)
{
	if (c->is_probe) {
		probe_done(c);
		return;
	}
	command_launched(c, e->pid, (int)e->error, e->step);
}

/* One that came to an end before its zygote named it. */
static void adopt(struct command *c)
{
	struct orphan *o = &c->tracer->orphan;

	if (o->pid != c->pid || c->pid == 0 || c->reaped)
		return;
	c->reaped = true;
	c->wait_status = o->status;
	o->pid = 0;
}

void command_launched(struct command *c, pid_t pid, int error, uint32_t step)
{
	if (c->pid == 0 && pid > 0)
		command_known(c, pid);
	adopt(c);
	if (error) {
		/* It is exiting; its slot shall be empty. */
		if (c->slot && pid > 0 && !c->reaped)
			reap(c->tracer, pid);
		command_failed(c, error, step);
		return;
	}
	c->launched = true;
	if (!c->slot)
		slot_want(c->tracer, &c->limits);
	if (tell_later(c) < 0)
		tell(c);
	if (c->timeout_ns && !c->reaped &&
	    loop_add_timer(c->tracer->loop, c->timeout_ns, on_timeout, c,
			   &c->timer) < 0)
		on_timeout(c->tracer->loop, c); /* unbounded is not an option */
	if (!c->reaped)
		late_start(c);
	maybe_finish(c);
}

static struct command *by_launch_id(struct tracer *t, uint32_t id)
{
	for (struct command *c = t->commands; c; c = c->next)
		if (c->launch_id == id && !c->ended)
			return c;
	return NULL;
}

static struct command *by_pid(struct tracer *t, pid_t pid)
{
	for (struct command *c = t->commands; c; c = c->next)
		if (c->pid == pid && !c->reaped)
			return c;
	return NULL;
}

static void lost_launcher(struct tracer *t, int code)
{
	if (t->shutting_down)
		return;
	log_error("the launcher process ended; nothing can be started");
	loop_quit(t->loop, code);
}

void command_read_launcher(struct tracer *t)
{
	struct launch_event e;
	struct command *c;
	int r, fd;

	while (t->launcher &&
	       (r = launcher_next(t->launcher, &e, &fd)) != -EAGAIN) {
		if (r < 0) {
			lost_launcher(t, 1);
			return;
		}
		if (launcher_is_over(t->launcher))
			t->launcher_source = loop_remove(t->launcher_source);
		c = by_launch_id(t, e.id);
		if (!c)
			(void)slot_on_event(t, &e);
		if (c && e.kind == LAUNCH_CONFINED)
			on_confined(c, &e, TAKE_FD(fd));
		else if (c && e.kind == LAUNCH_DONE)
			on_done(c, &e);
		if (fd >= 0)
			(void)close(fd);
	}
}

void command_on_launcher(struct loop *loop _unused_, int fd _unused_,
			 uint32_t events _unused_, void *arg)
{
	command_read_launcher(arg);
}

pid_t *command_worker_slot(struct command *c)
{
	for (size_t i = 0; i < COMMAND_MAX_WORKERS; i++)
		if (c->workers[i] == 0)
			return &c->workers[i];
	return NULL;
}

/* A command has been asked for, and its process is not known yet. */
static bool awaits_pid(const struct tracer *t)
{
	for (const struct command *c = t->commands; c; c = c->next)
		if (c->pid == 0 && !c->ended)
			return true;
	return false;
}

/* A worker that opened something for a caller has ended. */
static bool forget_worker(struct tracer *t, pid_t pid)
{
	bool found = false;

	for (struct command *c = t->commands; c; c = c->next) {
		for (size_t i = 0; i < COMMAND_MAX_WORKERS; i++) {
			if (c->workers[i] != pid)
				continue;
			c->workers[i] = 0;
			found = true;
		}
	}
	return found;
}

/* A child of ours, or one that came back to us, has ended. */
static void on_ended(struct tracer *t, const struct wait_entry *w)
{
	struct command *c;

	/* The message that names a pid was sent before it ended. */
	if (awaits_pid(t))
		command_read_launcher(t);
	c = by_pid(t, w->pid);
	if (t->launcher && w->pid == launcher_pid(t->launcher))
		lost_launcher(t, 1);
	if (!c && slot_reaped(t, w->pid))
		return;
	if (!c) { /* a worker, or a daemon that came back to us */
		if (!forget_worker(t, w->pid) && awaits_pid(t))
			t->orphan = (struct orphan){ w->pid, w->status };
		return;
	}
	c->reaped = true;
	c->wait_status = w->status;
	c->usage = w->usage;
	if (c->slot && !c->launched)
		slot_ask(c);
	else
		maybe_finish(c);
}

#define ROUNDS_MAX 16

void command_on_sigchld(struct loop *loop _unused_, int signo _unused_,
			void *arg)
{
	struct tracer *t = arg;
	struct wait_entry w;

	/* Others than tracees have their turn as well. What is left by then has
	 * sent a signal since this one was taken, so the loop comes back. */
	for (int i = 0; i < ROUNDS_MAX; i++) {
		if (!waits_collect(&t->waits)) {
			if (t->ptracer)
				ptracer_settle(t->ptracer);
			return;
		}
		while (waits_next(&t->waits, &w))
			if (!t->ptracer ||
			    !ptracer_waited(t->ptracer, w.pid, w.status))
				on_ended(t, &w);
	}
}

static struct cgroup_limits cgroup_limits_of(const struct proto_limits *l)
{
	return (struct cgroup_limits){ .memory_bytes = l->memory_bytes,
				       .swap_bytes = l->swap_bytes,
				       .swap_set = l->swap_set,
				       .cpu_percent = l->cpu_percent,
				       .pids = l->pids };
}

struct cgroup_set *command_make_cgroup(struct tracer *t, const char *id,
				       const struct proto_limits *limits,
				       struct buf *missing)
{
	struct cgroup_limits l = cgroup_limits_of(limits);
	_cleanup_buf_ struct buf name = BUF_INIT;
	struct cgroup_set *set = NULL;
	int r;

	if (!t->cgroups)
		return NULL;
	buf_printf(&name, "agentsh-%.80s-%.80s", t->session_id, id);
	r = name.error ? name.error
		       : cgroup_set_create(t->cgroups, buf_cstr(&name), &l,
					   &set, missing);
	if (r < 0)
		(void)log_warn_errno(r, "command %s: no cgroup", id);
	return set;
}

static char *words(const struct proto_spawn *spawn)
{
	_cleanup_buf_ struct buf line = BUF_INIT;

	for (uint32_t i = 0; i < spawn->argc && line.len < 4096; i++) {
		if (i)
			buf_putc(&line, ' ');
		buf_put_str(&line, spawn->argv[i]);
	}
	return str_dup(buf_str(&line));
}

uint32_t command_group(struct command *c)
{
	struct tracer *t = c->tracer;
	int r;

	if (c->has_group || !t->trash)
		return c->trash_group;
	r = trash_group_open(t->trash, str_from(t->session_id), str_from(c->id),
			     str_from(c->line), &c->trash_group);
	c->has_group = r == 0;
	t->kept_any |= r == 0;
	if (r < 0)
		(void)log_warn_errno(r, "command %s: no undo group", c->id);
	return c->trash_group;
}

static int start(struct command *c, const struct proto_spawn *spawn,
		 const int *fds)
{
	int all[3 + CONFINE_MAX_CGROUPS];
	size_t n = 3;

	memcpy(all, fds, 3 * sizeof(*fds));
	if (c->cgroup)
		n += cgroup_set_procs_fds(c->cgroup, all + 3,
					  CONFINE_MAX_CGROUPS);
	return launcher_spawn(c->tracer->launcher, c->launch_id, spawn, all, n,
			      c->is_probe);
}

void command_spawn(struct tracer *t, uint32_t request_id,
		   const struct proto_spawn *spawn, const int *fds,
		   size_t n_fds)
{
	struct command *c;
	int r;

	if (!awaits_pid(t)) /* the number may come up again */
		t->orphan.pid = 0;
	c = command_new(t, spawn->command_id);
	if (!c) {
		log_error("out of memory: command not started");
		return;
	}
	c->request_id = request_id;
	c->timeout_ns = spawn->timeout_ns;
	c->limits = spawn->limits;
	c->decided = spawn->flags & (SPAWN_APPROVED | SPAWN_REDIRECTED);
	c->line = words(spawn);
	if (t->attribution)
		(void)attribution_add(t->attribution, spawn->command_id,
				      str_from(c->line), 0, &c->place);
	if (n_fds != 3 || !t->launcher || !t->ready_sent) {
		/* A private mount namespace is not implemented here. */
		command_failed(c, n_fds > 3 ? EOPNOTSUPP : EINVAL,
			       LAUNCH_STEP_SETUP);
		return;
	}
	if (slot_take(c)) {
		r = slot_go(c, spawn, fds);
	} else {
		c->cgroup = command_make_cgroup(t, c->id, &c->limits,
						&c->limits_missing);
		r = start(c, spawn, fds);
	}
	if (r < 0)
		command_failed(c, -r,
			       t->direct && r == -ENOENT ? LAUNCH_STEP_EXEC
							 : LAUNCH_STEP_SETUP);
}

int command_probe(struct tracer *t)
{
	struct command *c = command_new(t, STR("probe"));
	struct str argv = STR("agentsh-probe");
	struct proto_spawn spawn = { .command_id = STR("probe"),
				     .argv = &argv,
				     .argc = 1,
				     .file = STR(PROBE_FILE),
				     .cwd = STR("/") };
	int fds[3] = { 0, 1, 2 };
	int r;

	if (!c)
		return -ENOMEM;
	c->is_probe = true;
	t->probe = c;
	r = start(c, &spawn, fds);
	if (r < 0) {
		t->probe = NULL;
		(void)command_free(c);
	}
	return r;
}

void command_deliver(struct tracer *t, const struct proto_signal *m)
{
	for (struct command *c = t->commands; c; c = c->next) {
		if (c->ended || !str_eq_c(m->command_id, c->id) || c->pid <= 0)
			continue;
		if (m->signo == SIGKILL) {
			kill_tree(c);
			if (!c->reaped)
				(void)kill(c->pid, SIGKILL);
		} else if (!c->reaped && m->signo > 0 && m->signo < NSIG) {
			/* Its own group: it was made the leader of one. */
			if (kill(-c->pid, m->signo) < 0)
				(void)kill(c->pid, m->signo);
		}
		return;
	}
}

void command_kill_all(struct tracer *t)
{
	for (struct command *c = t->commands; c; c = c->next) {
		if (c->ended || c->pid <= 0)
			continue;
		kill_tree(c);
		if (!c->reaped)
			(void)kill(c->pid, SIGKILL);
	}
}

void command_end_all(struct tracer *t)
{
	struct command *next;

	for (struct command *c = t->commands; c; c = next) {
		next = c->next;
		if (!c->ended)
			command_end(c);
	}
	slots_done(t);
}
