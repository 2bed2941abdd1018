/* SPDX-License-Identifier: MIT */
/*
 * inproc.c - one command under a policy, supervised by the calling process
 *
 * The same session as agentsh-tracer's, without a channel: what the server
 * would be told comes back as a result. The command is forked from this very
 * process, and its own execve is the dry run: if no listener could be had, the
 * fork says so before it runs anything, and launcher and dry run follow as in a
 * session, which then may end up on the static floor.
 */
#include "tracer/inproc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mark.h"
#include "tracer/command.h"
#include "tracer/tracer.h"

struct here {
	struct tracer t;
	const struct inproc *in;
	struct inproc_result result;
	bool done;
};

static void over(struct here *h)
{
	h->done = true;
	loop_quit(h->t.loop, 0);
}

static void failed(struct here *h, int error, struct str step)
{
	h->result.error = error;
	(void)snprintf(h->result.step, sizeof(h->result.step), STR_FMT,
		       STR_ARG(step));
	over(h);
}

static void on_ready(void *arg)
{
	struct here *h = arg;
	/* Directly, its exec is recorded, or it does not happen. */
	int r = h->t.direct ? 0 : h->in->flush(h->in->sink.arg);

	if (r < 0)
		failed(h, -r, STR("record"));
	else
		command_spawn(&h->t, 1, h->in->spawn, h->in->fds, 3);
}

static void on_spawned(void *arg, const struct proto_spawned *m)
{
	struct here *h = arg;

	if (m->error == 0) {
		h->result.pid = m->pid;
		return;
	}
	if (h->t.direct && str_eq_c(m->step, "seccomp") &&
	    session_start_over(&h->t) == 0)
		return;
	failed(h, m->error, m->step);
}

static void on_exited(void *arg, const struct proto_exited *m)
{
	struct here *h = arg;

	h->result.wait_status = m->wait_status;
	h->result.timed_out = m->timed_out;
	h->result.oom_killed = m->oom_killed;
	h->result.leftovers = m->leftovers_killed;
	h->result.cpu_user_us = m->cpu_user_us;
	h->result.cpu_system_us = m->cpu_system_us;
	h->result.memory_peak_kb = m->memory_peak_kb;
	over(h);
}

static const struct tracer_host host = { on_ready, on_spawned, on_exited };

/* A terminal's interrupt is for its whole group; what others send is for us
 * alone. */
static void on_signal(struct loop *loop _unused_, int signo, void *arg)
{
	struct here *h = arg;
	struct proto_signal m = { .command_id = h->in->spawn->command_id,
				  .signo = signo };

	if (!h->in->same_group || (signo != SIGINT && signo != SIGQUIT))
		command_deliver(&h->t, &m);
}

static int prepare(struct here *h)
{
	static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	int r = loop_new(&h->t.loop);

	if (r == 0)
		r = loop_add_signal(h->t.loop, SIGCHLD, command_on_sigchld,
				    &h->t);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(passed_on); i++)
		r = loop_add_signal(h->t.loop, passed_on[i], on_signal, h);
	return r;
}

static int run(struct here *h)
{
	int r = prepare(h);

	(void)mark_self(); /* no more than what servers know us by */
	if (r == 0)
		r = session_start_here(&h->t, h->in->hello, h->in->policy);
	if (r == 0)
		r = h->done ? 0 : loop_run(h->t.loop);
	h->t.shutting_down = true;
	if (h->t.guard)
		guard_cancel_all(h->t.guard);
	command_kill_all(&h->t);
	command_end_all(&h->t);
	session_done(&h->t);
	return r < 0 ? r : h->done ? 0 : -EIO;
}

int inproc_run(const struct inproc *in, struct inproc_result *ret)
{
	_cleanup_free_ struct here *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->in = in;
	h->t.landlock_fd = h->t.own_landlock_fd = h->t.net_ns = h->t.user_ns =
		-1;
	h->t.heritage.policy_fd = -1;
	h->t.host = &host;
	h->t.host_arg = h;
	h->t.sink = in->sink;
	h->t.same_group = in->same_group;
	h->t.no_cgroup = in->no_cgroup;
	h->t.pids_limit = in->spawn->limits.pids;
	h->t.closed_port = in->closed_port;
	/* Modes of what we make for callers follow their umask, not ours. */
	h->t.umask = umask(0);
	r = run(h);
	h->t.loop = loop_free(h->t.loop);
	if (r == 0)
		*ret = h->result;
	return r;
}
