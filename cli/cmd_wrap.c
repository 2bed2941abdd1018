/* SPDX-License-Identifier: MIT */
/*
 * cmd_wrap.c - wrap: a whole agent program inside a session
 *
 * The agent is a command like any other: it gets our terminal (or
 * descriptors), our environment as far as the policy lets it, and our working
 * directory, and everything it starts is judged with it. Afterwards one line
 * says what happened, and what can be taken back.
 */
#include <errno.h>
#include <sys/stat.h>

#include "cli/exec.h"
#include "cli/output.h"
#include "cli/stats.h"

#define DEFAULT_POLICY "agent-default"
/* As long as the policy allows (command_timeout). */
#define AGENT_TIMEOUT "720h"
#define EVENTS_MAX    5000

struct wrap {
	const struct cli *cli;
	struct client client;
	char *const *argv; /* the agent; borrowed */
	int argc;
	const char *policy;
	struct buf root, id;
};

static void wrap_done(struct wrap *w)
{
	buf_done(&w->root);
	buf_done(&w->id);
}

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

/* A clear word before anything is started. */
static int check_agent(const struct wrap *w)
{
	struct str rest = str_from(env_or("PATH", "/usr/bin:/bin")), dir;
	const char *name = w->argv[0];

	if (strchr(name, '/'))
		return is_program(name) ? 0 : fail("agent not found: %s", name);
	while (str_split(&rest, ':', &dir)) {
		_cleanup_buf_ struct buf path = BUF_INIT;

		buf_printf(&path, STR_FMT "/%s", STR_ARG(dir), name);
		if (is_program(buf_cstr(&path)))
			return 0;
	}
	return fail("agent not found: %s (not on PATH)", name);
}

static bool nobody_there(int r)
{
	return r == -ECONNREFUSED || r == -ENOENT;
}

/* POST /api/v1/sessions; starts a server if need be. 0 or -errno. */
static int post_session(struct wrap *w, const char *policy, struct conn *answer)
{
	_cleanup_buf_ struct buf body = BUF_INIT, error = BUF_INIT;
	struct conn_request rq = { .method = "POST",
				   .target = "/api/v1/sessions" };
	struct json_writer j;
	int r;

	json_writer_init(&j, &body, 0);
	json_begin_object(&j);
	json_kv_str_opt(&j, "id",
			str_from(flag_text(&w->cli->flags, "session")));
	json_kv_str(&j, "workspace", buf_str(&w->root));
	json_kv_str_opt(&j, "policy", str_from(policy));
	json_kv_cstr(&j, "home", env_or("HOME", ""));
	json_end_object(&j);
	rq.body = buf_str(&body);
	if (body.error)
		return body.error;
	r = client_call(&w->client, &rq, answer);
	if (!nobody_there(r) || env_truthy("AGENTSH_NO_AUTO") ||
	    env_truthy("AGENTSH_IN_SESSION"))
		return r;
	if (autostart(&w->client, &error) < 0) {
		(void)fail("auto-start failed: %s", buf_cstr(&error));
		return r;
	}
	conn_done(answer);
	*answer = CONN_INIT;
	return client_call(&w->client, &rq, answer);
}

static int note_session(struct wrap *w, const struct conn *answer)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(16U << 20);
	struct json *v = NULL;
	struct str llm;

	if (answer->status == 409) { /* --session names one that is there */
		buf_puts(&w->id, flag_text(&w->cli->flags, "session"));
		return 0;
	}
	if (json_parse(&a, buf_str(&answer->body), &v) < 0 ||
	    json_get_str(v, "id").n == 0)
		return fail("create session: the answer is not a session");
	buf_put_str(&w->id, json_get_str(v, "id"));
	(void)fail("agentsh: session %s created (policy: " STR_FMT ")",
		   buf_cstr(&w->id), STR_ARG(json_get_str(v, "policy")));
	llm = json_get_str(v, "llm_proxy_url");
	if (llm.n)
		(void)fail("agentsh: LLM proxy: " STR_FMT, STR_ARG(llm));
	return 0;
}

/* Prints. Return: 0 or the exit status. */
static int make_session(struct wrap *w)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	bool chosen = flag_given(&w->cli->flags, "policy");
	int r = post_session(w, w->policy, &answer);

	/* A server with other policies only, such as one of your own. */
	if (r == 0 && !chosen && answer.status >= 400 && answer.status != 409) {
		conn_done(&answer);
		answer = CONN_INIT;
		r = post_session(w, "", &answer);
		if (r == 0 && answer.status == 201)
			(void)fail("agentsh: there is no policy %s here; using "
				   "the server's own",
				   w->policy);
	}
	if (r < 0)
		return fail_errno(r, "create session: %s", w->client.text);
	if (answer.status != 201 && answer.status != 200 &&
	    answer.status != 409)
		return fail("create session: %s: " STR_FMT, answer.status_line,
			    STR_ARG(str_trim(buf_str(&answer.body))));
	return note_session(w, &answer);
}

/* Our environment, for the policy to filter. */
static void put_env(struct json_writer *j)
{
	json_key(j, "env");
	json_begin_object(j);
	for (char *const *e = environ; e && *e; e++) {
		struct str value = str_from(*e), name;

		if (!str_is_utf8(value) || str_index(value, '=') <= 0 ||
		    str_starts(value, STR("AGENTSH_")))
			continue;
		(void)str_split(&value, '=', &name);
		json_key_str(j, name);
		json_str(j, value);
	}
	json_end_object(j);
}

static void put_request(const struct wrap *w, struct buf *body)
{
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	struct str here = str_from(cwd), root = buf_str(&w->root);
	struct json_writer j;

	json_writer_init(&j, body, 0);
	json_begin_object(&j);
	json_kv_cstr(&j, "command", w->argv[0]);
	json_key(&j, "args");
	json_begin_array(&j);
	for (int i = 1; i < w->argc; i++)
		json_cstr(&j, w->argv[i]);
	json_end_array(&j);
	if (str_starts(here, root)) /* --root elsewhere: the session's own */
		json_kv_str_opt(&j, "working_dir", here);
	json_kv_cstr(&j, "timeout", AGENT_TIMEOUT);
	put_env(&j);
	json_kv_cstr(&j, "include_events", "none");
	json_end_object(&j);
}

static int run_agent(const struct wrap *w)
{
	struct exec_call x = { .client = w->client,
			       .session = buf_cstr(&w->id),
			       .argv = w->argv,
			       .argc = w->argc,
			       .events = "none",
			       .root = "",
			       .timeout = "",
			       .argv0 = "",
			       .project_root = "",
			       .session_file = "",
			       .cwd = "",
			       .json = "" };
	struct exec_result r = { .conn = CONN_INIT };
	int status;

	exec_new_command_id(&x);
	put_request(w, &x.body);
	if (x.body.error)
		return fail_errno(x.body.error, "request");
	(void)fail("agentsh: agent %s started with seccomp interception",
		   w->argv[0]);
	status = exec_run(&x, &r);
	exec_result_done(&r);
	exec_call_done(&x);
	return status;
}

static uint64_t count_type(const struct stats *s, const char *name)
{
	for (size_t i = 0; i < s->n_types; i++)
		if (str_eq_c(s->types[i].name, name))
			return s->types[i].n;
	return 0;
}

/* The trash is found from the current directory unless it is named. */
static void put_undo_hint(const struct wrap *w, struct buf *out)
{
	_cleanup_free_ char *cwd = getcwd(NULL, 0);

	buf_reset(out);
	buf_printf(out, "agentsh undo --session %s", buf_cstr(&w->id));
	if (!cwd || !str_eq_c(buf_str(&w->root), cwd))
		buf_printf(out, " --trash-path %s/.agentsh_trash",
			   buf_cstr(&w->root));
}

/* One line, and the ways on from it. Nothing is said when it cannot be had. */
static void report(const struct wrap *w)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(512U << 20);
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT;
	struct conn_request rq = { .method = "GET" };
	struct json *events = NULL;
	const char *id = buf_cstr(&w->id);
	struct stats s = { 0 };
	uint64_t kept;

	client_session_path(&target, id, "/history?limit=5000");
	rq.target = buf_cstr(&target);
	if (client_call(&w->client, &rq, &answer) < 0 || answer.status != 200 ||
	    json_parse(&a, buf_str(&answer.body), &events) < 0)
		return;
	stats_count(&s, events);
	kept = count_type(&s, "file_soft_deleted");
	(void)fail("agentsh: %llu%s operations on record, %llu denied, %llu "
		   "file%s kept from deletion",
		   (unsigned long long)s.total,
		   s.total >= EVENTS_MAX ? " newest" : "",
		   (unsigned long long)s.deny, (unsigned long long)kept,
		   kept == 1 ? "" : "s");
	(void)fail("agentsh: report: agentsh report %s --level detailed", id);
	put_undo_hint(w, &target);
	(void)fail("agentsh: take it back: %s", buf_cstr(&target));
}

int cmd_wrap(struct cli *c)
{
	_cleanup_(wrap_done) struct wrap w = {
		.cli = c, .policy = flag_text(&c->flags, "policy")
	};
	const char *root = flag_text(&c->flags, "root");
	int status = client_init(&w.client, c);

	if (status)
		return status;
	w.argv = c->args;
	w.argc = c->n_args;
	if (w.argc == 0)
		return fail("command required after --, such as: agentsh wrap "
			    "-- claude");
	client_absolute(root[0] ? root : ".", &w.root);
	status = check_agent(&w);
	if (status == 0)
		status = make_session(&w);
	if (status)
		return status;
	status = run_agent(&w);
	(void)fail("\nagentsh: session %s complete (agent exit code: %d)",
		   buf_cstr(&w.id), status);
	if (flag_bool(&c->flags, "report"))
		report(&w);
	return status;
}
