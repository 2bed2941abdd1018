/* SPDX-License-Identifier: MIT */
/*
 * client.c - calls to the server's HTTP API
 */
#include "cli/client.h"

#include <errno.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/path.h"
#include "cli/output.h"

const char *env_or(const char *name, const char *dflt)
{
	const char *v = getenv(name);

	return v && v[0] ? v : dflt;
}

bool env_truthy(const char *name)
{
	static const char *const yes[] = { "1", "true", "t", "yes", "y", "on" };
	struct str v = str_trim(str_from(env_or(name, "")));

	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		if (str_eq_icase(v, str_from(yes[i])))
			return true;
	return false;
}

/* A flag that was given, else its variable, else the default. */
static const char *setting(const struct cli *c, const char *flag,
			   const char *env, const char *dflt)
{
	if (flag_given(&c->flags, flag))
		return flag_text(&c->flags, flag);
	return env_or(env, dflt);
}

int client_init(struct client *cl, const struct cli *c)
{
	_cleanup_buf_ struct buf error = BUF_INIT;
	const char *transport, *timeout;
	int64_t ns = 0;

	*cl = (struct client){ .timeout_ns = CLIENT_TIMEOUT_NS };
	transport = setting(c, "transport", "AGENTSH_TRANSPORT", "http");
	if (strcmp(transport, "http") != 0)
		return fail("invalid --transport \"%s\" (this agentsh speaks "
			    "http only)",
			    transport);
	cl->text = setting(c, "server", "AGENTSH_SERVER", URL_DEFAULT);
	cl->api_key = setting(c, "api-key", "AGENTSH_API_KEY", "");
	timeout = setting(c, "client-timeout", "AGENTSH_CLIENT_TIMEOUT", "");
	/* What is no positive duration means the default, as in agentsh. */
	if (timeout[0] && num_parse_duration(str_from(timeout), &ns) == 0 &&
	    ns > 0) {
		cl->timeout_ns = (uint64_t)ns;
		cl->timeout_given = true;
	}
	if (server_url_parse(cl->text, &cl->url, &error) < 0)
		return fail("%s", buf_cstr(&error));
	return 0;
}

uint64_t client_deadline(uint64_t timeout_ns)
{
	return clock_monotonic_ns() + timeout_ns;
}

int client_call(const struct client *cl, const struct conn_request *rq,
		struct conn *ret)
{
	uint64_t deadline = client_deadline(CLIENT_TIMEOUT_NS);
	int r = conn_open(ret, &cl->url, deadline);

	if (r == 0)
		r = conn_send(ret, &cl->url, cl->api_key, rq, deadline);
	if (r == 0)
		r = conn_wait(ret, deadline);
	return r;
}

int client_fail_connect(const struct client *cl, const char *method,
			const char *target, int r)
{
	const char *why = r == -EBADMSG        ? "the answer is not HTTP"
			  : r == -EHOSTUNREACH ? "no such host, or no way to it"
					       : strerror(-r);

	(void)fail("%s %s: server at %s: %s", method, target, cl->text, why);
	if (r == -ECONNREFUSED || r == -ENOENT)
		hint("no server runs there: agentsh server starts one, and so "
		     "do exec and wrap; --server names another");
	return 1;
}

/*
 * What to do about a refusal, by words of its text. The text itself is part of
 * the interface and stays as it is.
 */
static const struct {
	const char *said, *todo;
} REMEDIES[] = {
	{ "session not found", "agentsh session list names those there are" },
	{ "session already exists",
	  "choose another --id; agentsh session destroy ends the one there is" },
	{ "max sessions reached",
	  "agentsh session destroy ends one; sessions.max_sessions is the "
	  "limit" },
	{ "approvals not enabled",
	  "approvals: {enabled: true, mode: api} in config.yaml" },
	{ "approval not found", "agentsh approve list names those that wait" },
	{ "output not found",
	  "what went straight to the caller is not stored: run it with "
	  "--stream or --output json" },
	{ "command not running",
	  "it has ended, or agentsh events query --type command_started knows "
	  "its id" },
	{ "\" not found in", "agentsh policy list names those there are" },
	{ "no session, so no policy",
	  "agentsh session create makes one, and so does exec" },
	{ ":\"unauthorized\"",
	  "--api-key or AGENTSH_API_KEY: a key of auth.api_key.keys_file" },
	{ "workspace stat", "--workspace or --root names a directory" },
	{ "workspace must be a directory",
	  "--workspace or --root names a directory" },
	{ "invalid session id",
	  "letters, digits, _ and -, at most 128, a letter or digit first" },
};

static void hint_remedy(struct str body)
{
	for (size_t i = 0; i < ARRAY_LEN(REMEDIES); i++)
		if (str_find(body, str_from(REMEDIES[i].said)) >= 0) {
			hint("%s", REMEDIES[i].todo);
			return;
		}
}

int client_fail_status(const char *method, const char *target,
		       const struct conn *answer)
{
	struct str body = str_trim(buf_str(&answer->body));

	if (body.n == 0)
		return fail("%s %s: %s", method, target, answer->status_line);
	(void)fail("%s %s: %s: " STR_FMT, method, target, answer->status_line,
		   STR_ARG(body));
	hint_remedy(body);
	return 1;
}

int client_do(const struct client *cl, const char *method, const char *target,
	      struct str body, struct conn *ret)
{
	struct conn_request rq = { .method = method,
				   .target = target,
				   .body = body };
	int r = client_call(cl, &rq, ret);

	if (r < 0)
		return client_fail_connect(cl, method, target, r);
	if (ret->status < 200 || ret->status > 299)
		return client_fail_status(method, target, ret);
	return 0;
}

int client_show(const struct cli *c, const char *target)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	struct client cl;
	int status = client_init(&cl, c);

	if (status == 0)
		status = client_do(&cl, "GET", target, STR_NONE, &answer);
	return status ? status : out_json(buf_str(&answer.body));
}

void client_session_path(struct buf *out, const char *session, const char *rest)
{
	buf_puts(out, "/api/v1/sessions/");
	url_escape(out, str_from(session));
	buf_puts(out, rest);
}

void client_absolute(const char *path, struct buf *out)
{
	char cwd[4096];

	if (path[0] != '/' && getcwd(cwd, sizeof(cwd)) &&
	    path_join(str_from(cwd), str_from(path), out) == 0)
		return;
	buf_reset(out);
	buf_puts(out, path);
}

int client_session(const struct client *cl, const char *name, struct buf *ret)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_arena_ struct arena a = ARENA_INIT(64U << 20);
	struct str newest = STR_NONE;
	struct json *list = NULL;
	int status;

	if (strcmp(name, "latest") != 0) {
		buf_puts(ret, name);
		return 0;
	}
	status = client_do(cl, "GET", "/api/v1/sessions", STR_NONE, &answer);
	if (status)
		return status;
	if (json_parse(&a, buf_str(&answer.body), &list) < 0)
		return fail("GET /api/v1/sessions: the answer is not JSON");
	json_foreach(it, list)
	{
		/* RFC 3339 in UTC: the order of the text is that of time, but
		 * for the trimmed fraction, which parsing sorts out. */
		int64_t best = 0, when = 0;
		struct str created = json_get_str(it, "created_at");

		if (clock_parse_rfc3339(created, &when) < 0)
			continue;
		if (newest.n && clock_parse_rfc3339(newest, &best) == 0 &&
		    best > when)
			continue;
		newest = created;
		buf_reset(ret);
		buf_put_str(ret, json_get_str(it, "id"));
	}
	return ret->len ? 0 : fail("no sessions found");
}
