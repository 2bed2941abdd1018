/* SPDX-License-Identifier: MIT */
/*
 * api.c - who may call what, and which function answers
 *
 * Order of checks: open paths, caller inside a session, authentication, route,
 * role, session. A caller inside a session learns nothing but its own session.
 */
#include "server/api.h"

#include <arpa/inet.h>
#include <errno.h>
#include <unistd.h>

#include "server/peer.h"
#include "server/profiles.h"

#define API "/api/v1"

static void not_supported(struct call *k)
{
	http_reply_error(k->conn, 501, "not supported by this server");
}

static void profiles(struct call *k)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct json_writer w;

	json_writer_init(&w, &body, 0);
	json_begin_object(&w);
	json_key(&w, "profiles");
	profiles_to_json(&k->app->cfg, &w);
	json_end_object(&w);
	http_reply_json(k->conn, 200, &body);
}

static void empty_list(struct call *k)
{
	http_reply(k->conn, 200, "application/json", STR("[]\n"));
}

static void wrap_init(struct call *k)
{
	http_reply_error(k->conn, 503,
			 "wrap-init is not available: unix_sockets.enabled is "
			 "false; commands are confined by the server");
}

static const struct api_route ROUTES[] = {
	{ "GET", API "/profiles", profiles, ROLE_AGENT, false },
	{ "POST", API "/sessions", api_session_create, ROLE_AGENT, false },
	{ "GET", API "/sessions", api_session_list, ROLE_AGENT, false },
	{ "GET", API "/sessions/*", api_session_get, ROLE_AGENT, true },
	{ "PATCH", API "/sessions/*", api_session_patch, ROLE_AGENT, false },
	{ "DELETE", API "/sessions/*", api_session_delete, ROLE_AGENT, false },
	{ "POST", API "/sessions/*/exec", api_exec, ROLE_AGENT, false },
	{ "POST", API "/sessions/*/exec/stream", api_exec_stream, ROLE_AGENT,
	  false },
	{ "GET", API "/sessions/*/pty", api_pty, ROLE_AGENT, false },
	{ "GET", API "/sessions/*/events", api_session_events, ROLE_AGENT,
	  false },
	{ "GET", API "/sessions/*/history", api_history, ROLE_AGENT, false },
	{ "GET", API "/sessions/*/proxy", api_session_proxy, ROLE_AGENT,
	  false },
	{ "GET", API "/sessions/*/output/*", api_output, ROLE_AGENT, false },
	{ "POST", API "/sessions/*/kill/*", api_kill, ROLE_AGENT, false },
	{ "POST", API "/sessions/*/signal/*", api_signal, ROLE_AGENT, false },
	{ "POST", API "/sessions/*/wrap-init", wrap_init, ROLE_AGENT, false },
	{ "PUT", API "/sessions/*/trace-context", not_supported, ROLE_AGENT,
	  false },
	{ "GET", API "/events/search", api_search, ROLE_AGENT, false },
	{ "GET", API "/approvals", api_approvals, ROLE_APPROVER, false },
	{ "GET", API "/approvals/*", api_approval_get, ROLE_APPROVER, false },
	{ "POST", API "/approvals/*", api_approval_post, ROLE_APPROVER, false },
	{ "POST", API "/policy/test", api_policy_test, ROLE_AGENT, false },
	{ "POST", API "/policy/explain", api_policy_explain, ROLE_AGENT,
	  false },
	{ "POST", API "/policy/reload", api_policy_reload, ROLE_ADMIN, false },
	{ "GET", API "/policies", not_supported, ROLE_ADMIN, false },
	{ "POST", API "/policies", not_supported, ROLE_ADMIN, false },
	{ "POST", API "/policies/validate", not_supported, ROLE_ADMIN, false },
	{ "GET", API "/policies/*", not_supported, ROLE_ADMIN, false },
	{ "PUT", API "/policies/*", not_supported, ROLE_ADMIN, false },
	{ "DELETE", API "/policies/*", not_supported, ROLE_ADMIN, false },
	{ "GET", API "/mcp/tools", empty_list, ROLE_AGENT, false },
	{ "GET", API "/mcp/servers", empty_list, ROLE_AGENT, false },
};

struct json *api_body(struct call *k, struct arena *a)
{
	struct str body = str_trim(k->rq->body);
	struct json *doc;

	if (json_parse(a, body.n ? body : STR("{}"), &doc) < 0 ||
	    doc->type != JSON_OBJECT) {
		http_reply_error(k->conn, 400, "invalid json");
		return NULL;
	}
	return doc;
}

/* ---- who ---- */

/* Equal length and content, in time that depends on the length only. */
static bool same_secret(struct str a, struct str b)
{
	unsigned char diff = 0;

	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		diff |= (unsigned char)(a.p[i] ^ b.p[i]);
	return diff == 0;
}

static enum auth_role key_role(const struct settings *cfg, struct str given)
{
	enum auth_role role = ROLE_NONE;

	for (size_t i = 0; given.n && i < cfg->keys.n; i++)
		if (same_secret(cfg->keys.data[i].key, given))
			role = cfg->keys.data[i].role;
	return role;
}

static enum auth_role role_of(struct app *app, struct http_conn *c,
			      const struct http_request *rq)
{
	const struct http_peer *peer = http_peer(c);

	/* On the socket the kernel says who it is: us, or root. */
	if (peer->local && (peer->uid == geteuid() || peer->uid == 0))
		return ROLE_ADMIN;
	if (app->cfg.auth == AUTH_NONE)
		return ROLE_AGENT;
	return key_role(&app->cfg, http1_header(rq->head, app->cfg.key_header));
}

static void refuse_role(struct call *k, struct str path)
{
	bool approvals = str_starts(path, STR(API "/approvals"));

	if (k->app->cfg.auth == AUTH_NONE)
		http_reply_error(k->conn, 403,
				 "%s endpoints require auth (set auth.type: "
				 "api_key, or use the local socket)",
				 approvals ? "approvals" : "policies");
	else
		http_reply_error(k->conn, 403, "forbidden");
}

/* ---- what ---- */

/* 1 match, 0 no, -EINVAL bad escape in a parameter. */
static int match(const char *pattern, struct str path, struct call *k)
{
	struct str want = str_from(pattern), a, b;
	size_t n = 0;

	buf_reset(&k->param[0]);
	buf_reset(&k->param[1]);
	for (;;) {
		bool more = str_split(&want, '/', &a);

		if (more != str_split(&path, '/', &b))
			return 0;
		if (!more)
			return 1;
		if (!str_eq_c(a, "*")) {
			if (!str_eq(a, b))
				return 0;
			continue;
		}
		if (b.n == 0 || n == ARRAY_LEN(k->param))
			return 0;
		if (http_unescape(b, false, &k->param[n++]) < 0)
			return -EINVAL;
	}
}

static const struct api_route *find_route(struct call *k, bool *ret_known)
{
	const struct http_request *rq = k->rq;

	*ret_known = false;
	for (size_t i = 0; i < ARRAY_LEN(ROUTES); i++) {
		if (match(ROUTES[i].pattern, rq->path, k) <= 0)
			continue;
		*ret_known = true;
		if (str_eq_c(rq->method, ROUTES[i].method))
			return &ROUTES[i];
	}
	return NULL;
}

static bool open_path(struct call *k)
{
	const struct settings *cfg = &k->app->cfg;
	bool get = str_eq_c(k->rq->method, "GET") ||
		   str_eq_c(k->rq->method, "HEAD");

	if (!get)
		return false;
	if (str_eq_c(k->rq->path, cfg->health_path)) {
		http_reply(k->conn, 200, "text/plain", STR("ok\n"));
		return true;
	}
	if (str_eq_c(k->rq->path, cfg->ready_path)) {
		http_reply(k->conn, 200, "text/plain", STR("ready\n"));
		return true;
	}
	return false;
}

static bool metrics(struct call *k)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (!k->app->cfg.metrics ||
	    !str_eq_c(k->rq->path, k->app->cfg.metrics_path) ||
	    !str_eq_c(k->rq->method, "GET"))
		return false;
	metrics_format(k->app, &text);
	http_reply(k->conn, 200, "text/plain; version=0.0.4", buf_str(&text));
	return true;
}

/* True when the caller, if inside a session, may go on. */
static bool peer_may(struct call *k, const struct api_route *route)
{
	struct http_peer *peer = http_peer(k->conn);

	peer_check(k->app, peer);
	/* Commands run as we do: without keys, only for ourselves and root. */
	if (peer->stranger && k->app->cfg.auth == AUTH_NONE) {
		http_reply_error(k->conn, 403,
				 "this server runs commands as another user: "
				 "auth.type api_key lets others in, or run a "
				 "server of your own on another port");
		return false;
	}
	if (!peer->in_session)
		return true;
	if (route && route->own && peer->session[0] &&
	    str_eq_c(buf_str(&k->param[0]), peer->session))
		return true;
	http_reply_error(k->conn, 403, "forbidden inside a session");
	return false;
}

static bool is_loopback_v4(struct str host)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr v4;

	if (host.n == 0 || host.n >= sizeof(text))
		return false;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	return inet_pton(AF_INET, text, &v4) == 1 &&
	       ntohl(v4.s_addr) >> 24 == 127;
}

static bool is_port(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/* "NAME" or "NAME:PORT" or "[ADDR]:PORT" means this machine. */
static bool is_this_host(struct str host, const char *configured)
{
	ptrdiff_t end = host.n && host.p[0] == '[' ? str_index(host, ']') + 1
						   : str_index(host, ':');
	struct str name = host, port = STR_NONE;

	if (end == 0) /* "[" without its end, or no name at all */
		return false;
	if (end > 0) {
		name = str_from_n(host.p, (size_t)end);
		port = str_skip(host, (size_t)end);
	}
	if (port.n && (port.p[0] != ':' || !is_port(str_skip(port, 1))))
		return false;
	if (name.p[0] == '[')
		name = str_from_n(name.p + 1, name.n - 2);
	return str_eq_icase(name, STR("localhost")) || str_eq_c(name, "::1") ||
	       is_loopback_v4(name) || str_eq_c(name, configured);
}

/* A page of ours, or no page. What an agent serves on another port of this
 * machine is no page of ours. */
static bool page_may(const struct http_request *rq, struct str host)
{
	struct str origin = http1_header(rq->head, "origin");
	struct str site = http1_header(rq->head, "sec-fetch-site");
	ptrdiff_t at = str_find(origin, STR("://"));

	if (site.n && !str_eq_c(site, "same-origin") && !str_eq_c(site, "none"))
		return false;
	return origin.n == 0 ||
	       (at > 0 && host.n &&
		str_eq_icase(str_skip(origin, (size_t)at + 3), host));
}

/*
 * Without keys, a web page in somebody's browser could speak to us under a name
 * of its own that it lets resolve to 127.0.0.1, or across origins. Its name
 * gives it away.
 */
static bool host_may(struct call *k)
{
	const struct settings *cfg = &k->app->cfg;
	struct str host = http1_header(k->rq->head, "host");

	if (http_peer(k->conn)->local || cfg->auth != AUTH_NONE)
		return true;
	if ((host.n == 0 || is_this_host(host, cfg->http_host)) &&
	    page_may(k->rq, host))
		return true;
	http_reply_error(k->conn, 403,
			 "requests under another host name or origin need "
			 "auth.type: api_key");
	return false;
}

static void handle(struct call *k)
{
	const struct api_route *route;
	bool known;

	if (open_path(k) || !host_may(k))
		return;
	route = find_route(k, &known);
	if (!peer_may(k, route))
		return;
	k->role = role_of(k->app, k->conn, k->rq);
	if (k->role == ROLE_NONE) {
		http_reply_error(k->conn, 401, "unauthorized");
		return;
	}
	if (!route && metrics(k))
		return;
	if (!route) {
		http_reply(k->conn, known ? 405 : 404,
			   known ? NULL : "text/plain; charset=utf-8",
			   known ? STR_NONE : STR("404 page not found\n"));
		return;
	}
	if (k->role < route->role) {
		refuse_role(k, k->rq->path);
		return;
	}
	if (str_starts(k->rq->path, STR(API "/sessions/"))) {
		k->session = session_find(k->app, buf_str(&k->param[0]));
		if (!k->session) {
			http_reply_error(k->conn, 404, "session not found");
			return;
		}
	}
	route->fn(k);
}

void api_handle(struct http_conn *c, const struct http_request *rq, void *arg)
{
	struct call k = { .app = arg, .conn = c, .rq = rq };

	handle(&k);
	buf_done(&k.param[0]);
	buf_done(&k.param[1]);
}
