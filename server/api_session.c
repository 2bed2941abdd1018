/* SPDX-License-Identifier: MIT */
/*
 * api_session.c - sessions over HTTP
 */
#include <errno.h>

#include "server/api.h"
#include "server/state.h"

static void reply_session(struct http_conn *conn, unsigned int status,
			  const struct session *s)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct json_writer w;

	json_writer_init(&w, &body, 0);
	session_to_json(s, &w);
	http_reply_json(conn, status, &body);
}

static void creator_gone(void *arg)
{
	struct session *s = arg;

	s->creator = NULL;
}

void session_announce(struct session *s)
{
	struct http_conn *conn = s->creator;

	if (!conn)
		return;
	s->creator = NULL;
	http_on_gone(conn, NULL, NULL);
	reply_session(conn, 201, s);
}

/* Its proxy's address is part of the answer. */
static void reply_created(struct call *k, struct session *s)
{
	state_write(k->app);
	if (s->vfs_state != WORKER_STARTING &&
	    s->proxy_state != WORKER_STARTING) {
		reply_session(k->conn, 201, s);
		return;
	}
	s->creator = k->conn;
	http_on_gone(k->conn, creator_gone, s);
}

void api_session_create(struct call *k)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(4U << 20);
	_cleanup_buf_ struct buf err = BUF_INIT;
	const struct json *doc = api_body(k, &a);
	struct session_request rq = { 0 };
	struct session *s = NULL;
	unsigned int status = 500;
	int r;

	if (!doc)
		return;
	rq.id = json_get_str(doc, "id");
	rq.workspace = json_get_str(doc, "workspace");
	rq.policy = json_get_str(doc, "policy");
	rq.profile = json_get_str(doc, "profile");
	rq.home = json_get_str(doc, "home");
	rq.project_root = json_get_str(doc, "project_root");
	rq.has_detect = json_get(doc, "detect_project_root") != NULL;
	rq.detect_project_root =
		json_get_bool(doc, "detect_project_root", true);
	rq.has_real_paths = json_get(doc, "real_paths") != NULL;
	rq.real_paths = json_get_bool(doc, "real_paths", false);
	r = session_create(k->app, &rq, &s, &status, &err);
	if (r < 0)
		http_reply_error(k->conn, status, "%s",
				 err.len ? buf_cstr(&err) : strerror(-r));
	else
		reply_created(k, s);
}

void api_session_list(struct call *k)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct json_writer w;

	json_writer_init(&w, &body, 0);
	json_begin_array(&w);
	for (const struct session *s = k->app->sessions; s; s = s->next)
		session_to_json(s, &w);
	json_end_array(&w);
	http_reply_json(k->conn, 200, &body);
}

void api_session_get(struct call *k)
{
	reply_session(k->conn, 200, k->session);
}

static int patch_env(struct session *s, const struct json *set,
		     const struct json *unset)
{
	int r = 0;

	json_foreach(v, set)
	{
		if (r == 0)
			r = v->type == JSON_STRING
				    ? session_env_set(s, v->key, v->text)
				    : -EINVAL;
	}
	json_foreach(v, unset)
	{
		if (v->type == JSON_STRING)
			session_env_unset(s, v->text);
	}
	return r;
}

static void record_update(struct session *s, const struct json *doc)
{
	struct event e = EVENT_INIT("session_updated");
	const struct json *set = json_get(doc, "env");
	_cleanup_buf_ struct buf names = BUF_INIT;

	e.session_id = str_from(s->id);
	event_add_str(&e, "cwd", str_from(s->cwd));
	/* Names only: values may be secrets. */
	json_foreach(v, set)
	{
		if (names.len)
			buf_putc(&names, ',');
		buf_put_str(&names, v->key);
	}
	if (names.len)
		event_add_str(&e, "env", buf_str(&names));
	(void)app_emit(s->app, &e);
}

void api_session_patch(struct call *k)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(16U << 20);
	const struct json *doc = api_body(k, &a);
	struct session *s = k->session;
	struct str cwd;
	int r = 0;

	if (!doc)
		return;
	cwd = json_get_str(doc, "cwd");
	if (cwd.n)
		r = session_set_cwd(s, cwd);
	if (r == -EXDEV) {
		http_reply_error(k->conn, 400, "cwd must be under %s",
				 s->virtual_root);
		return;
	}
	if (r < 0) {
		http_reply_error(k->conn, 400, "cwd: %s", strerror(-r));
		return;
	}
	r = patch_env(s, json_get(doc, "env"), json_get(doc, "unset"));
	if (r < 0) {
		http_reply_error(k->conn, 400, "env: %s", strerror(-r));
		return;
	}
	session_touch(s);
	record_update(s, doc);
	state_write(k->app);
	reply_session(k->conn, 200, s);
}

void api_session_delete(struct call *k)
{
	session_destroy(k->session, "session_destroyed", NULL);
	k->session = NULL;
	http_reply(k->conn, 204, NULL, STR_NONE);
}

void api_session_events(struct call *k)
{
	int r = session_subscribe(k->session, k->conn);

	if (r < 0)
		http_reply_error(k->conn, 503, "too many event streams");
}

void api_session_proxy(struct call *k)
{
	const struct session *s = k->session;
	const __typeof__(s->app->cfg.dlp_shown) *shown = &s->app->cfg.dlp_shown;
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct json_writer w;

	session_drain_proxy(k->session);
	json_writer_init(&w, &body, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "state", s->proxy_port ? "running" : "not configured");
	json_kv_str(&w, "address",
		    s->proxy_port ? str_skip(buf_str(&s->proxy_url),
					     strlen("http://"))
				  : STR_NONE);
	json_kv_cstr(&w, "mode", "embedded");
	json_kv_cstr(&w, "dlp_mode", s->app->cfg.dlp_mode);
	json_kv_i64(&w, "active_patterns", (int64_t)shown->n);
	if (shown->n) {
		json_key(&w, "pattern_names");
		json_begin_array(&w);
		for (size_t i = 0; i < shown->n; i++)
			json_str(&w, shown->data[i]);
		json_end_array(&w);
	}
	json_kv_i64(&w, "total_requests", s->llm.requests);
	json_kv_i64(&w, "requests_with_redactions", s->llm.redacted);
	json_kv_i64(&w, "total_input_tokens", s->llm.input);
	json_kv_i64(&w, "total_output_tokens", s->llm.output);
	json_end_object(&w);
	http_reply_json(k->conn, 200, &body);
}
