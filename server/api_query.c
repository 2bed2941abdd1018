/* SPDX-License-Identifier: MIT */
/*
 * api_query.c - events, output, approvals and policy questions over HTTP
 */
#include <errno.h>

#include "base/clock.h"
#include "base/num.h"
#include "core/limits.h"
#include "policy/explain.h"
#include "server/api.h"
#include "server/approvals.h"
#include "server/reload.h"

#define MAX_TYPES 32

struct query {
	struct audit_filter filter;
	struct str types[MAX_TYPES];
	struct buf text[9];
};

static int get(const struct call *k, const char *name, struct buf *out,
	       struct str *ret)
{
	int r = http_query_get(k->rq->query, name, out);

	if (r == 0)
		*ret = buf_str(out);
	return r;
}

/* RFC 3339, or a duration ago. */
static int parse_time(struct str s, int64_t *ret)
{
	int64_t ago = 0;

	if (s.n == 0 || clock_parse_rfc3339(s, ret) == 0)
		return 0;
	if (num_parse_duration(s, &ago) < 0)
		return -EINVAL;
	*ret = clock_realtime_ns() - ago;
	return 0;
}

static int get_number(const struct call *k, const char *name, int *ret)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int64_t v = 0;
	int r = http_query_get(k->rq->query, name, &text);

	if (r < 0 || text.len == 0)
		return r;
	r = num_parse_range(buf_str(&text), INT32_MIN, INT32_MAX, &v);
	if (r == 0)
		*ret = (int)v;
	return r;
}

static void split_types(struct query *q, struct str list)
{
	struct str part;

	while (q->filter.n_types < MAX_TYPES && str_split(&list, ',', &part)) {
		part = str_trim(part);
		if (part.n)
			q->types[q->filter.n_types++] = part;
	}
	q->filter.types = q->types;
}

static int parse_query(const struct call *k, struct query *q)
{
	struct audit_filter *f = &q->filter;
	struct str types = STR_NONE, order = STR_NONE, since = STR_NONE,
		   until = STR_NONE;
	int r = get(k, "command_id", &q->text[0], &f->command_id);

	r = r ? r : get(k, "decision", &q->text[1], &f->decision);
	r = r ? r : get(k, "path_like", &q->text[2], &f->path_like);
	r = r ? r : get(k, "domain_like", &q->text[3], &f->domain_like);
	r = r ? r : get(k, "text_like", &q->text[4], &f->text_like);
	r = r ? r : get(k, "type", &q->text[5], &types);
	r = r ? r : get(k, "order", &q->text[6], &order);
	r = r ? r : get(k, "since", &q->text[7], &since);
	r = r ? r : get(k, "until", &q->text[8], &until);
	r = r ? r : get_number(k, "limit", &f->limit);
	r = r ? r : get_number(k, "offset", &f->offset);
	r = r ? r : parse_time(since, &f->since_ns);
	r = r ? r : parse_time(until, &f->until_ns);
	split_types(q, types);
	f->ascending = str_eq_c(order, "asc");
	return r;
}

static int put_row(void *arg, struct str json)
{
	struct json_writer *w = arg;

	json_raw(w, json);
	return w->out->error;
}

static void answer_query(struct call *k, struct query *q)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct json_writer w;
	int r = parse_query(k, q);

	if (r < 0) {
		http_reply_error(k->conn, 400, "invalid query parameter");
		return;
	}
	app_import_spool(k->app);
	json_writer_init(&w, &body, 0);
	json_begin_array(&w);
	r = audit_query(k->app->store, &q->filter, put_row, &w);
	json_end_array(&w);
	if (r < 0)
		http_reply_error(k->conn, 500, "query failed: %s",
				 strerror(-r));
	else
		http_reply_json(k->conn, 200, &body);
}

static void query_done(struct query *q)
{
	for (size_t i = 0; i < ARRAY_LEN(q->text); i++)
		buf_done(&q->text[i]);
}

void api_history(struct call *k)
{
	struct query q = { 0 };

	q.filter.session_id = str_from(k->session->id);
	answer_query(k, &q);
	query_done(&q);
}

void api_search(struct call *k)
{
	_cleanup_buf_ struct buf id = BUF_INIT;
	struct query q = { 0 };

	if (http_query_get(k->rq->query, "session_id", &id) < 0) {
		http_reply_error(k->conn, 400, "invalid query parameter");
		return;
	}
	q.filter.session_id = buf_str(&id);
	answer_query(k, &q);
	query_done(&q);
}

static void put_chunk(struct json_writer *w, const struct call *k,
		      const struct audit_output_at *at, struct str data,
		      uint64_t total, bool truncated)
{
	json_begin_object(w);
	json_kv_str(w, "command_id", buf_str(&k->param[1]));
	json_kv_str(w, "data", data);
	json_kv_bool(w, "has_more", at->offset + data.n < total && data.n > 0);
	json_kv_i64(w, "limit", (int64_t)at->limit);
	json_kv_i64(w, "offset", (int64_t)at->offset);
	json_kv_cstr(w, "stream", at->is_stderr ? "stderr" : "stdout");
	json_kv_i64(w, "total_bytes", (int64_t)total);
	json_kv_bool(w, "truncated", truncated);
	json_end_object(w);
}

void api_output(struct call *k)
{
	_cleanup_buf_ struct buf data = BUF_INIT, body = BUF_INIT,
				 stream = BUF_INIT;
	struct audit_output_at at = { .session_id = str_from(k->session->id),
				      .command_id = buf_str(&k->param[1]) };
	int offset = 0, limit = 0, r;
	struct json_writer w;
	uint64_t total = 0;
	bool cut = false;

	r = http_query_get(k->rq->query, "stream", &stream);
	r = r ? r : get_number(k, "offset", &offset);
	r = r ? r : get_number(k, "limit", &limit);
	if (r < 0 || offset < 0) {
		http_reply_error(k->conn, 400, "invalid query parameter");
		return;
	}
	at.is_stderr = str_eq_c(buf_str(&stream), "stderr");
	at.offset = (uint64_t)offset;
	at.limit = limit > 0 ? MIN((uint64_t)limit, LIMIT_OUTPUT_CAPTURE)
			     : 65536;
	r = audit_output_get(k->app->store, &at, &data, &total, &cut);
	if (r < 0) {
		http_reply_error(k->conn, r == -ENOENT ? 404 : 500, "%s",
				 r == -ENOENT ? "output not found"
					      : strerror(-r));
		return;
	}
	json_writer_init(&w, &body, 0);
	put_chunk(&w, k, &at, buf_str(&data), total, cut);
	http_reply_json(k->conn, 200, &body);
}

/* ---- approvals ---- */

void api_approvals(struct call *k)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	_cleanup_buf_ struct buf mode = BUF_INIT, session = BUF_INIT;
	struct json_writer w;

	if (http_query_get(k->rq->query, "mode", &mode) < 0 ||
	    http_query_get(k->rq->query, "session_id", &session) < 0) {
		http_reply_error(k->conn, 400, "invalid query");
		return;
	}
	/* Who asks people by a certain way wants to know if it is the one. */
	if (mode.len &&
	    (!k->app->cfg.approvals ||
	     !str_eq_c(buf_str(&mode), k->app->cfg.approvals_mode))) {
		http_reply_error(k->conn, 404, "approvals not enabled");
		return;
	}
	json_writer_init(&w, &body, 0);
	approvals_to_json(k->app, buf_str(&session), &w);
	http_reply_json(k->conn, 200, &body);
}

void api_approval_get(struct call *k)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct json_writer w;

	json_writer_init(&w, &body, 0);
	if (approval_to_json(k->app, buf_str(&k->param[0]), &w))
		http_reply_json(k->conn, 200, &body);
	else
		http_reply_error(k->conn, 404, "approval not found");
}

void api_approval_post(struct call *k)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	const struct json *doc = api_body(k, &a);
	struct str decision;
	bool yes;

	if (!doc)
		return;
	if (!k->app->cfg.approvals) {
		http_reply_error(k->conn, 404, "approvals not enabled");
		return;
	}
	decision = json_get_str(doc, "decision");
	yes = str_eq_c(decision, "approve") || str_eq_c(decision, "allow");
	if (approval_resolve(k->app, buf_str(&k->param[0]), yes,
			     json_get_str(doc, "reason")) < 0)
		http_reply_error(k->conn, 404, "approval not found");
	else
		http_reply(k->conn, 200, "application/json",
			   STR("{\"ok\":true}\n"));
}

/* ---- policy/test ---- */

static void put_verdict(struct call *k, const struct policy *p,
			const struct op *op)
{
	_cleanup_buf_ struct buf body = BUF_INIT, message = BUF_INIT;
	struct verdict v = policy_decide(p, op);
	bool shadow = v.kind == VERDICT_APPROVE && !k->app->cfg.approvals;
	bool yes = v.kind == VERDICT_APPROVE ? shadow : verdict_permits(v.kind);
	struct policy_redirect to;
	struct str args[64], env[64];
	struct json_writer w;

	policy_rule_message(p, v, op, &message);
	json_writer_init(&w, &body, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "decision", yes ? "allow" : "deny");
	json_kv_cstr(&w, "policy_decision", verdict_kind_to_string(v.kind));
	json_kv_str(&w, "reason", buf_str(&message));
	if (v.kind == VERDICT_REDIRECT &&
	    policy_rule_redirect(p, v, &to, args, ARRAY_LEN(args), env,
				 ARRAY_LEN(env)) == 0) {
		json_key(&w, "redirect");
		json_begin_object(&w);
		json_key(&w, "args");
		json_begin_array(&w);
		for (size_t i = 0; i < to.n_args; i++)
			json_str(&w, to.args[i]);
		json_end_array(&w);
		json_kv_str(&w, "command", to.target);
		json_end_object(&w);
	}
	json_kv_str(&w, "rule", policy_rule_name(p, v));
	json_end_object(&w);
	http_reply_json(k->conn, 200, &body);
}

static void reply_bad_operation(struct call *k)
{
	_cleanup_buf_ struct buf words = BUF_INIT;

	for (enum file_verb v = 0; v < FILE_VERB_MAX; v++)
		buf_printf(&words, ", %s", file_verb_to_string(v));
	http_reply_error(k->conn, 400,
			 "unknown operation or empty path (operations: exec, "
			 "connect%s)",
			 buf_cstr(&words));
}

/* The session asked about, or any; NULL: answered with an error. */
static const struct session *
asked_session(struct call *k, const struct json *doc, struct explain_op *ret)
{
	struct str id = json_get_str(doc, "session_id");
	const struct session *s = id.n ? session_find(k->app, id)
				       : k->app->sessions;

	if (!s && id.n)
		http_reply_error(k->conn, 404, "session not found");
	else if (!s)
		http_reply_error(k->conn, 503,
				 "no session, so no policy is loaded");
	if (!s)
		return NULL;
	if (explain_op_parse(json_get_str(doc, "operation"),
			     json_get_str(doc, "path"), ret) == 0)
		return s;
	reply_bad_operation(k);
	return NULL;
}

void api_policy_test(struct call *k)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	const struct json *doc = api_body(k, &a);
	const struct session *s;
	struct explain_op what;

	if (!doc)
		return;
	if (json_get_str(doc, "operation").n == 0) {
		reply_bad_operation(k);
		return;
	}
	s = asked_session(k, doc, &what);
	if (s)
		put_verdict(k, s->policy, &what.op);
}

/* Layers that act on the operation: in force here, or not. */
static void put_layers(const struct session *s, const struct json *layers,
		       enum op_kind kind, bool active, struct json_writer *w)
{
	static const struct {
		enum op_kind kind;
		const char *names[4];
	} ACT[] = { { OP_FILE, { "landlock", "notify", "fuse" } },
		    { OP_EXEC, { "notify", "landlock", "seccomp" } },
		    { OP_NET, { "notify", "landlock", "seccomp" } } };

	json_key(w, active ? "enforced_by" : "missing_layers");
	json_begin_array(w);
	json_foreach(l, layers)
	{
		for (size_t i = 0; i < ARRAY_LEN(ACT); i++)
			for (size_t j = 0; j < 4 && ACT[i].names[j]; j++)
				if (ACT[i].kind == kind &&
				    str_eq_c(json_get_str(l, "name"),
					     ACT[i].names[j]) &&
				    json_get_bool(l, "active", false) == active)
					json_cstr(w, ACT[i].names[j]);
	}
	/* it alone knows names; all else is about addresses */
	if (kind == OP_NET && (s->proxy_port != 0) == active)
		json_cstr(w, "proxy");
	json_end_array(w);
}

void api_policy_explain(struct call *k)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	_cleanup_buf_ struct buf body = BUF_INIT;
	const struct json *doc = api_body(k, &a);
	struct json *layers = NULL;
	const struct session *s;
	struct explain_op what;
	struct json_writer w;

	s = doc ? asked_session(k, doc, &what) : NULL;
	if (!s)
		return;
	json_writer_init(&w, &body, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "session", s->id);
	policy_explain(s->policy, &what.op, &w);
	if (s->layers.len &&
	    json_parse(&a, buf_str(&s->layers), &layers) == 0) {
		put_layers(s, layers, what.op.kind, true, &w);
		put_layers(s, layers, what.op.kind, false, &w);
	}
	json_end_object(&w);
	http_reply_json(k->conn, 200, &body);
}

void api_policy_reload(struct call *k)
{
	static const char *const RESULTS[] = { "unchanged", "reloaded",
					       "refused" };
	_cleanup_buf_ struct buf body = BUF_INIT;
	bool refused = false;
	struct json_writer w;

	json_writer_init(&w, &body, 0);
	json_begin_object(&w);
	json_key(&w, "sessions");
	json_begin_array(&w);
	for (struct session *s = k->app->sessions; s; s = s->next) {
		_cleanup_buf_ struct buf err = BUF_INIT;
		enum reload_result r = reload_session(s, &err);

		refused |= r == RELOAD_REFUSED;
		json_begin_object(&w);
		json_kv_cstr(&w, "id", s->id);
		json_kv_cstr(&w, "policy", s->policy_name);
		json_kv_cstr(&w, "result", RESULTS[r]);
		json_kv_i64(&w, "generation", s->generation);
		json_kv_bool_opt(&w, "floor_is_old", s->floor_is_old);
		json_kv_str_opt(&w, "error", buf_str(&err));
		json_end_object(&w);
	}
	json_end_array(&w);
	json_kv_bool(&w, "ok", !refused);
	json_end_object(&w);
	http_reply_json(k->conn, 200, &body);
}
