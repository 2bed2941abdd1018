/* SPDX-License-Identifier: MIT */
/*
 * cmd_report.c - report: where the events come from and the text goes to
 */
#include <errno.h>
#include <fcntl.h>

#include "audit/store.h"
#include "base/clock.h"
#include "base/fd.h"
#include "cli/client.h"
#include "cli/output.h"
#include "cli/report.h"

/* The most one request may ask for (interface reference 2.8). */
#define PAGE 5000

static int from_server(const struct cli *c, struct arena *a, struct buf *id,
		       struct report_input *in)
{
	_cleanup_buf_ struct buf all = BUF_INIT;
	struct client cl;
	int status = client_init(&cl, c);

	if (status == 0)
		status = client_session(&cl, c->args[0], id);
	if (status)
		return status;
	buf_putc(&all, '[');
	for (unsigned int page = 0;; page++) {
		_cleanup_conn_ struct conn answer = CONN_INIT;
		_cleanup_buf_ struct buf target = BUF_INIT;
		_cleanup_arena_ struct arena part = ARENA_INIT(512U << 20);
		struct json *list = NULL;
		struct str s;

		buf_puts(&target, "/api/v1/events/search?session_id=");
		url_escape(&target, buf_str(id));
		buf_printf(&target, "&order=asc&limit=%d&offset=%u", PAGE,
			   page * PAGE);
		status = client_do(&cl, "GET", buf_cstr(&target), STR_NONE,
				   &answer);
		if (status)
			return status;
		s = str_trim(buf_str(&answer.body));
		if (json_parse(&part, s, &list) < 0)
			return fail("GET %s: the answer is not JSON",
				    buf_cstr(&target));
		if (list->type != JSON_ARRAY || list->n == 0)
			break;
		if (all.len > 1)
			buf_putc(&all, ',');
		buf_put(&all, s.p + 1, s.n - 2); /* without the brackets */
		if (list->n < PAGE)
			break;
	}
	buf_putc(&all, ']');
	if (all.error || json_parse(a, buf_str(&all), &in->events) < 0)
		return fail("report: too many events");
	return 0;
}

struct rows {
	struct json_writer w;
	int n; /* in this page */
};

static int add_row(void *arg, struct str payload)
{
	struct rows *rows = arg;

	rows->n++;
	json_raw(&rows->w, payload);
	return 0;
}

/* The session of the newest session_created event. */
static int note_session(void *arg, struct str payload)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	struct json *v = NULL;

	if (json_parse(&a, payload, &v) == 0)
		buf_put_str(arg, json_get_str(v, "session_id"));
	return 1;
}

static int from_db(const struct cli *c, struct arena *a, struct buf *id,
		   struct report_input *in)
{
	const char *path = flag_text(&c->flags, "db-path");
	struct audit_options o = { .read_only = true };
	struct str created = STR("session_created");
	struct audit_filter newest = { .types = &created,
				       .n_types = 1,
				       .limit = 1 };
	struct audit_filter f = { .limit = PAGE, .ascending = true };
	_cleanup_buf_ struct buf all = BUF_INIT;
	struct audit_store *store = NULL;
	struct rows rows = { 0 };
	int r;

	o.sqlite_path = path[0] ? path
				: env_or("AGENTSH_DB_PATH", "./data/events.db");
	r = audit_open(&o, &store);
	if (r < 0)
		return fail_errno(r, "open database %s", o.sqlite_path);
	if (strcmp(c->args[0], "latest") == 0)
		(void)audit_query(store, &newest, note_session, id);
	else
		buf_puts(id, c->args[0]);
	json_writer_init(&rows.w, &all, 0);
	json_begin_array(&rows.w);
	f.session_id = buf_str(id);
	do {
		rows.n = 0;
		r = audit_query(store, &f, add_row, &rows);
		f.offset += PAGE;
	} while (r >= 0 && rows.n == PAGE);
	json_end_array(&rows.w);
	(void)audit_close(store);
	if (id->len == 0)
		return fail("no sessions found");
	if (r < 0 || json_parse(a, buf_str(&all), &in->events) < 0)
		return fail("query %s failed", o.sqlite_path);
	return 0;
}

static int write_report(const struct cli *c, const struct buf *b)
{
	const char *path = flag_text(&c->flags, "output");
	int r;

	if (!path[0])
		return out_buf(b);
	r = fd_write_file_atomic(AT_FDCWD, path, buf_str(b), 0644);
	if (r < 0)
		return fail_errno(r, "write %s", path);
	return out_line("Report written to %s", path);
}

int cmd_report(struct cli *c)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 30);
	_cleanup_buf_ struct buf id = BUF_INIT, b = BUF_INIT;
	const char *level = flag_text(&c->flags, "level");
	struct report_input in = { .now_ns = clock_realtime_ns() };
	int status;

	in.detailed = strcmp(level, "detailed") == 0;
	if (!in.detailed && strcmp(level, "summary") != 0)
		return fail("invalid --level \"%s\" (expected "
			    "summary|detailed)",
			    level);
	status = flag_bool(&c->flags, "direct-db")
			 ? from_db(c, &a, &id, &in)
			 : from_server(c, &a, &id, &in);
	if (status)
		return status;
	in.session = buf_cstr(&id);
	report_render(&in, &b);
	return write_report(c, &b);
}
