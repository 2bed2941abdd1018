/* SPDX-License-Identifier: MIT */
/*
 * api_exec.c - running, signalling and killing commands over HTTP
 *
 * A local client may lend its own stdin, stdout and stderr: three descriptors
 * sent with the first bytes of the request, announced by X-Agentsh-Stdio.
 */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/num.h"
#include "server/api.h"

/* 0 and fds filled, 1 not asked for, -errno after an answer was sent. */
static int lent_fds(struct call *k, int fds[3], bool *ret_tty)
{
	struct str how = http1_header(k->rq->head, "x-agentsh-stdio");
	int got[3];
	size_t n = http_take_fds(k->conn, got);

	if (how.n && http_peer(k->conn)->local && n == 3 &&
	    (str_eq_c(how, "fds") || str_eq_c(how, "tty"))) {
		for (size_t i = 0; i < 3; i++)
			fds[i] = got[i];
		*ret_tty = str_eq_c(how, "tty");
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		(void)close(got[i]);
	if (how.n == 0)
		return 1;
	http_reply_error(k->conn, 400,
			 "X-Agentsh-Stdio needs the local socket and three "
			 "descriptors");
	return -EINVAL;
}

static void run(struct call *k, enum exec_mode mode)
{
	_cleanup_buf_ struct buf err = BUF_INIT;
	struct command_start o = { .session = k->session,
				   .conn = k->conn,
				   .mode = mode,
				   .body = k->rq->body };
	struct command *c = NULL;
	unsigned int status = 500;
	int fds[3], r;

	o.traceparent = http1_header(k->rq->head, "traceparent");
	o.id = http1_header(k->rq->head, "x-agentsh-command-id");
	if (o.id.n && !command_id_valid(o.id)) {
		http_reply_error(k->conn, 400, "invalid command id");
		return;
	}
	r = lent_fds(k, fds, &o.tty);
	if (r < 0)
		return;
	if (r == 0) {
		o.mode = EXEC_FDS;
		o.fds = fds;
	}
	r = command_start(&o, &c, &status, &err);
	if (r < 0) {
		for (size_t i = 0; o.fds && i < 3; i++)
			(void)close(fds[i]);
		http_reply_error(k->conn, status, "%s",
				 err.len ? buf_cstr(&err) : strerror(-r));
		return;
	}
	command_proceed(c);
}

void api_exec(struct call *k)
{
	run(k, EXEC_JSON);
}

void api_exec_stream(struct call *k)
{
	run(k, EXEC_STREAM);
}

void api_pty(struct call *k)
{
	if (pty_start(k->session, k->conn, k->rq) < 0)
		http_reply_error(k->conn, 400, "websocket upgrade required");
}

static const struct {
	const char *name;
	int signo;
} SIGNALS[] = {
	{ "INT", SIGINT },   { "TERM", SIGTERM },   { "HUP", SIGHUP },
	{ "QUIT", SIGQUIT }, { "KILL", SIGKILL },   { "STOP", SIGSTOP },
	{ "TSTP", SIGTSTP }, { "CONT", SIGCONT },   { "USR1", SIGUSR1 },
	{ "USR2", SIGUSR2 }, { "WINCH", SIGWINCH },
};

static int parse_signal(struct str name)
{
	int64_t n = 0;

	if (str_starts(name, STR("SIG")))
		name = str_skip(name, 3);
	for (size_t i = 0; i < ARRAY_LEN(SIGNALS); i++)
		if (str_eq_c(name, SIGNALS[i].name))
			return SIGNALS[i].signo;
	if (num_parse_range(name, 1, 31, &n) == 0)
		return (int)n;
	return -EINVAL;
}

static void deliver(struct call *k, int signo)
{
	struct command *c = session_command(k->session, buf_str(&k->param[1]));
	struct event e = EVENT_INIT("command_killed");
	int r;

	if (!c) {
		http_reply_error(k->conn, 404, "command not running");
		return;
	}
	e.session_id = str_from(k->session->id);
	e.command_id = str_from(c->id);
	e.pid = c->pid;
	event_add_int(&e, "signal", signo);
	if (signo == SIGKILL && c->state < COMMAND_WAIT_SPAWN) {
		command_abort(c, "the command was killed");
		r = 0;
	} else {
		r = command_signal(c, signo);
	}
	if (r < 0) {
		http_reply_error(k->conn, 409, "command pid not available");
		return;
	}
	if (signo == SIGKILL) {
		e.command_id = buf_str(&k->param[1]); /* c may be gone */
		(void)app_emit(k->app, &e);
	}
	http_reply(k->conn, 200, "application/json", STR("{\"ok\":true}\n"));
}

void api_kill(struct call *k)
{
	deliver(k, SIGKILL);
}

void api_signal(struct call *k)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	const struct json *doc = api_body(k, &a);
	int signo;

	if (!doc)
		return;
	signo = parse_signal(json_get_str(doc, "signal"));
	if (signo < 0)
		http_reply_error(k->conn, 400, "unknown signal");
	else
		deliver(k, signo);
}
