/* SPDX-License-Identifier: MIT */
/*
 * api.h - routes of the HTTP API (interface reference section 2.2)
 */
#ifndef SERVER_API_H
#define SERVER_API_H

#include "server/app.h"
#include "server/exec.h"
#include "server/session.h"

struct call {
	struct app *app;
	struct http_conn *conn;
	const struct http_request *rq;
	struct session *session; /* of {id}, when the route has one */
	struct buf param[2];     /* {id}, {cmd}, decoded */
	enum auth_role role;
};

typedef void api_fn(struct call *k);

struct api_route {
	const char *method;
	const char *pattern; /* segments; "*" takes one */
	api_fn *fn;
	enum auth_role role; /* least that is needed */
	bool own;            /* a session may GET this about itself */
};

/* The engine's handler; arg is struct app. */
void api_handle(struct http_conn *c, const struct http_request *rq, void *arg);

/* The request's body as a JSON object, {} when empty; else 400 was sent. */
struct json *api_body(struct call *k, struct arena *a);

/* api_session.c */
void api_session_create(struct call *k);
void api_session_list(struct call *k);
void api_session_get(struct call *k);
void api_session_patch(struct call *k);
void api_session_delete(struct call *k);
void api_session_events(struct call *k);
void api_session_proxy(struct call *k);
/* api_exec.c */
void api_exec(struct call *k);
void api_exec_stream(struct call *k);
void api_pty(struct call *k);
void api_kill(struct call *k);
void api_signal(struct call *k);
/* api_query.c */
void api_history(struct call *k);
void api_search(struct call *k);
void api_output(struct call *k);
void api_approvals(struct call *k);
void api_approval_get(struct call *k);
void api_approval_post(struct call *k);
void api_policy_test(struct call *k);
void api_policy_explain(struct call *k);
void api_policy_reload(struct call *k);

#endif
