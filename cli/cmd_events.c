/* SPDX-License-Identifier: MIT */
/*
 * cmd_events.c - events tail, events query, session logs
 */
#include <errno.h>

#include "audit/store.h"
#include "base/clock.h"
#include "base/num.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/sse.h"
#include "cli/store.h"

static int print_event(void *arg, struct str event, struct str data)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	(void)arg;
	if (event.n) /* "ready" and the like */
		return 0;
	json_put_shown(&b, data);
	buf_putc(&b, '\n');
	return out_write(STDOUT_FILENO, buf_str(&b));
}

struct tail {
	struct conn *conn;
	struct sse sse;
	struct buf refusal;
};

static int on_body(void *arg, struct str data)
{
	struct tail *t = arg;

	if (t->conn->status == 200)
		return sse_feed(&t->sse, data);
	buf_put_str(&t->refusal, data);
	return t->refusal.error;
}

int cmd_events_tail(struct cli *c)
{
	_cleanup_conn_ struct conn conn = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT;
	struct conn_request rq = { .method = "GET" };
	struct tail t = { .conn = &conn, .sse = { .fn = print_event } };
	uint64_t deadline = client_deadline(CLIENT_TIMEOUT_NS);
	struct client cl;
	int status = client_init(&cl, c), r;

	if (status)
		return status;
	client_session_path(&target, c->args[0], "/events");
	rq.target = buf_cstr(&target);
	conn.on_body = on_body;
	conn.arg = &t;
	r = conn_open(&conn, &cl.url, deadline);
	if (r == 0)
		r = conn_send(&conn, &cl.url, cl.api_key, &rq, deadline);
	if (r == 0)
		r = conn_wait(&conn, 0);
	if (r < 0 && r != -EPIPE && conn.status != 200)
		status = client_fail_connect(&cl, "GET", rq.target, r);
	else if (conn.status != 200 && r != -EPIPE) {
		buf_put_str(&conn.body, buf_str(&t.refusal));
		status = client_fail_status("GET", rq.target, &conn);
	}
	sse_done(&t.sse);
	buf_done(&t.refusal);
	return status;
}

static int add_row(void *arg, struct str payload)
{
	json_raw(arg, payload);
	return 0;
}

#define TYPES_MAX 64

/* Straight from the database, which other programs may read at any time. */
static int query_db(const struct cli *c, const struct audit_filter *filter)
{
	const char *path = flag_text(&c->flags, "db-path");
	struct audit_options o = { .read_only = true };
	struct audit_store *store = NULL;
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json_writer w;
	int r;

	o.sqlite_path = path[0] ? path
				: env_or("AGENTSH_DB_PATH", "./data/events.db");
	r = audit_open(&o, &store);
	if (r < 0)
		return fail_errno(r, "open database %s", o.sqlite_path);
	json_writer_init(&w, &b, 0);
	json_begin_array(&w);
	r = audit_query(store, filter, add_row, &w);
	json_end_array(&w);
	(void)audit_close(store);
	if (r < 0)
		return fail_errno(r, "query %s", o.sqlite_path);
	return out_json(buf_str(&b));
}

static void put_param(struct buf *b, const char *name, struct str value)
{
	if (value.n == 0)
		return;
	buf_putc(b, str_index(buf_str(b), '?') < 0 ? '?' : '&');
	buf_printf(b, "%s=", name);
	url_escape(b, value);
}

static void put_time(struct buf *b, const char *name, int64_t ns)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (ns)
		clock_format_rfc3339(&text, ns);
	put_param(b, name, buf_str(&text));
}

static int query_server(const struct cli *c, const struct audit_filter *f)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_puts(&b, "/api/v1/events/search");
	put_param(&b, "session_id", f->session_id);
	put_param(&b, "type", str_from(flag_text(&c->flags, "type")));
	put_param(&b, "decision", f->decision);
	put_time(&b, "since", f->since_ns);
	put_time(&b, "until", f->until_ns);
	put_param(&b, "path_like", f->path_like);
	put_param(&b, "domain_like", f->domain_like);
	put_param(&b, "text_like", f->text_like);
	buf_printf(&b, "%climit=%d&offset=%d%s",
		   str_index(buf_str(&b), '?') < 0 ? '?' : '&', f->limit,
		   f->offset, f->ascending ? "&order=asc" : "");
	return client_show(c, buf_cstr(&b));
}

static int flag_small(const struct cli *c, const char *name)
{
	int64_t v = flag_int(&c->flags, name);

	return v < 0 ? 0 : v > 1000000000 ? 1000000000 : (int)v;
}

int cmd_events_query(struct cli *c)
{
	const struct flag_set *f = &c->flags;
	const char *order = flag_text(f, "order");
	struct str types[TYPES_MAX], rest = str_from(flag_text(f, "type"));
	struct audit_filter filter = {
		.session_id = str_from(flag_text(f, "session")),
		.decision = str_from(flag_text(f, "decision")),
		.path_like = str_from(flag_text(f, "path-like")),
		.domain_like = str_from(flag_text(f, "domain-like")),
		.text_like = str_from(flag_text(f, "text-like")),
		.types = types,
		.limit = flag_small(c, "limit"),
		.offset = flag_small(c, "offset"),
		.ascending = strcmp(order, "asc") == 0,
	};
	struct str type;
	int status;

	if (!filter.ascending && strcmp(order, "desc") != 0)
		return fail("invalid --order \"%s\" (expected desc|asc)",
			    order);
	status = store_parse_since("since", flag_text(f, "since"),
				   &filter.since_ns);
	if (status == 0)
		status = store_parse_since("until", flag_text(f, "until"),
					   &filter.until_ns);
	if (status)
		return status;
	while (filter.n_types < TYPES_MAX && str_split(&rest, ',', &type))
		if (str_trim(type).n)
			types[filter.n_types++] = str_trim(type);
	return flag_bool(f, "direct-db") ? query_db(c, &filter)
					 : query_server(c, &filter);
}
