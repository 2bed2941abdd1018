/* SPDX-License-Identifier: MIT */
/*
 * oneshot.c - `agentsh run`: one command under the policy, without a server
 *
 * What a session would be lasts for one command: the same policy, the same
 * supervisor (tracer/inproc.h), the same events, kept in the spool until a
 * server opens the database (audit/spool.h). Who needs an answer while the
 * command runs, an approval, gets no; there is no proxy, so that connections
 * are judged by address alone.
 */
#include "server/oneshot.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/spool.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"
#include "core/limits.h"
#include "core/receipt.h"
#include "server/oneshot_plan.h"
#include "tracer/inproc.h"

#define EXIT_TIMED_OUT 124
#define EXIT_DENIED    126
#define EXIT_NOT_RUN   127
#define REDIRECT_MAX   64
#define ENV_MAX        4096

struct run {
	const struct oneshot *o;
	struct arena arena;
	struct oneshot_plan plan;
	struct spool spool;
	int record_error; /* the first of the spool's */
	char session[64], command[64];
	char workspace[PATH_MAX], cwd[PATH_MAX];
	struct verdict verdict;
	struct str file; /* the command, perhaps another than asked for */
	const struct str *argv;
	size_t argc;
	const struct str *redirect_env;
	size_t n_redirect_env;
	struct receipt receipt;
	VEC(struct str) env;
	uint64_t started;
	bool net_denied; /* a connection to an address that no rule allows */
};

/* The first failure is told at the end: it is why things were refused. */
static int recorded(struct run *r, int e)
{
	if (e < 0 && r->record_error == 0)
		r->record_error = e;
	return e;
}

static int emit(void *arg, const struct event *e)
{
	struct run *r = arg;

	r->net_denied |=
		e->effective_decision == VERDICT_DENY &&
		str_eq_c(e->type, "net_connect") &&
		(e->rule.n == 0 || str_starts(e->rule, STR("default-deny")));
	if (str_eq_c(e->type, "undo_receipt"))
		r->receipt = receipt_of(e);
	return r->plan.spool.n ? recorded(r, spool_append(&r->spool, e)) : 0;
}

static void tell_receipt(const struct run *r)
{
	_cleanup_buf_ struct buf undo = BUF_INIT, text = BUF_INIT;

	if (!r->receipt.present || r->o->quiet)
		return;
	buf_printf(&undo, "agentsh undo --command %s", r->command);
	receipt_text(&r->receipt, buf_str(&undo), &text);
	if (text.error == 0)
		(void)fd_write_full(STDERR_FILENO, text.data, text.len);
}

static int flush(void *arg)
{
	struct run *r = arg;

	return r->plan.spool.n ? recorded(r, spool_flush(&r->spool)) : 0;
}

static int record(struct run *r, struct event *e)
{
	e->session_id = str_from(r->session);
	e->command_id = str_from(r->command);
	return emit(r, e);
}

/* Written with what comes next, which is the command's exec. */
static int record_soon(struct run *r, struct event *e)
{
	e->session_id = str_from(r->session);
	e->command_id = str_from(r->command);
	return r->plan.spool.n ? recorded(r, spool_hold(&r->spool, e)) : 0;
}

static int complain(int status, const char *fmt, ...) _printf_(2, 3);
static int complain(int status, const char *fmt, ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT, plain = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	/* It may quote names that the agent made up. */
	buf_put_plain(&plain, buf_str(&text));
	(void)fprintf(stderr, "agentsh: %s\n", buf_cstr(&plain));
	return status;
}

/* ---- where ---- */

static int find_places(struct run *r)
{
	const char *root = r->o->root ? r->o->root : ".";

	if (!realpath(root, r->workspace))
		return complain(EXIT_NOT_RUN, "%s: %s", root, strerror(errno));
	if (!getcwd(r->cwd, sizeof(r->cwd)) ||
	    !path_beneath(str_from(r->cwd), str_from(r->workspace)))
		(void)snprintf(r->cwd, sizeof(r->cwd), "%s", r->workspace);
	return 0;
}

static int find_plan(struct run *r)
{
	const struct oneshot_source src = {
		.config = r->o->config,
		.policy = str_from(r->o->policy),
		.workspace = r->workspace,
	};
	_cleanup_buf_ struct buf err = BUF_INIT;
	int e = oneshot_cache_load(&src, &r->plan);

	if (e < 0) {
		e = oneshot_plan_make(&src, &r->plan, &err);
		if (e < 0)
			return complain(EXIT_NOT_RUN, "%s", buf_cstr(&err));
		oneshot_cache_store(&src, &r->plan);
	}
	if (r->plan.required.n)
		return complain(EXIT_DENIED,
				"sandbox.require: " STR_FMT
				" can be checked by a server only; "
				"use agentsh exec",
				STR_ARG(r->plan.required));
	if (!r->plan.spool.n)
		return 0;
	e = spool_open(r->plan.spool.p, r->plan.integrity_key, &r->spool);
	return e < 0 ? complain(EXIT_DENIED,
				"cannot record in %s: %s; AGENTSH_DATA_DIR or "
				"audit.storage.sqlite_path names another place",
				r->plan.spool.p, strerror(-e))
		     : 0;
}

/* ---- what ---- */

static int record_check(struct run *r, bool permitted, struct str message)
{
	struct event e = EVENT_INIT("command_policy");
	_cleanup_buf_ struct buf args = BUF_INIT;

	json_str_array(&args, r->argv + 1, r->argc - 1);
	e.operation = STR("command_precheck");
	e.has_policy = true;
	e.decision = r->verdict.kind;
	e.effective_decision = permitted ? VERDICT_ALLOW : VERDICT_DENY;
	e.rule = policy_rule_name(r->plan.policy, r->verdict);
	e.message = message;
	e.generation = r->verdict.generation;
	event_add_str(&e, "command", str_from(r->o->argv[0]));
	event_add_json(&e, "args", buf_str(&args));
	return permitted ? record_soon(r, &e) : record(r, &e);
}

/* Another command is to run in its place. */
static int redirect(struct run *r)
{
	struct str *args =
		arena_alloc(&r->arena, (REDIRECT_MAX + 1) * sizeof(*args));
	struct str *env = arena_alloc(&r->arena, REDIRECT_MAX * sizeof(*env));
	struct str *argv;
	struct policy_redirect to;
	int e;

	if (!args || !env)
		return -ENOMEM;
	e = policy_rule_redirect(r->plan.policy, r->verdict, &to, args,
				 REDIRECT_MAX, env, REDIRECT_MAX);
	if (e < 0)
		return e;
	argv = arena_alloc(&r->arena, (to.n_args + 1) * sizeof(*argv));
	if (!argv)
		return -ENOMEM;
	argv[0] = to.target;
	if (to.n_args)
		memcpy(argv + 1, to.args, to.n_args * sizeof(*argv));
	r->file = to.target;
	r->argv = argv;
	r->argc = to.n_args + 1;
	r->redirect_env = to.environment;
	r->n_redirect_env = to.n_environment;
	return 0;
}

/* "./tool" is a file in the command's directory; rules speak of whole paths. */
static struct str whole_path(struct run *r, struct str command)
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	if (str_index(command, '/') <= 0 ||
	    path_join(str_from(r->cwd), command, &path) < 0)
		return command;
	return str_from_n(arena_dup(&r->arena, buf_str(&path)), path.len);
}

static void decide(struct run *r, struct buf *message)
{
	struct str command = str_from(r->o->argv[0]);
	struct op op = { .kind = OP_EXEC };

	op.exec = (struct op_exec){ .path = whole_path(r, command),
				    .names = &command,
				    .n_names = 1,
				    .argv = r->argv,
				    .argc = r->argc,
				    .precheck = true,
				    .exec_enforced = true };
	r->verdict = policy_decide(r->plan.policy, &op);
	policy_rule_message(r->plan.policy, r->verdict, &op, message);
}

static int check(struct run *r)
{
	_cleanup_buf_ struct buf message = BUF_INIT;
	struct str *argv = arena_alloc(&r->arena, r->o->argc * sizeof(*argv));
	enum verdict_kind kind;
	bool permitted;

	if (!argv)
		return complain(EXIT_NOT_RUN, "out of memory");
	for (size_t i = 0; i < r->o->argc; i++)
		argv[i] = str_from(i == 0 && r->o->argv0 ? r->o->argv0
							 : r->o->argv[i]);
	r->argv = argv;
	r->argc = r->o->argc;
	r->file = str_from(r->o->argv[0]);
	decide(r, &message);
	kind = r->verdict.kind;
	permitted = kind == VERDICT_ALLOW || kind == VERDICT_AUDIT ||
		    kind == VERDICT_SOFT_DELETE ||
		    (kind == VERDICT_REDIRECT && redirect(r) == 0);
	if (record_check(r, permitted, buf_str(&message)) < 0)
		return complain(EXIT_DENIED, "cannot record: not run");
	if (permitted)
		return 0;
	return complain(EXIT_DENIED,
			"command denied by policy (rule=" STR_FMT ")%s%s%s",
			STR_ARG(policy_rule_name(r->plan.policy, r->verdict)),
			message.len ? ": " : "", buf_cstr(&message),
			kind == VERDICT_APPROVE
				? " (it needs an approval: use agentsh exec)"
				: "");
}

/* ---- its environment ---- */

static int put_env(struct run *r, struct str name, struct str value)
{
	char *p = arena_alloc(&r->arena, name.n + value.n + 2);
	struct str pair;

	if (!p || r->env.n >= ENV_MAX)
		return -E2BIG;
	memcpy(p, name.p, name.n);
	p[name.n] = '=';
	if (value.n)
		memcpy(p + name.n + 1, value.p, value.n);
	pair = str_from_n(p, name.n + value.n + 1);
	for (size_t i = 0; i < r->env.n; i++) {
		if (str_starts(r->env.data[i], str_from_n(p, name.n + 1))) {
			r->env.data[i] = pair;
			return 0;
		}
	}
	return vec_push(&r->env, pair);
}

static int put_pair(struct run *r, struct str pair)
{
	ptrdiff_t eq = str_index(pair, '=');

	return eq > 0 ? put_env(r, str_from_n(pair.p, (size_t)eq),
				str_skip(pair, (size_t)eq + 1))
		      : 0;
}

/* Ours, as far as the policy passes it on. */
static int inherit(struct run *r)
{
	struct policy_env limits = { 0 };
	uint64_t bytes = 0;
	int e = 0;

	for (char **v = environ; e == 0 && v && *v; v++) {
		struct str pair = str_from(*v);
		ptrdiff_t eq = str_index(pair, '=');

		if (eq <= 0 || str_starts(pair, STR("AGENTSH_")) ||
		    !policy_env_allows(r->plan.policy, r->verdict,
				       str_from_n(pair.p, (size_t)eq)))
			continue;
		bytes += pair.n + 1;
		e = r->env.n >= ENV_MAX ? -E2BIG : vec_push(&r->env, pair);
	}
	policy_env_limits(r->plan.policy, r->verdict, &limits);
	if ((limits.max_keys && r->env.n > limits.max_keys) ||
	    (limits.max_bytes && bytes > limits.max_bytes))
		return -E2BIG;
	return e;
}

static int build_env(struct run *r)
{
	struct str name, value;
	int e = inherit(r);

	if (e == 0)
		e = put_env(r, STR("AGENTSH_SESSION_ID"), str_from(r->session));
	if (e == 0)
		e = put_env(r, STR("AGENTSH_IN_SESSION"), STR("1"));
	for (size_t i = 0; e == 0 && i < r->plan.env_inject.n; i++)
		e = put_env(r, r->plan.env_inject.data[i].name,
			    r->plan.env_inject.data[i].value);
	for (size_t i = 0;
	     e == 0 && policy_env_inject(r->plan.policy, i, &name, &value); i++)
		e = put_env(r, name, value);
	for (size_t i = 0; e == 0 && i < r->n_redirect_env; i++)
		e = put_pair(r, r->redirect_env[i]);
	return e < 0 ? complain(EXIT_DENIED,
				"the environment exceeds the policy's limits")
		     : 0;
}

/* ---- running it ---- */

static int record_start(struct run *r)
{
	struct event made = EVENT_INIT("session_created");
	struct event e = EVENT_INIT("command_started");
	_cleanup_buf_ struct buf args = BUF_INIT;
	int x;

	event_add_str(&made, "workspace", str_from(r->workspace));
	event_add_str(&made, "policy", r->plan.policy_name);
	event_add_str(&made, "project_root", r->plan.project_root);
	event_add_bool(&made, "without_server", true);
	json_str_array(&args, r->argv + 1, r->argc - 1);
	event_add_str(&e, "command", r->file);
	event_add_json(&e, "args", buf_str(&args));
	x = record_soon(r, &made);
	return x < 0 ? x : record_soon(r, &e);
}

static int exit_status(const struct inproc_result *x)
{
	if (x->timed_out)
		return complain(EXIT_TIMED_OUT, "command timed out");
	if (WIFSIGNALED(x->wait_status))
		return 128 + WTERMSIG(x->wait_status);
	return WEXITSTATUS(x->wait_status);
}

static int not_started(const struct run *r, const struct inproc_result *x)
{
	bool exec = strcmp(x->step, "exec") == 0;

	if (exec && x->error == EACCES)
		return complain(EXIT_DENIED,
				STR_FMT ": command denied by policy",
				STR_ARG(r->file));
	if (exec)
		return complain(EXIT_NOT_RUN, STR_FMT ": %s", STR_ARG(r->file),
				strerror(x->error));
	return complain(EXIT_DENIED, "cannot confine the command: %s: %s",
			x->step, strerror(x->error));
}

static void record_end(struct run *r, const struct inproc_result *x, int code)
{
	struct event e = EVENT_INIT("command_finished");

	e.pid = x->pid;
	event_add_int(&e, "exit_code", code);
	event_add_int(&e, "duration_ms",
		      (int64_t)((clock_monotonic_ns() - r->started) / 1000000));
	event_add_int(&e, "cpu_user_ms", (int64_t)(x->cpu_user_us / 1000));
	event_add_int(&e, "cpu_system_ms", (int64_t)(x->cpu_system_us / 1000));
	event_add_int(&e, "memory_peak_kb", (int64_t)x->memory_peak_kb);
	if (x->oom_killed)
		event_add_bool(&e, "oom_killed", true);
	if (x->timed_out)
		event_add_bool(&e, "timed_out", true);
	if (record(r, &e) < 0)
		log_error("the end of the command is not on record");
}

static void set_limits(const struct run *r, struct proto_spawn *m)
{
	struct policy_limits p;
	int64_t timeout = r->o->timeout_ns;

	policy_limits(r->plan.policy, &p);
	if (p.command_timeout_ns > 0 &&
	    (timeout == 0 || timeout > p.command_timeout_ns))
		timeout = p.command_timeout_ns;
	m->timeout_ns = (uint64_t)timeout;
	if (!r->plan.cgroups)
		return;
	m->limits = (struct proto_limits){
		.memory_bytes = p.memory_mb << 20,
		.swap_set = p.has_swap,
		.swap_bytes = p.swap_max_mb << 20,
		.cpu_percent = p.cpu_percent,
		.pids = p.pids,
		.disk_read_bps = p.disk_read_bps,
		.disk_write_bps = p.disk_write_bps,
	};
}

/* Without a limit to set, the end of all it started needs no cgroup either:
 * there is one command, and what descends from us is its. */
static bool has_limits(const struct proto_limits *l)
{
	return l->memory_bytes || l->swap_set || l->cpu_percent || l->pids ||
	       l->disk_read_bps || l->disk_write_bps;
}

static int go(struct run *r)
{
	const struct proto_hello hello = {
		.session_id = str_from(r->session),
		.workspace = str_from(r->workspace),
		.policy_generation = 1,
		.settings_json = r->plan.settings_json,
	};
	struct proto_spawn spawn = { .command_id = str_from(r->command),
				     .argv = r->argv,
				     .argc = (uint32_t)r->argc,
				     .file = r->file,
				     .env = r->env.data,
				     .n_env = (uint32_t)r->env.n,
				     .cwd = str_from(r->cwd) };
	struct inproc in = { .hello = &hello,
			     .policy = policy_ref(r->plan.policy),
			     .sink = { emit, r },
			     .flush = flush,
			     .spawn = &spawn,
			     .fds = { 0, 1, 2 },
			     .closed_port = r->plan.port,
			     .same_group = isatty(STDIN_FILENO) == 1 };
	struct inproc_result x = { 0 };
	int e, code;

	set_limits(r, &spawn);
	if (r->verdict.kind == VERDICT_REDIRECT)
		spawn.flags |= SPAWN_REDIRECTED;
	in.no_cgroup = !has_limits(&spawn.limits);
	r->started = clock_monotonic_ns();
	e = inproc_run(&in, &x);
	if (e < 0)
		return complain(EXIT_DENIED, "cannot confine the command: %s",
				strerror(-e));
	code = x.error ? not_started(r, &x) : exit_status(&x);
	if (r->net_denied && policy_has_host_names(r->plan.policy))
		(void)complain(0, "a connection was denied: without a server "
				  "rules that name hosts are not applied, only "
				  "addresses; use agentsh exec");
	record_end(r, &x, code);
	tell_receipt(r);
	return code;
}

static int run(struct run *r)
{
	int code = find_places(r);

	if (code == 0)
		code = find_plan(r);
	if (code == 0)
		code = check(r);
	if (code == 0)
		code = build_env(r);
	if (code == 0 && record_start(r) < 0)
		code = complain(EXIT_DENIED, "cannot record: not run");
	return code ? code : go(r);
}

int oneshot_run(const struct oneshot *o)
{
	struct run *r = calloc(1, sizeof(*r));
	char id[UUID_LEN + 1];
	int code;

	if (!r)
		return complain(EXIT_NOT_RUN, "out of memory");
	r->o = o;
	r->arena = ARENA_INIT(16U << 20);
	r->spool.fd = -1;
	uuid4(id);
	(void)snprintf(r->session, sizeof(r->session), "run-%s", id);
	uuid4(id);
	(void)snprintf(r->command, sizeof(r->command), "cmd-%s", id);
	code = run(r);
	if (r->record_error < 0)
		code = complain(code,
				"cannot record in %s: %s; what is not on "
				"record is refused",
				r->plan.spool.p, strerror(-r->record_error));
	vec_done(&r->env);
	spool_close(&r->spool);
	oneshot_plan_done(&r->plan);
	arena_done(&r->arena);
	free(r);
	return code;
}
