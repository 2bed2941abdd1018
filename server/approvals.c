/* SPDX-License-Identifier: MIT */
/*
 * approvals.c - questions that wait for a person
 */
#include "server/approvals.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/limits.h"
#include "server/worker.h"

struct approval {
	struct app *app;
	struct session *session;
	struct command *command; /* NULL: a worker asked */
	struct approval *next;
	char id[64];
	char *command_id, *kind, *target, *rule, *message; /* owned */
	int64_t created_ns, expires_ns;
	uint32_t worker_request;
	struct worker *const *from; /* its place in the session, if one asks */
	struct loop_source *timer;
};

static void approval_free(struct approval *a)
{
	struct approval **at = &a->app->approvals;

	while (*at && *at != a)
		at = &(*at)->next;
	if (*at)
		*at = a->next;
	a->timer = loop_remove(a->timer);
	free(a->command_id);
	free(a->kind);
	free(a->target);
	free(a->rule);
	free(a->message);
	free(a);
}

static struct event describe(const struct approval *a, const char *type)
{
	struct event e = { .type = str_from(type),
			   .session_id = str_from(a->session->id),
			   .command_id = str_from(a->command_id),
			   .depth = -1 };

	event_add_str(&e, "approval_id", str_from(a->id));
	event_add_str(&e, "kind", str_from(a->kind));
	event_add_str(&e, "target", str_from(a->target));
	event_add_str(&e, "rule", str_from(a->rule));
	event_add_str(&e, "message", str_from(a->message));
	return e;
}

static void answer_worker(const struct approval *a, bool approved,
			  struct str reason)
{
	struct proto_approval m = { approved, str_from(a->id), reason };
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct worker *w = a->from ? *a->from : NULL;

	if (!w || proto_approval_encode(&m, &body) < 0)
		return;
	(void)worker_send(w, PROTO_APPROVAL, a->worker_request, buf_str(&body),
			  NULL, 0);
}

static void settle(struct approval *a, bool approved, bool timed_out,
		   struct str reason)
{
	struct event e = describe(a, "approval_resolved");
	struct command *c = a->command;
	_cleanup_buf_ struct buf when = BUF_INIT;

	clock_format_rfc3339(&when, clock_realtime_ns());
	event_add_bool(&e, "approved", approved);
	event_add_str(&e, "reason", timed_out ? STR("timeout") : reason);
	event_add_str(&e, "resolved_at", buf_str(&when));
	if (app_emit(a->app, &e) < 0)
		approved = false; /* not on record: it does not happen */
	if (!c)
		answer_worker(a, approved, reason);
	approval_free(a);
	if (c)
		command_approved(c, approved, timed_out);
}

static void on_timeout(struct loop *l, void *arg)
{
	(void)l;
	settle(arg, false, true, STR_NONE);
}

static unsigned int pending(const struct app *app, const struct session *s)
{
	unsigned int n = 0;

	for (const struct approval *a = app->approvals; a; a = a->next)
		n += a->session == s;
	return n;
}

/* Where the session has it: what is there when the answer comes gets it. */
static struct worker *const *place_of(const struct session *s,
				      const struct worker *w)
{
	if (!w)
		return NULL;
	if (w == s->vfs)
		return &s->vfs;
	return w == s->proxy ? &s->proxy : &s->tracer;
}

static int fill(struct approval *a, const struct approval_ask *o)
{
	char uuid[UUID_LEN + 1];

	uuid4(uuid);
	(void)snprintf(a->id, sizeof(a->id), "approval-%s", uuid);
	a->command_id = str_dup(o->command_id);
	a->kind = str_dup(o->kind);
	a->target = str_dup(o->target);
	a->rule = str_dup(o->rule);
	a->message = str_dup(o->message);
	a->worker_request = o->worker_request;
	a->from = place_of(o->session, o->worker);
	return a->command_id && a->kind && a->target && a->rule && a->message
		       ? 0
		       : -ENOMEM;
}

int approval_ask(const struct approval_ask *o, char ret_id[64])
{
	struct app *app = o->session->app;
	int64_t timeout = o->timeout_ns > 0 ? o->timeout_ns
					    : app->cfg.approval_timeout_ns;
	struct approval *a;
	struct event e;
	int r;

	if (pending(app, o->session) >= LIMIT_APPROVALS)
		return -EBUSY;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->app = app;
	a->session = o->session;
	a->command = o->command;
	a->created_ns = clock_realtime_ns();
	a->expires_ns = a->created_ns + timeout;
	r = fill(a, o);
	if (r == 0)
		r = loop_add_timer(app->loop, (uint64_t)timeout, on_timeout, a,
				   &a->timer);
	if (r == 0) {
		e = describe(a, "approval_requested");
		r = app_emit(app, &e);
	}
	if (r < 0) {
		approval_free(a);
		return r;
	}
	a->next = app->approvals;
	app->approvals = a;
	(void)snprintf(ret_id, 64, "%s", a->id);
	return 0;
}

static struct approval *find(const struct app *app, struct str id)
{
	struct approval *a = app->approvals;

	while (a && !str_eq_c(id, a->id))
		a = a->next;
	return a;
}

/* The words of the interface for what workers call by their own. */
static struct str public_kind(struct str kind)
{
	if (str_eq(kind, STR("exec")))
		return STR("command");
	if (str_eq(kind, STR("net")) || str_eq(kind, STR("http")))
		return STR("network");
	return kind;
}

int approval_from_worker(struct session *s, struct worker *w,
			 const struct channel_msg *m)
{
	struct proto_approval no = { .reason = STR("too many pending "
						   "approvals") };
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct proto_approval_ask ask;
	char id[64];
	int r = proto_approval_ask_decode(m->body, &ask);
	struct approval_ask q = { .session = s,
				  .worker = w,
				  .worker_request = m->id };

	if (r < 0)
		return r;
	q.command_id = ask.command_id;
	q.kind = public_kind(ask.kind);
	q.target = ask.target;
	q.rule = ask.rule;
	q.message = ask.message;
	q.timeout_ns = (int64_t)MIN(ask.timeout_ns, (uint64_t)INT64_MAX);
	if (!q.timeout_ns && str_eq(q.kind, STR("command")))
		q.timeout_ns = s->app->cfg.exec_approval_timeout_ns;
	if (approval_ask(&q, id) < 0 && proto_approval_encode(&no, &out) == 0)
		(void)worker_send(w, PROTO_APPROVAL, m->id, buf_str(&out), NULL,
				  0);
	return 0;
}

int approval_resolve(struct app *app, struct str id, bool approved,
		     struct str reason)
{
	struct approval *a = find(app, id);

	if (!a)
		return -ENOENT;
	settle(a, approved, /* timed_out */ false, reason);
	return 0;
}

static void put_one(const struct approval *a, struct json_writer *w)
{
	_cleanup_buf_ struct buf created = BUF_INIT, expires = BUF_INIT;

	clock_format_rfc3339(&created, a->created_ns);
	clock_format_rfc3339(&expires, a->expires_ns);
	json_begin_object(w);
	json_kv_cstr(w, "id", a->id);
	json_kv_str(w, "created_at", buf_str(&created));
	json_kv_str(w, "expires_at", buf_str(&expires));
	json_kv_cstr(w, "session_id", a->session->id);
	json_kv_str_opt(w, "command_id", str_from(a->command_id));
	json_kv_cstr(w, "kind", a->kind);
	json_kv_str_opt(w, "target", str_from(a->target));
	json_kv_str_opt(w, "rule", str_from(a->rule));
	json_kv_str_opt(w, "message", str_from(a->message));
	json_end_object(w);
}

void approvals_to_json(const struct app *app, struct str session,
		       struct json_writer *w)
{
	json_begin_array(w);
	for (const struct approval *a = app->approvals; a; a = a->next)
		if (session.n == 0 || str_eq_c(session, a->session->id))
			put_one(a, w);
	json_end_array(w);
}

bool approval_to_json(const struct app *app, struct str id,
		      struct json_writer *w)
{
	const struct approval *a = find(app, id);

	if (a)
		put_one(a, w);
	return a != NULL;
}

void approvals_drop_command(struct app *app, const struct command *c)
{
	struct approval *next;

	for (struct approval *a = app->approvals; a; a = next) {
		next = a->next;
		if (a->command == c)
			approval_free(a);
		else if (!a->command && a->session == c->session &&
			 str_eq_c(str_from(a->command_id), c->id))
			settle(a, /* approved */ false, /* timed_out */ false,
			       STR("the command ended"));
	}
}

void approvals_drop_worker(struct app *app, const struct session *s,
			   const struct worker *w)
{
	struct approval *next;

	for (struct approval *a = app->approvals; a; a = next) {
		next = a->next;
		if (a->session == s && a->from && w && *a->from == w) {
			a->from = NULL; /* nobody to tell */
			settle(a, /* approved */ false, /* timed_out */ false,
			       STR("who asked has ended"));
		}
	}
}

void approvals_drop_session(struct app *app, const struct session *s)
{
	struct approval *next;

	for (struct approval *a = app->approvals; a; a = next) {
		next = a->next;
		if (a->session == s)
			approval_free(a);
	}
}
