/* SPDX-License-Identifier: MIT */
/*
 * cmd_exec.c - exec: the sequence
 *
 *	connect -> send -> answer
 *	   |                 `- 404 session not found: make it, send again
 *	   `- nobody there: start a server, connect again
 *
 * An exec is sent again only when it is certain that it did not run: the
 * connection was never made, or the server said 404. Whatever else goes wrong
 * after the first byte is out is reported, never repeated.
 */
#include <errno.h>
#include <fcntl.h>

#include "cli/exec.h"
#include "cli/output.h"

void exec_result_done(struct exec_result *r)
{
	conn_done(&r->conn);
	*r = (struct exec_result){ .conn = CONN_INIT };
}

/* A closed standard descriptor would be taken by our socket. */
static void fill_standard_fds(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", fd ? O_WRONLY : O_RDONLY);
}

static void attempt(struct exec_call *x, struct exec_result *r)
{
	exec_result_done(r);
	r->error = conn_open(&r->conn, &x->client.url,
			     client_deadline(x->client.timeout_ns));
	if (r->error < 0)
		return;
	if (x->stream) /* also locally: such output is stored */
		exec_sse(x, r);
	else if (!x->output_json && r->conn.local)
		exec_local(x, r);
	else if (x->pty)
		exec_websocket(x, r);
	else
		exec_capture(x, r);
}

static bool unreachable(const struct exec_result *r)
{
	return !r->conn.sent &&
	       (r->error == -ECONNREFUSED || r->error == -ENOENT ||
		r->error == -ECONNRESET || r->error == -ETIMEDOUT);
}

static bool session_missing(const struct exec_result *r)
{
	static const struct str needle = { "session not found", 17 };
	struct str s = buf_str(&r->conn.body);

	if (r->error || r->done || r->conn.status != 404)
		return false;
	for (size_t i = 0; i + needle.n <= s.n; i++)
		if (str_eq_icase(str_from_n(s.p + i, needle.n), needle))
			return true;
	return false;
}

/*
 * POST /api/v1/sessions; true when the session is there now, else why not. The
 * caller then reports the exec's own 404, as the interface has it.
 */
static bool create_session(const struct exec_call *x, struct buf *why)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf body = BUF_INIT, root = BUF_INIT;
	struct conn_request rq = { .method = "POST",
				   .target = "/api/v1/sessions" };
	struct json_writer w;

	client_absolute(x->root, &root);
	json_writer_init(&w, &body, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "id", x->session);
	json_kv_str(&w, "workspace", buf_str(&root));
	json_kv_cstr(&w, "home", env_or("HOME", ""));
	if (x->no_detect_root)
		json_kv_bool(&w, "detect_project_root", false);
	json_kv_str_opt(&w, "project_root", str_from(x->project_root));
	if (x->real_paths_given)
		json_kv_bool(&w, "real_paths", x->real_paths);
	json_end_object(&w);
	rq.body = buf_str(&body);
	if (body.error || client_call(&x->client, &rq, &answer) < 0)
		return false;
	/* 409: another client made it meanwhile. */
	if (answer.status == 201 || answer.status == 200 ||
	    answer.status == 409)
		return true;
	buf_put_str(why, str_trim(buf_str(&answer.body)));
	return false;
}

static const char *target_of(const struct exec_call *x, struct buf *b)
{
	client_session_path(b, x->session,
			    x->stream ? "/exec/stream" : "/exec");
	return buf_cstr(b);
}

static int report_error(const struct exec_call *x, const struct exec_result *r)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *target = target_of(x, &b);

	if (!r->conn.sent)
		return client_fail_connect(&x->client, "POST", target,
					   r->error);
	if (r->error == -ETIMEDOUT)
		return fail("POST %s: no answer within --client-timeout; the "
			    "command was not sent again (agentsh events query "
			    "--session %s shows what it did)",
			    target, x->session);
	return fail("POST %s: the connection was lost after the command was "
		    "sent (%s); it was not sent again",
		    target, strerror(-r->error));
}

/* A terminal was asked for and the policy said no. */
static int report_pty_denial(const struct exec_call *x,
			     const struct json *response)
{
	const struct json *error =
		json_get(json_get(response, "result"), "error");
	struct str message = json_get_str(error, "message");
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (strcmp(env_or("AGENTSH_PTY_DENY_MODE", ""), "error") == 0)
		return fail(STR_FMT, STR_ARG(message));
	buf_put_plain(&b, message);
	buf_putc(&b, '\n');
	if (!x->quiet)
		buf_printf(&b,
			   "agentsh: tip: agentsh exec --output json "
			   "--events=blocked %s -- %s ... shows why\n",
			   x->session, x->argc ? x->argv[0] : "CMD");
	(void)out_write(STDERR_FILENO, buf_str(&b));
	return 126;
}

static int finish(const struct exec_call *x, const struct exec_result *r)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(512U << 20);
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json *v = NULL;
	bool ok = r->conn.status >= 200 && r->conn.status <= 299;

	if (r->done)
		return r->status;
	if (r->error < 0)
		return report_error(x, r);
	if (json_parse(&a, buf_str(&r->conn.body), &v) < 0)
		v = NULL;
	if (exec_is_response(v)) {
		if (x->pty && r->conn.status == 403)
			return report_pty_denial(x, v);
		return exec_render(x, v);
	}
	if (ok)
		return fail("POST %s: the answer is not an exec response",
			    target_of(x, &b));
	return client_fail_status("POST", target_of(x, &b), &r->conn);
}

int exec_run(struct exec_call *x, struct exec_result *r)
{
	_cleanup_buf_ struct buf error = BUF_INIT, why = BUF_INIT;
	/* A command of a session has a server already: the one above it. */
	bool automatic = !env_truthy("AGENTSH_NO_AUTO") &&
			 !env_truthy("AGENTSH_IN_SESSION");

	fill_standard_fds();
	attempt(x, r);
	if (unreachable(r) && automatic) {
		int first = r->error;

		if (autostart(&x->client, &error) < 0)
			return fail("server unreachable (%s); auto-start "
				    "failed: %s",
				    strerror(-first), buf_cstr(&error));
		attempt(x, r);
	}
	if (session_missing(r) && automatic && x->root[0] &&
	    create_session(x, &why))
		attempt(x, r);
	if (why.len)
		(void)fail("agentsh: session \"%s\" cannot be made: %s",
			   x->session, buf_cstr(&why));
	if (session_missing(r) && x->session_file[0]) {
		(void)unlink(x->session_file);
		return fail("session \"%s\" no longer exists (cache "
			    "invalidated); retry your command",
			    x->session);
	}
	return finish(x, r);
}

int cmd_exec(struct cli *c)
{
	struct exec_result r = { .conn = CONN_INIT };
	struct exec_call x;
	int status = exec_call_init(&x, c);

	if (status == 0)
		status = exec_build_request(&x);
	if (status == 0)
		status = exec_run(&x, &r);
	exec_result_done(&r);
	exec_call_done(&x);
	return status;
}
