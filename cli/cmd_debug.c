/* SPDX-License-Identifier: MIT */
/*
 * cmd_debug.c - debug policy-test, stats, pending; approve list, resolve
 */
#include <ctype.h>

#include "base/clock.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/stats.h"

int cmd_debug_policy_test(struct cli *c)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf body = BUF_INIT, b = BUF_INIT;
	_cleanup_arena_ struct arena a = ARENA_INIT(16U << 20);
	const struct flag_set *f = &c->flags;
	struct json *v = NULL;
	struct json_writer w;
	struct client cl;
	struct str decision;
	int status = client_init(&cl, c);

	if (status)
		return status;
	json_writer_init(&w, &body, 0);
	json_begin_object(&w);
	json_kv_str_opt(&w, "session_id", str_from(flag_text(f, "session")));
	json_kv_cstr(&w, "operation", flag_text(f, "op"));
	json_kv_cstr(&w, "path", flag_text(f, "path"));
	json_end_object(&w);
	status = client_do(&cl, "POST", "/api/v1/policy/test", buf_str(&body),
			   &answer);
	if (status)
		return status;
	if (flag_bool(f, "json"))
		return out_json(buf_str(&answer.body));
	if (json_parse(&a, buf_str(&answer.body), &v) < 0)
		return fail("POST /api/v1/policy/test: the answer is not "
			    "JSON");
	decision = json_get_str(v, "decision");
	buf_printf(&b, "Operation: %s\nPath:      %s\n\nDecision:  ",
		   flag_text(f, "op"), flag_text(f, "path"));
	buf_puts(&b, colour(str_eq(decision, STR("allow")) ? COLOUR_GREEN
							   : COLOUR_RED));
	for (size_t i = 0; i < decision.n; i++)
		buf_putc(&b, (char)toupper((unsigned char)decision.p[i]));
	buf_printf(&b, "%s\n", colour(COLOUR_OFF));
	buf_printf(&b,
		   "Rule:      " STR_FMT "\nReason:    " STR_FMT
		   "\nSource:    %s\n",
		   STR_ARG(json_get_str(v, "rule")),
		   STR_ARG(json_get_str(v, "reason")),
		   flag_text(f, "session")[0] ? flag_text(f, "session")
					      : "default policy");
	return out_buf(&b);
}

int cmd_debug_stats(struct cli *c)
{
	_cleanup_conn_ struct conn session = CONN_INIT, events = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT, b = BUF_INIT;
	_cleanup_arena_ struct arena a = ARENA_INIT(256U << 20);
	struct json *vs = NULL, *ve = NULL;
	struct stats st = { 0 };
	struct client cl;
	int status = client_init(&cl, c);

	if (status)
		return status;
	client_session_path(&target, c->args[0], "");
	status = client_do(&cl, "GET", buf_cstr(&target), STR_NONE, &session);
	if (status)
		return status;
	/* 5000 is the most the server gives at once. */
	buf_puts(&target, "/history?limit=5000");
	status = client_do(&cl, "GET", buf_cstr(&target), STR_NONE, &events);
	if (status)
		return status;
	if (json_parse(&a, buf_str(&session.body), &vs) < 0 ||
	    json_parse(&a, buf_str(&events.body), &ve) < 0)
		return fail("GET %s: the answer is not JSON",
			    buf_cstr(&target));
	stats_count(&st, ve);
	st.session = json_get_str(vs, "id");
	st.state = json_get_str(vs, "state");
	if (clock_parse_rfc3339(json_get_str(vs, "created_at"), &st.start_ns) ==
	    0)
		st.uptime_sec =
			(clock_realtime_ns() - st.start_ns) / 1000000000;
	if (flag_bool(&c->flags, "json"))
		stats_json(&st, &b);
	else
		stats_text(&st, &b);
	return out_buf(&b);
}

static int get_approvals(const struct cli *c, struct arena *a,
			 struct conn *answer, struct json **ret)
{
	struct client cl;
	int status = client_init(&cl, c);

	if (status == 0)
		status = client_do(&cl, "GET", "/api/v1/approvals", STR_NONE,
				   answer);
	if (status)
		return status;
	if (json_parse(a, buf_str(&answer->body), ret) < 0)
		return fail("GET /api/v1/approvals: the answer is not JSON");
	return 0;
}

static void put_age(struct buf *b, struct str created)
{
	int64_t ns = 0;

	if (clock_parse_rfc3339(created, &ns) == 0)
		stats_duration(b, (clock_realtime_ns() - ns) / 1000000000);
}

/* "" means any. */
static bool of_session(const struct json *approval, const char *session)
{
	return session[0] == '\0' ||
	       str_eq_c(json_get_str(approval, "session_id"), session);
}

static void put_pending(struct buf *b, const struct json *it)
{
	_cleanup_buf_ struct buf target = BUF_INIT;

	buf_put_name(&target, json_get_str(it, "target"));
	buf_printf(b, "%-46.*s %-20.*s %-10.*s %-40s ",
		   STR_ARG(json_get_str(it, "id")),
		   STR_ARG(json_get_str(it, "session_id")),
		   STR_ARG(json_get_str(it, "kind")), buf_cstr(&target));
	put_age(b, json_get_str(it, "created_at"));
	buf_putc(b, '\n');
}

static void pending_json(struct buf *b, const struct json *list,
			 const char *session)
{
	struct json_writer w;

	json_writer_init(&w, b, 2);
	json_begin_array(&w);
	json_foreach(it, list)
	{
		if (of_session(it, session))
			json_copy(&w, it);
	}
	json_end_array(&w);
	buf_putc(b, '\n');
}

static void pending_table(struct buf *b, const struct json *list,
			  const char *session)
{
	unsigned int n = 0;

	json_foreach(it, list)
	{
		if (!of_session(it, session))
			continue;
		if (n++ == 0)
			buf_printf(b, "%-46s %-20s %-10s %-40s %s\n", "ID",
				   "SESSION", "OPERATION", "PATH", "AGE");
		put_pending(b, it);
	}
	if (n)
		buf_printf(b, "\n%u pending approval(s)\n", n);
	else
		buf_puts(b, "No pending approvals\n");
}

int cmd_debug_pending(struct cli *c)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_arena_ struct arena a = ARENA_INIT(64U << 20);
	const char *session = flag_text(&c->flags, "session");
	struct json *list = NULL;
	int status = get_approvals(c, &a, &answer, &list);

	if (status)
		return status;
	if (flag_bool(&c->flags, "json"))
		pending_json(&b, list, session);
	else
		pending_table(&b, list, session);
	return out_buf(&b);
}

int cmd_approve_list(struct cli *c)
{
	return client_show(c, "/api/v1/approvals");
}

int cmd_approve_resolve(struct cli *c)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT, body = BUF_INIT;
	bool allow = flag_bool(&c->flags, "allow");
	struct json_writer w;
	struct client cl;
	int status;

	if (allow == flag_bool(&c->flags, "deny"))
		return fail("choose exactly one of --allow or --deny");
	status = client_init(&cl, c);
	if (status)
		return status;
	buf_puts(&target, "/api/v1/approvals/");
	url_escape(&target, str_from(c->args[0]));
	json_writer_init(&w, &body, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "decision", allow ? "approve" : "deny");
	json_kv_cstr(&w, "reason", flag_text(&c->flags, "reason"));
	json_end_object(&w);
	status = client_do(&cl, "POST", buf_cstr(&target), buf_str(&body),
			   &answer);
	return status ? status : out_line("ok");
}
