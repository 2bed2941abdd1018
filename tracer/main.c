/* SPDX-License-Identifier: MIT */
/*
 * main.c - agentsh-tracer: starts and supervises the commands of one session
 *
 * Born of the server with the descriptors of core/heritage.h. One thread, one
 * epoll loop. When the channel closes, the server is gone: every command is
 * killed, because nobody could record what it does.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/log.h"
#include "base/mark.h"
#include "core/attribution.h"
#include "core/ports.h"
#include "tracer/command.h"
#include "tracer/tracer.h"

#define HEAP_KEPT (1 << 20)

static int on_hello(struct tracer *t, struct channel_msg *m)
{
	struct proto_hello hello;
	int r = proto_hello_decode(m->body, &hello);

	if (r == 0 && m->n_fds > 0 && !t->proxies &&
	    ports_map(m->fds[m->n_fds - 1], &t->proxies) == 0)
		(void)close(m->fds[--m->n_fds]);
	/* There is a file system that asks for whom we act. */
	if (r == 0 && m->n_fds > 0 && !t->attribution &&
	    attribution_map(m->fds[m->n_fds - 1], &t->attribution) == 0) {
		(void)close(m->fds[--m->n_fds]);
		attribution_reset(t->attribution);
	}
	return r < 0 ? r : session_start(t, &hello, m);
}

static int on_spawn(struct tracer *t, const struct channel_msg *m)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(CHANNEL_BODY_MAX);
	struct proto_spawn spawn;
	int r = proto_spawn_decode(m->body, &a, &spawn);

	if (r < 0)
		return r;
	command_spawn(t, m->id, &spawn, m->fds, m->n_fds);
	return 0;
}

static int on_signal(struct tracer *t, const struct channel_msg *m)
{
	struct proto_signal s;
	int r = proto_signal_decode(m->body, &s);

	if (r == 0)
		command_deliver(t, &s);
	return r;
}

/* New rules for what is judged; the floor of the session stays as it is. */
static int on_policy(struct tracer *t, struct channel_msg *m)
{
	struct policy *fresh;
	int r;

	if (m->n_fds != 1 || !t->guard)
		return -EPROTO;
	r = policy_from_fd(TAKE_FD(m->fds[0]), &fresh);
	if (r < 0)
		return log_error_errno(r, "new policy refused, old one stays"),
		       0;
	guard_set_policy(t->guard, fresh);
	(void)policy_unref(t->policy);
	t->policy = fresh;
	return session_policy_changed(t);
}

static int on_approval(struct tracer *t, const struct channel_msg *m)
{
	struct proto_approval a;
	int r = proto_approval_decode(m->body, &a);

	if (r == 0 && t->guard)
		guard_answer(t->guard, (int)m->id, a.approved);
	return r;
}

static int dispatch(void *arg, struct channel_msg *m)
{
	struct tracer *t = arg;

	switch ((enum proto_type)m->type) {
	case PROTO_HELLO:
		return on_hello(t, m);
	case PROTO_SPAWN:
		return on_spawn(t, m);
	case PROTO_SIGNAL:
		return on_signal(t, m);
	case PROTO_POLICY:
		return on_policy(t, m);
	case PROTO_APPROVAL:
		return on_approval(t, m);
	case PROTO_SHUTDOWN:
		loop_quit(t->loop, 0);
		return 0;
	case PROTO_READY:
	case PROTO_SPAWNED:
	case PROTO_EXITED:
	case PROTO_APPROVAL_ASK:
	case PROTO_NOTICE:
	case PROTO_REPLY:
		break;
	}
	return -EPROTO;
}

/* How long a person has; 0 = as the server says. Somebody who is held by ptrace
 * cannot even be stopped by ^C meanwhile. */
static uint64_t patience(const struct tracer *t, int64_t timeout_ns)
{
	uint64_t ns = timeout_ns > 0 ? (uint64_t)timeout_ns : 0;
	uint64_t hold = t->by_ptrace ? t->settings.ptrace_hold_ns : 0;

	return hold && (ns == 0 || hold < ns) ? hold : ns;
}

/* The ticket of an approval is the id of its message. */
static int ask_server(void *arg, const struct op *op, struct str rule,
		      struct str message, int64_t timeout_ns)
{
	struct tracer *t = arg;
	_cleanup_buf_ struct buf body = BUF_INIT, place = BUF_INIT;
	struct proto_approval_ask ask = {
		.command_id = str_from(t->asking),
		.kind = str_from(op_kind_to_string(op->kind)),
		.target = op->kind == OP_EXEC   ? op->exec.path
			  : op->kind == OP_FILE ? op->file.path
			  : op->kind == OP_UNIX ? op->un.path
						: op->net.host,
		.rule = rule,
		.message = message,
		.timeout_ns = patience(t, timeout_ns),
	};
	uint32_t ticket = ++t->next_ticket & 0x7fffffff;
	int r;

	if (op->kind == OP_NET && !op->net.host.n) {
		struct addr a;

		memcpy(a.b, op->net.addr, sizeof(a.b));
		addr_format(&a, &place);
		buf_printf(&place, ":%u", (unsigned int)op->net.port);
		ask.target = buf_str(&place);
	}
	r = place.error ? place.error : proto_approval_ask_encode(&ask, &body);
	if (r == 0)
		r = channel_send(t->heritage.channel, PROTO_APPROVAL_ASK,
				 ticket, buf_str(&body), NULL, 0);
	return r < 0 ? r : (int)ticket;
}

static int run(struct tracer *t)
{
	int r = loop_new(&t->loop);

	if (r < 0)
		return r;
	r = loop_add_signal(t->loop, SIGCHLD, command_on_sigchld, t);
	if (r < 0)
		return r;
	r = heritage_serve(&t->heritage, t->loop, dispatch, t);
	if (r < 0)
		return r;
	r = loop_run(t->loop);
	t->shutting_down = true;
	if (t->guard)
		guard_cancel_all(t->guard);
	command_kill_all(t);
	command_end_all(t);
	t->heritage.source = loop_remove(t->heritage.source);
	return r;
}

int main(void)
{
	struct tracer t = { .landlock_fd = -1,
			    .own_landlock_fd = -1,
			    .net_ns = -1,
			    .user_ns = -1 };
	int r;

	log_inherit("agentsh-tracer");
	(void)mark_self(); /* no more than what other servers know us by */
	(void)signal(SIGPIPE, SIG_IGN);
	/* Every call allocates a little and frees it: the top of the heap is
	 * not to be given back and asked for again each time. */
	(void)mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
	(void)mallopt(M_TOP_PAD, HEAP_KEPT / 4);
	/* Modes of what we make for callers follow their umask, not ours. */
	t.umask = umask(0);
	r = heritage_adopt(&t.heritage);
	if (r < 0) {
		(void)log_error_errno(r, "started by agentsh server only");
		return 2;
	}
	t.approver = (struct approver){ .ask = ask_server, .arg = &t };
	r = run(&t);
	session_done(&t);
	t.attribution = attribution_unmap(t.attribution);
	t.proxies = ports_unmap(t.proxies);
	heritage_done(&t.heritage);
	(void)loop_free(t.loop);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
