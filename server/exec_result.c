/* SPDX-License-Identifier: MIT */
/*
 * exec_result.c - what the events told, and the ExecResponse made of it
 */
#include <errno.h>

#include "base/clock.h"
#include "core/limits.h"
#include "server/exec.h"

#define QUERY_MAX 5000

enum bucket {
	BUCKET_FILE = 0,
	BUCKET_NETWORK,
	BUCKET_OTHER,
	BUCKET_MAX
};

static enum bucket bucket_of(struct str type)
{
	if (str_starts(type, STR("file_")) || str_starts(type, STR("dir_")) ||
	    str_starts(type, STR("symlink_")))
		return BUCKET_FILE;
	if (str_starts(type, STR("net_")) || str_eq_c(type, "dns_query"))
		return BUCKET_NETWORK;
	return BUCKET_OTHER;
}

/* ---- as events come in ---- */

static struct str keep(struct command *c, struct str s)
{
	char *p = arena_dup(&c->arena, s);

	return p ? str_from_n(p, s.n) : STR_NONE;
}

static struct str field(const struct event *e, const char *key)
{
	for (size_t i = 0; i < e->n_fields; i++)
		if (strcmp(e->fields[i].key, key) == 0 &&
		    e->fields[i].type == EVENT_STR)
			return e->fields[i].str;
	return STR_NONE;
}

static struct str target_of(const struct event *e)
{
	if (e->path.n)
		return e->path;
	if (e->filename.n)
		return e->filename;
	if (e->remote.n)
		return e->remote;
	return e->domain;
}

static bool is_default(struct str rule)
{
	return rule.n == 0 || str_starts(rule, STR("default-"));
}

static void collect_denial(struct command *c, const struct event *e,
			   struct str json)
{
	struct collected *k = &c->seen;

	/* What a rule forbade explains more than what none allowed: programs
	 * probe for things (a terminal, a cache) and live without. */
	if (k->n_blocked++ == 0 ||
	    (is_default(k->rule) && !is_default(e->rule))) {
		k->rule = keep(c, e->rule);
		k->operation = keep(c, e->operation.n ? e->operation : e->type);
		k->target = keep(c, target_of(e));
	}
	k->network_blocked |= bucket_of(e->type) == BUCKET_NETWORK;
	if (k->n_blocked_kept >= COLLECT_BLOCKED)
		return;
	if (k->n_blocked_kept++)
		buf_putc(&k->blocked, ',');
	buf_put_str(&k->blocked, json);
}

/* "soft-delete: PATH -> trash token T; restore with: agentsh trash restore T" */
static void collect_note(struct command *c, const struct event *e)
{
	struct str token = field(e, "trash_token");
	struct str hint = field(e, "restore_hint");

	if (token.n == 0 || c->seen.n_notes++ >= COLLECT_NOTES)
		return;
	buf_puts(&c->seen.notes, "soft-delete: ");
	buf_put_escaped(&c->seen.notes, e->path);
	buf_printf(
		&c->seen.notes,
		" -> trash token " STR_FMT "; restore with: ", STR_ARG(token));
	if (hint.n)
		buf_put_escaped(&c->seen.notes, hint);
	else
		buf_printf(&c->seen.notes, "agentsh trash restore " STR_FMT,
			   STR_ARG(token));
	buf_putc(&c->seen.notes, '\n');
}

void command_collect(struct command *c, const struct event *e, struct str json)
{
	if (!c)
		return;
	switch (bucket_of(e->type)) {
	case BUCKET_FILE:
		c->seen.n_file++;
		break;
	case BUCKET_NETWORK:
		c->seen.n_network++;
		break;
	case BUCKET_OTHER:
	case BUCKET_MAX:
		c->seen.n_other++;
		break;
	}
	if (event_is_denial(e))
		collect_denial(c, e, json);
	if (str_eq_c(e->type, "file_soft_deleted"))
		collect_note(c, e);
	else if (str_eq_c(e->type, "undo_receipt"))
		c->seen.receipt = receipt_of(e);
}

/* ---- the events part of the response ---- */

struct sorted {
	struct buf lists[BUCKET_MAX], blocked;
};

static bool json_is_denial(const struct json *doc)
{
	const struct json *policy = json_get(doc, "policy");

	return str_eq_c(json_get_str(policy, "effective_decision"), "deny") ||
	       str_eq_c(json_get_str(doc, "effective_action"), "blocked") ||
	       json_get_bool(json_get(doc, "fields"), "blocked", false);
}

static void add(struct buf *list, struct str json)
{
	if (list->len)
		buf_putc(list, ',');
	buf_put_str(list, json);
}

static int sort_row(void *arg, struct str row)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	struct sorted *s = arg;
	struct json *doc;
	struct str type;

	if (json_parse(&a, row, &doc) < 0)
		return 0;
	type = json_get_str(doc, "type");
	add(&s->lists[bucket_of(type)], row);
	if (json_is_denial(doc))
		add(&s->blocked, row);
	return 0;
}

static void put_list(struct json_writer *w, const char *key,
		     const struct buf *items)
{
	json_key(w, key);
	json_begin_array(w);
	if (items->len && items->error == 0)
		json_raw(w, buf_str(items));
	json_end_array(w);
}

static void query_events(const struct command *c, struct sorted *s)
{
	struct audit_filter f = { .session_id = str_from(c->session->id),
				  .command_id = str_from(c->id),
				  .limit = QUERY_MAX,
				  .ascending = true };

	(void)audit_query(c->app->store, &f, sort_row, s);
}

static void put_events(const struct command *c, struct json_writer *w)
{
	enum include_events inc = c->rq.include;
	struct sorted s = { 0 };
	const struct buf *blocked = &s.blocked;

	if (inc == INCLUDE_ALL || inc == INCLUDE_BLOCKED)
		query_events(c, &s);
	else if (inc == INCLUDE_SUMMARY)
		blocked = &c->seen.blocked;
	if (inc != INCLUDE_ALL)
		for (size_t i = 0; i < BUCKET_MAX; i++)
			buf_reset(&s.lists[i]);
	json_key(w, "events");
	json_begin_object(w);
	put_list(w, "file_operations", &s.lists[BUCKET_FILE]);
	put_list(w, "network_operations", &s.lists[BUCKET_NETWORK]);
	put_list(w, "blocked_operations", blocked);
	if (s.lists[BUCKET_OTHER].len)
		put_list(w, "other", &s.lists[BUCKET_OTHER]);
	json_kv_i64_opt(w, "file_operations_count", (int64_t)c->seen.n_file);
	json_kv_i64_opt(w, "network_operations_count",
			(int64_t)c->seen.n_network);
	json_kv_i64_opt(w, "blocked_operations_count",
			(int64_t)c->seen.n_blocked);
	json_kv_i64_opt(w, "other_count", (int64_t)c->seen.n_other);
	json_kv_bool_opt(w, "truncated", inc != INCLUDE_ALL);
	json_end_object(w);
	for (size_t i = 0; i < BUCKET_MAX; i++)
		buf_done(&s.lists[i]);
	buf_done(&s.blocked);
}

/* ---- the result part ---- */

static void put_error(const struct command *c, struct json_writer *w)
{
	if (!c->error.code)
		return;
	json_key(w, "error");
	json_begin_object(w);
	json_kv_cstr(w, "code", c->error.code);
	json_kv_cstr(w, "message", c->error.message);
	json_kv_str_opt(w, "policy_rule", c->rule);
	suggestions_to_json(c, w);
	json_end_object(w);
}

static void put_pagination(const struct command *c, struct json_writer *w)
{
	bool err = c->out.total <= c->out.data.len;
	const struct command_output *o = err ? &c->err : &c->out;
	_cleanup_buf_ struct buf next = BUF_INIT;

	if (o->total <= o->data.len)
		return;
	buf_printf(&next,
		   "agentsh output %s %s --stream %s --offset %zu --limit %u",
		   c->session->id, c->id, err ? "stderr" : "stdout",
		   o->data.len, LIMIT_OUTPUT_CAPTURE);
	json_key(w, "pagination");
	json_begin_object(w);
	json_kv_i64(w, "current_offset", 0);
	json_kv_i64(w, "current_limit", (int64_t)o->data.len);
	json_kv_bool(w, "has_more", true);
	json_kv_str(w, "next_command", buf_str(&next));
	json_end_object(w);
}

static void put_result(const struct command *c, struct json_writer *w)
{
	_cleanup_buf_ struct buf err = BUF_INIT;

	buf_put_str(&err, buf_str(&c->err.data));
	buf_put_str(&err, buf_str(&c->extra_stderr));
	buf_put_str(&err, buf_str(&c->seen.notes));
	json_key(w, "result");
	json_begin_object(w);
	json_kv_i64(w, "exit_code", c->exit_code);
	json_kv_str_opt(w, "stdout", buf_str(&c->out.data));
	json_kv_str_opt(w, "stderr", buf_str(&err));
	json_kv_bool_opt(w, "stdout_truncated", c->out.total > c->out.data.len);
	json_kv_bool_opt(w, "stderr_truncated", c->err.total > c->err.data.len);
	json_kv_i64_opt(w, "stdout_total_bytes", (int64_t)c->out.total);
	json_kv_i64_opt(w, "stderr_total_bytes", (int64_t)c->err.total);
	json_kv_i64(w, "duration_ms", c->duration_ms);
	put_error(c, w);
	put_pagination(c, w);
	json_end_object(w);
}

static void put_resources(const struct command *c, struct json_writer *w)
{
	if (c->cpu_user_us + c->cpu_system_us + c->memory_peak_kb == 0)
		return;
	json_key(w, "resources");
	json_begin_object(w);
	json_kv_i64_opt(w, "cpu_user_ms", (int64_t)(c->cpu_user_us / 1000));
	json_kv_i64_opt(w, "cpu_system_ms", (int64_t)(c->cpu_system_us / 1000));
	json_kv_i64_opt(w, "memory_peak_kb", (int64_t)c->memory_peak_kb);
	json_end_object(w);
}

/* An extra member: what can be brought back, and how. */
static void put_receipt(const struct command *c, struct json_writer *w)
{
	const struct receipt *r = &c->seen.receipt;
	_cleanup_buf_ struct buf undo = BUF_INIT;

	if (!r->present)
		return;
	buf_printf(&undo, "agentsh undo --command %s", c->id);
	json_key(w, "receipt");
	json_begin_object(w);
	json_kv_i64(w, "removed", r->removed);
	json_kv_i64(w, "changed", r->changed);
	json_kv_i64(w, "created", r->created);
	json_kv_i64(w, "kept_bytes", r->kept_bytes);
	json_kv_i64(w, "not_kept", r->not_kept);
	json_kv_str(w, "undo", buf_str(&undo));
	json_end_object(w);
}

/* Of many soft deletes the first are told, the others counted. */
static void end_notes(struct command *c)
{
	struct collected *k = &c->seen;

	if (k->n_notes > COLLECT_NOTES)
		buf_printf(&k->notes,
			   "soft-delete: %u more; agentsh trash list shows "
			   "all\n",
			   k->n_notes - COLLECT_NOTES);
}

void exec_response(struct command *c, struct buf *out)
{
	_cleanup_buf_ struct buf when = BUF_INIT;
	struct json_writer w;

	clock_format_rfc3339(&when, c->started_ns ? c->started_ns
						  : clock_realtime_ns());
	json_writer_init(&w, out, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "command_id", c->id);
	json_kv_cstr(&w, "session_id", c->session->id);
	json_kv_str(&w, "timestamp", buf_str(&when));
	json_key(&w, "request");
	exec_request_to_json(&c->rq, &w);
	put_result(c, &w);
	put_events(c, &w);
	put_resources(c, &w);
	put_receipt(c, &w);
	guidance_to_json(c, &w);
	json_end_object(&w);
}

/* ---- to the client ---- */

/* Length of the longest prefix that does not cut a UTF-8 character. */
static size_t whole_characters(struct str s)
{
	size_t back = 0;
	unsigned char lead;

	while (back < 3 && back < s.n &&
	       ((unsigned char)s.p[s.n - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back == s.n)
		return s.n;
	lead = (unsigned char)s.p[s.n - 1 - back];
	if ((lead >= 0xc2 && lead < 0xe0 && back < 1) ||
	    (lead >= 0xe0 && lead < 0xf0 && back < 2) ||
	    (lead >= 0xf0 && lead < 0xf5 && back < 3))
		return s.n - 1 - back;
	return s.n;
}

static void put_frame(const struct command *c, const char *name,
		      struct str data)
{
	_cleanup_buf_ struct buf frame = BUF_INIT;
	struct json_writer w;

	buf_printf(&frame, "event: %s\ndata: ", name);
	json_writer_init(&w, &frame, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "command_id", c->id);
	json_kv_str(&w, "data", data);
	json_kv_cstr(&w, "stream", name);
	json_end_object(&w);
	buf_puts(&frame, "\n\n");
	if (frame.error == 0)
		(void)http_stream_write(c->conn, buf_str(&frame));
}

void exec_stream_output(struct command *c, struct command_output *o,
			struct str data)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	size_t n;

	http_stream_begin(c->conn, "text/event-stream");
	buf_put(&text, o->held, o->n_held);
	buf_put_str(&text, data);
	n = whole_characters(buf_str(&text));
	o->n_held = MIN(text.len - n, sizeof(o->held));
	memcpy(o->held, buf_cstr(&text) + n, o->n_held);
	if (n)
		put_frame(c, o->is_stderr ? "stderr" : "stdout",
			  str_from_n(buf_cstr(&text), n));
}

static void end_stream(struct command *c)
{
	_cleanup_buf_ struct buf frame = BUF_INIT;
	struct command_output *both[] = { &c->out, &c->err };
	struct json_writer w;

	http_stream_begin(c->conn, "text/event-stream");
	for (size_t i = 0; i < 2 && c->conn; i++)
		if (both[i]->n_held)
			put_frame(c, both[i]->is_stderr ? "stderr" : "stdout",
				  str_from_n(both[i]->held, both[i]->n_held));
	if (c->conn && c->extra_stderr.len)
		put_frame(c, "stderr", buf_str(&c->extra_stderr));
	if (c->conn && c->seen.notes.len)
		put_frame(c, "stderr", buf_str(&c->seen.notes));
	buf_puts(&frame, "event: done\ndata: ");
	json_writer_init(&w, &frame, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "command_id", c->id);
	json_kv_i64(&w, "duration_ms", c->duration_ms);
	json_kv_i64(&w, "exit_code", c->exit_code);
	json_kv_bool(&w, "stderr_truncated", c->err.total > c->err.data.len);
	json_kv_bool(&w, "stdout_truncated", c->out.total > c->out.data.len);
	put_receipt(c, &w);
	json_end_object(&w);
	buf_puts(&frame, "\n\n");
	if (c->conn)
		(void)http_stream_write(c->conn, buf_str(&frame));
	if (c->conn)
		http_stream_end(c->conn);
}

void exec_answer(struct command *c)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	bool denied = c->error.code &&
		      !str_eq_c(str_from(c->error.code), "E_COMMAND_FAILED");
	struct http_conn *conn = c->conn;

	if (!conn)
		return;
	end_notes(c);
	if (c->mode == EXEC_PTY) {
		pty_answer(c);
		return;
	}
	if (c->mode == EXEC_STREAM && !denied) {
		end_stream(c);
		return;
	}
	exec_response(c, &body);
	c->conn = NULL;
	http_reply_json(conn, denied ? 403 : 200, &body);
}
