/* SPDX-License-Identifier: MIT */
/*
 * exec.c - the pipeline of one command: check, approve, rewrite, run, end
 *
 * The pre-check judges the command as it was asked for, before anything runs.
 * It is not what enforces the policy - the tracer judges every execve again -
 * but it can refuse by name what is not installed, rewrite, and explain.
 */
#include "server/exec.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "server/approvals.h"
#include "server/dlp.h"
#include "server/peer.h"
#include "server/reload.h"
#include "server/worker.h"

#define DEFAULT_TIMEOUT_NS (300ULL * 1000000000)
#define EXEC_ARENA_MAX     (64U << 20)
#define REDIRECT_MAX       64
#define START_TIMEOUT_NS   (20ULL * 1000000000)

bool command_id_valid(struct str id)
{
	static const char SHAPE[] = "cmd-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (id.n != sizeof(SHAPE) - 1)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];
		bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');

		if (SHAPE[i] == 'x' ? !hex : c != SHAPE[i])
			return false;
	}
	return true;
}

void command_set_error(struct command *c, int exit_code, const char *code,
		       const char *message)
{
	c->exit_code = exit_code;
	c->error = (struct exec_error){ code, message };
}

/* ---- events about the command ---- */

static void add_json(struct event *e, const char *key, const struct buf *b)
{
	if (e->n_fields < EVENT_MAX_FIELDS && b->error == 0)
		e->fields[e->n_fields++] = (struct event_field){
			.key = key, .type = EVENT_JSON, .str = buf_str(b)
		};
}

static struct event base_event(const struct command *c, const char *type)
{
	return (struct event){ .type = str_from(type),
			       .session_id = str_from(c->session->id),
			       .command_id = str_from(c->id),
			       .depth = -1 };
}

static int emit_policy(struct command *c, bool permitted)
{
	struct event e = base_event(c, "command_policy");
	_cleanup_buf_ struct buf args = BUF_INIT;

	json_str_array(&args, c->rq.args, c->rq.n_args);
	e.operation = STR("command_precheck");
	e.has_policy = true;
	e.decision = c->verdict.kind;
	e.effective_decision = permitted ? VERDICT_ALLOW : VERDICT_DENY;
	e.rule = c->rule;
	e.message = c->message;
	e.generation = c->verdict.generation;
	if (c->approval_mode) {
		e.approval_required = true;
		e.approval_mode = str_from(c->approval_mode);
		e.approval_id = str_from(c->approval_id);
	}
	if (c->redirected)
		e.redirect_to = c->command;
	event_add_str(&e, "command", c->rq.command);
	add_json(&e, "args", &args);
	return app_emit(c->app, &e);
}

static int emit_redirected(struct command *c)
{
	struct event e = base_event(c, "command_redirected");
	_cleanup_buf_ struct buf from = BUF_INIT, to = BUF_INIT;

	json_str_array(&from, c->rq.args, c->rq.n_args);
	json_str_array(&to, c->args, c->n_args);
	event_add_str(&e, "from_command", c->rq.command);
	add_json(&e, "from_args", &from);
	event_add_str(&e, "to_command", c->command);
	add_json(&e, "to_args", &to);
	return app_emit(c->app, &e);
}

static int emit_started(struct command *c)
{
	struct event e = base_event(c, "command_started");
	_cleanup_buf_ struct buf args = BUF_INIT;

	json_str_array(&args, c->args, c->n_args);
	event_add_str(&e, "command", c->command);
	add_json(&e, "args", &args);
	return app_emit(c->app, &e);
}

static void emit_finished(struct command *c)
{
	struct event e = base_event(c, "command_finished");

	e.pid = c->pid;
	event_add_int(&e, "exit_code", c->exit_code);
	event_add_int(&e, "duration_ms", c->duration_ms);
	event_add_int(&e, "cpu_user_ms", (int64_t)(c->cpu_user_us / 1000));
	event_add_int(&e, "cpu_system_ms", (int64_t)(c->cpu_system_us / 1000));
	event_add_int(&e, "memory_peak_kb", (int64_t)c->memory_peak_kb);
	if (c->oom_killed)
		event_add_bool(&e, "oom_killed", true);
	if (c->timed_out)
		event_add_bool(&e, "timed_out", true);
	if (c->error.code)
		event_add_str(&e, "error", str_from(c->error.message));
	(void)app_emit(c->app, &e); /* it has happened; logged by app_emit */
}

/* ---- the end ---- */

/* What is stored has no secrets in it, whatever the caller was shown. */
static int stored_text(const struct command *c, const struct command_output *o,
		       struct buf *out)
{
	if (!o->redact)
		return server_dlp_text(c->app, buf_str(&o->data), out);
	buf_put_str(out, buf_str(&o->data));
	return out->error;
}

static void store_output(struct command *c)
{
	struct audit_output o = {
		.stdout_truncated = c->out.total > c->out.data.len,
		.stderr_truncated = c->err.total > c->err.data.len,
	};
	_cleanup_buf_ struct buf out = BUF_INIT, err = BUF_INIT;
	int r;

	if (c->mode == EXEC_FDS)
		return;
	r = stored_text(c, &c->out, &out);
	if (r == 0)
		r = stored_text(c, &c->err, &err);
	o.stdout_data = buf_str(&out);
	o.stderr_data = buf_str(&err);
	o.stdout_total = c->out.total - c->out.data.len + out.len;
	o.stderr_total = c->err.total - c->err.data.len + err.len;
	if (r == 0)
		r = audit_output_put(c->app->store, str_from(c->session->id),
				     str_from(c->id), &o);
	if (r < 0)
		log_warn_errno(r, "cannot store the output of %s", c->id);
}

static void command_free(struct command *c)
{
	if (c->link) {
		*c->link = c->next;
		if (c->next)
			c->next->link = c->link;
		c->session->n_commands--;
		peer_commands_changed(c->app);
	}
	command_started(c);
	c->timer = loop_remove(c->timer);
	c->start_timer = loop_remove(c->start_timer);
	redact_tty_free(c);
	output_done(&c->out);
	output_done(&c->err);
	for (size_t i = 0; i < ARRAY_LEN(c->fds); i++)
		if (c->fds[i] >= 0)
			(void)close(c->fds[i]);
	if (c->pty >= 0)
		(void)close(c->pty);
	buf_done(&c->seen.blocked);
	buf_done(&c->seen.notes);
	buf_done(&c->extra_stderr);
	arena_done(&c->arena);
	free(c);
}

void command_finish(struct command *c)
{
	if (c->state == COMMAND_ENDED)
		return;
	c->state = COMMAND_ENDED;
	approvals_drop_command(c->app, c);
	if (c->started_mono)
		c->duration_ms =
			(int64_t)((clock_monotonic_ns() - c->started_mono) /
				  1000000);
	redact_record(c);
	if (c->started_mono)
		emit_finished(c);
	store_output(c);
	session_touch(c->session);
	exec_answer(c);
	/* Committed behind the answer, but before anything else is asked: no
	 * client waits for the disk, and none can look before this is done. A
	 * full disk is told and retried by the timer. */
	(void)audit_flush(c->app->store);
	command_free(c);
}

void command_abort(struct command *c, const char *why)
{
	command_set_error(c, EXEC_EXIT_NOT_RUN, "E_COMMAND_FAILED", why);
	buf_puts(&c->extra_stderr, "agentsh: ");
	buf_put_plain(&c->extra_stderr, str_from(why));
	buf_putc(&c->extra_stderr, '\n');
	command_finish(c);
}

static void on_client_gone(void *arg)
{
	struct command *c = arg;

	c->conn = NULL;
	if (c->state < COMMAND_WAIT_SPAWN) {
		command_abort(c, "the client went away");
		return;
	}
	(void)command_signal(c, SIGKILL);
}

/* ---- the check ---- */

static struct str keep(struct command *c, const struct buf *b)
{
	char *p = arena_dup(&c->arena, buf_str(b));

	return p ? str_from_n(p, b->len) : STR_NONE;
}

/* Does a script that cannot be read ahead wait for what it executes? */
static bool exec_is_enforced(const struct session *s)
{
	switch (s->app->cfg.opaque) {
	case CONFIG_OPAQUE_ALLOW:
		return true;
	case CONFIG_OPAQUE_DENY:
		return false;
	case CONFIG_OPAQUE_ENFORCE:
		break;
	}
	return s->exec_enforced;
}

/*
 * "./tool" and "bin/tool" are files in the command's directory; rules speak of
 * whole paths. What it resolves to is judged again when it is executed.
 */
static struct str absolute_command(struct command *c)
{
	_cleanup_buf_ struct buf dir = BUF_INIT, path = BUF_INIT;
	struct str command = c->rq.command;

	if (str_index(command, '/') <= 0 ||
	    session_real_path(c->session, c->rq.working_dir, &dir) < 0 ||
	    path_join(buf_str(&dir), command, &path) < 0)
		return command;
	return keep(c, &path);
}

static void check(struct command *c)
{
	size_t argc = c->rq.n_args + 1;
	struct str *argv = arena_alloc(&c->arena, argc * sizeof(*argv));
	const struct policy *p = c->session->policy;
	_cleanup_buf_ struct buf message = BUF_INIT;
	struct op op = { .kind = OP_EXEC };

	if (!argv)
		return; /* a zeroed verdict denies */
	argv[0] = c->rq.argv0.n ? c->rq.argv0 : c->rq.command;
	for (size_t i = 1; i < argc; i++)
		argv[i] = c->rq.args[i - 1];
	op.exec = (struct op_exec){ .path = absolute_command(c),
				    .names = &c->rq.command,
				    .n_names = 1,
				    .argv = argv,
				    .argc = argc,
				    .precheck = true,
				    .exec_enforced =
					    exec_is_enforced(c->session) };
	c->verdict = policy_decide(p, &op);
	c->rule = policy_rule_name(p, c->verdict);
	policy_rule_message(p, c->verdict, &op, &message);
	c->message = keep(c, &message);
}

static int rewrite(struct command *c)
{
	struct str *args = arena_alloc(&c->arena, REDIRECT_MAX * sizeof(*args));
	struct str *env = arena_alloc(&c->arena, REDIRECT_MAX * sizeof(*env));
	struct policy_redirect to;
	int r;

	if (!args || !env)
		return -ENOMEM;
	r = policy_rule_redirect(c->session->policy, c->verdict, &to, args,
				 REDIRECT_MAX, env, REDIRECT_MAX);
	if (r < 0)
		return r;
	c->command = to.target;
	c->argv0 = STR_NONE;
	c->args = to.args;
	c->n_args = to.n_args;
	c->redirect_env = to.environment;
	c->n_redirect_env = to.n_environment;
	c->redirected = true;
	return 0;
}

static void deny(struct command *c, const char *code, const char *message)
{
	command_set_error(c, EXEC_EXIT_DENIED, code, message);
	if (emit_policy(c, /* permitted */ false) < 0)
		log_error("a denial of %s is not on record", c->id);
	command_finish(c);
}

/* Judged and permitted: on record first, then it runs. */
static void go(struct command *c)
{
	int r = emit_policy(c, /* permitted */ true);

	if (r == 0 && c->redirected)
		r = emit_redirected(c);
	if (r == 0)
		r = emit_started(c);
	if (r < 0) {
		command_abort(c, "the command cannot be recorded");
		return;
	}
	c->app->metrics.commands_total++;
	c->started_ns = clock_realtime_ns();
	c->started_mono = clock_monotonic_ns();
	if (builtin_run(c))
		command_finish(c);
	else
		command_run(c);
}

static void ask(struct command *c)
{
	struct approval_ask q = {
		.session = c->session,
		.command = c,
		.command_id = str_from(c->id),
		.kind = STR("command"),
		.target = c->rq.command,
		.rule = c->rule,
		.message = c->message,
		.timeout_ns =
			policy_rule_timeout(c->session->policy, c->verdict),
	};

	if (!c->app->cfg.approvals) {
		/* Approvals are off: what would have been asked is noted. */
		c->approval_mode = "shadow";
		go(c);
		return;
	}
	c->approval_mode = "enforced";
	c->state = COMMAND_WAIT_APPROVAL;
	if (approval_ask(&q, c->approval_id) < 0)
		deny(c, "E_APPROVAL_DENIED",
		     "command denied (approval required)");
}

void command_approved(struct command *c, bool approved, bool timed_out)
{
	if (c->state != COMMAND_WAIT_APPROVAL)
		return;
	c->approved = approved;
	if (approved)
		go(c);
	else if (timed_out)
		deny(c, "E_APPROVAL_TIMEOUT",
		     "command denied (approval timed out)");
	else
		deny(c, "E_APPROVAL_DENIED",
		     "command denied (approval required)");
}

void command_proceed(struct command *c)
{
	struct session *s = c->session;

	if (c->state != COMMAND_WAIT_TRACER ||
	    s->tracer_state == WORKER_STARTING ||
	    s->proxy_state == WORKER_STARTING)
		return;
	if (s->unmet.len) {
		command_abort(c, buf_cstr(&s->unmet));
		return;
	}
	check(c);
	switch (c->verdict.kind) {
	case VERDICT_ALLOW:
	case VERDICT_AUDIT:
	case VERDICT_SOFT_DELETE:
		go(c);
		return;
	case VERDICT_APPROVE:
		ask(c);
		return;
	case VERDICT_REDIRECT:
		if (rewrite(c) == 0) {
			go(c);
			return;
		}
		break;
	case VERDICT_DENY:
	case VERDICT_KIND_MAX:
		break;
	}
	deny(c, "E_POLICY_DENIED", "command denied by policy");
}

/* ---- the beginning ---- */

static void set_timeout(struct command *c)
{
	int64_t max = c->session->limits.command_timeout_ns;
	int64_t asked = c->rq.timeout_ns;

	if (asked <= 0)
		asked = max > 0 ? max : (int64_t)DEFAULT_TIMEOUT_NS;
	if (max > 0 && asked > max)
		asked = max;
	c->timeout_ns = (uint64_t)asked;
}

static void remember(struct session *s, const struct exec_request *rq)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	char *text;

	buf_put_str(&line, rq->command);
	for (size_t i = 0; i < rq->n_args && line.len < 4096; i++)
		buf_printf(&line, " " STR_FMT, STR_ARG(rq->args[i]));
	text = buf_take(&line);
	if (s->history.n >= SESSION_MAX_HISTORY) {
		free(s->history.data[0]);
		memmove(s->history.data, s->history.data + 1,
			(s->history.n - 1) * sizeof(*s->history.data));
		s->history.n--;
	}
	if (!text || vec_push(&s->history, text) < 0)
		free(text); /* a convenience only */
}

static void on_start_timeout(struct loop *l, void *arg)
{
	struct command *c = arg;

	(void)l;
	if (c->state != COMMAND_WAIT_TRACER)
		return;
	/* The tracer's death ends this command and all that wait with it;
	 * without the proxy the tracer starts alone. */
	if (c->session->tracer)
		worker_kill(c->session->tracer);
	else if (c->session->proxy)
		worker_kill(c->session->proxy);
	else
		command_abort(c, "the session's sandbox did not start in time");
}

static struct command *command_new(const struct command_start *o)
{
	struct command *c = calloc(1, sizeof(*c));
	char uuid[UUID_LEN + 1];

	if (!c)
		return NULL;
	c->app = o->session->app;
	c->session = o->session;
	c->mode = o->mode;
	c->tty = o->tty;
	c->arena = ARENA_INIT(EXEC_ARENA_MAX);
	c->pty = c->out.fd = c->err.fd = -1;
	c->fds[0] = c->fds[1] = c->fds[2] = -1;
	c->out.command = c->err.command = c;
	c->err.is_stderr = true;
	if (o->id.n) {
		(void)snprintf(c->id, sizeof(c->id), STR_FMT, STR_ARG(o->id));
	} else {
		uuid4(uuid);
		(void)snprintf(c->id, sizeof(c->id), "cmd-%s", uuid);
	}
	return c;
}

static int refuse(struct command *c, unsigned int *ret_status,
		  unsigned int status, int r)
{
	*ret_status = status;
	command_free(c);
	return r;
}

int command_start(const struct command_start *o, struct command **ret,
		  unsigned int *ret_status, struct buf *err)
{
	struct session *s = o->session;
	struct command *c;
	int r;

	if (o->id.n && session_command(s, o->id)) {
		*ret_status = 409;
		buf_puts(err, "command id is in use");
		return -EEXIST;
	}
	c = command_new(o);
	if (!c)
		return -ENOMEM;
	r = exec_request_parse(c, o->body, err);
	if (r < 0)
		return refuse(c, ret_status, r == -ENOMEM ? 500 : 400, r);
	exec_request_trace(c, o->traceparent);
	reload_renew_floor(s);
	s->wanted = true;
	r = session_need_tracer(s);
	if (r < 0) {
		buf_printf(err, "the session's sandbox did not start: %s",
			   strerror(-r));
		return refuse(c, ret_status, 503, r);
	}
	r = loop_add_timer(c->app->loop, START_TIMEOUT_NS, on_start_timeout, c,
			   &c->start_timer);
	if (r < 0)
		return refuse(c, ret_status, 500, r);
	for (size_t i = 0; o->fds && i < 3; i++)
		c->fds[i] = o->fds[i];
	c->command = c->rq.command;
	c->argv0 = c->rq.argv0;
	c->args = c->rq.args;
	c->n_args = c->rq.n_args;
	set_timeout(c);
	remember(s, &c->rq);
	session_touch(s);
	c->next = s->commands;
	c->link = &s->commands;
	if (c->next)
		c->next->link = &c->next;
	s->commands = c;
	s->n_commands++;
	if (c->app->http)
		http_server_busy(c->app->http, true);
	c->conn = o->conn;
	if (c->conn)
		http_on_gone(c->conn, on_client_gone, c);
	*ret = c;
	return 0;
}
