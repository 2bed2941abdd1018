/* SPDX-License-Identifier: MIT */
/*
 * api_log.c - llm-requests.jsonl and the events of requests
 *
 * Two lines per request, as interface reference 3.4 has them: what was asked,
 * before it is sent, and how it ended. Neither holds a key: fields that carry
 * one are masked by name, and what is left goes through the DLP engine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "core/event.h"
#include "netproxy/api_priv.h"

#define IS(name, lit) str_eq_icase(name, STR(lit))

/* Fields whose whole value is a credential. */
static bool is_secret(struct str name)
{
	return IS(name, "authorization") || IS(name, "x-api-key") ||
	       IS(name, "api-key") || IS(name, "cookie") ||
	       IS(name, "set-cookie") || IS(name, "x-goog-api-key") ||
	       IS(name, "proxy-authorization") || IS(name, "x-auth-token") ||
	       IS(name, "private-token");
}

/* s with what the engine finds replaced. */
static void put_clean(const struct api *a, struct str s, struct buf *out)
{
	const struct dlp_sink sink = { 0 };
	size_t before = out->len;

	if (a->dlp && dlp_redact(a->dlp_stored, s, out, &sink) >= 0)
		return;
	out->len = before;
	buf_put_str(out, a->dlp ? STR("[not logged]") : s);
}

void api_log_headers(const struct api *a, const struct http1_head *h,
		     struct buf *out)
{
	struct json_writer w;

	json_writer_init(&w, out, 0);
	json_begin_object(&w);
	for (size_t i = 0; i < h->n_headers; i++) {
		_cleanup_buf_ struct buf value = BUF_INIT;
		struct str name = h->headers[i].name;

		if (is_secret(name))
			buf_puts(&value, "[REDACTED]");
		else
			put_clean(a, h->headers[i].value, &value);
		json_key_str(&w, name);
		json_str(&w, buf_str(&value));
	}
	json_end_object(&w);
}

int api_log_open(struct api *a)
{
	if (a->log_fd >= 0 || !a->log_path)
		return 0;
	a->log_fd = open(a->log_path,
			 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
			 0600);
	return a->log_fd < 0 ? -errno : 0;
}

static int write_line(struct api *a, struct buf *line)
{
	int r = api_log_open(a);

	buf_putc(line, '\n');
	if (r == 0 && line->error)
		r = line->error;
	if (r == 0 && a->log_fd >= 0)
		r = fd_write_full(a->log_fd, line->data, line->len);
	return r;
}

static void put_time(struct json_writer *w, int64_t ns)
{
	_cleanup_buf_ struct buf t = BUF_INIT;

	clock_format_rfc3339(&t, ns);
	json_kv_str(w, "timestamp", buf_str(&t));
}

static void put_what(const struct api_conn *c, struct json_writer *w,
		     struct str path)
{
	const struct exchange *x = &c->x;

	json_kv_cstr(w, "id", x->id);
	json_kv_cstr(w, "session_id", c->api->gate->session_id);
	put_time(w, x->began_ns);
	if (x->kind == API_LLM)
		json_kv_cstr(w, "dialect", dialect_to_string(x->dialect));
	json_kv_cstr(w, "service_kind",
		     x->kind == API_LLM ? "llm" : "http_service");
	json_kv_cstr(w, "service_name", x->to->name);
	if (x->kind == API_SERVICE)
		json_kv_str(w, "rule_name",
			    gate_rule(c->api->gate, &x->verdict));
	json_key(w, "request");
	json_begin_object(w);
	json_kv_str(w, "method", buf_str(&x->method));
	json_kv_str(w, "path", path);
	json_key(w, "headers");
	json_raw(w, buf_str(&x->logged));
	json_kv_i64(w, "body_size", (int64_t)x->body_size);
	json_kv_cstr(w, "body_hash", x->body_hash);
	json_end_object(w);
	if (x->redacted.n_types) {
		json_key(w, "dlp");
		json_begin_object(w);
		json_key(w, "redactions");
		redact_put(&x->redacted, w);
		json_end_object(w);
	}
}

static int emit_request(struct api_conn *c, struct str path)
{
	const struct exchange *x = &c->x;
	bool allowed = !x->redacted.blocked && !x->denied;
	struct event e = {
		.type = x->kind == API_LLM ? STR("llm_request")
					   : STR("http_service_request"),
		.depth = -1,
		.session_id = str_from(c->api->gate->session_id),
		.source = STR("netproxy"),
		.domain = str_from(x->to->host),
		.action = allowed ? EVENT_ALLOWED : EVENT_BLOCKED,
	};

	event_add_str(&e, "request_id", str_from(x->id));
	if (x->kind == API_SERVICE) {
		e.has_policy = true;
		e.decision = x->verdict.verdict.kind;
		e.effective_decision = allowed ? VERDICT_ALLOW : VERDICT_DENY;
		e.rule = gate_rule(c->api->gate, &x->verdict);
		e.generation = policy_generation(c->api->gate->policy);
		if (x->approval) {
			e.approval_required = true;
			e.approval_mode = str_from(x->approval);
		}
		event_add_str(&e, "service", str_from(x->service->name));
	} else {
		event_add_str(&e, "provider", str_from(x->to->name));
		event_add_str(&e, "dialect",
			      str_from(dialect_to_string(x->dialect)));
	}
	event_add_str(&e, "method", buf_str(&x->method));
	event_add_str(&e, "path", path);
	event_add_int(&e, "body_size", (int64_t)x->body_size);
	event_add_int(&e, "redactions", x->redacted.total);
	event_add_int(&e, "client_port", c->client_port);
	if (x->redacted.blocked)
		event_add_str(&e, "blocked_type",
			      str_from(x->redacted.blocked));
	return sink_emit(c->api->gate->sink, &e);
}

bool api_log_request(struct api_conn *c)
{
	_cleanup_buf_ struct buf line = BUF_INIT, path = BUF_INIT;
	struct json_writer w;

	put_clean(c->api, buf_str(&c->x.path), &path);
	json_writer_init(&w, &line, 0);
	json_begin_object(&w);
	put_what(c, &w, buf_str(&path));
	json_end_object(&w);
	if (emit_request(c, buf_str(&path)) < 0 ||
	    write_line(c->api, &line) < 0)
		return false;
	c->x.recorded = true;
	return true;
}

/* --- how it ended -------------------------------------------------------- */

static void put_usage(const struct usage *u, struct json_writer *w)
{
	json_begin_object(w);
	json_kv_i64(w, "input_tokens", u->input);
	json_kv_i64(w, "output_tokens", u->output);
	json_kv_i64_opt(w, "cache_read_input_tokens", u->cache_read);
	json_kv_i64_opt(w, "cache_creation_input_tokens", u->cache_write);
	json_kv_i64_opt(w, "cache_creation_5m_input_tokens", u->cache_write_5m);
	json_kv_i64_opt(w, "cache_creation_1h_input_tokens", u->cache_write_1h);
	json_kv_i64_opt(w, "reasoning_tokens", u->reasoning);
	json_end_object(w);
}

static int64_t duration_ms(const struct exchange *x)
{
	return (int64_t)((clock_monotonic_ns() - x->began_mono) / 1000000);
}

static void emit_answer(struct api_conn *c)
{
	const struct exchange *x = &c->x;
	struct event e = {
		.type = x->kind == API_LLM ? STR("llm_response")
					   : STR("http_service_response"),
		.depth = -1,
		.session_id = str_from(c->api->gate->session_id),
		.source = STR("netproxy"),
		.domain = str_from(x->to->host),
	};

	event_add_str(&e, "request_id", str_from(x->id));
	event_add_int(&e, "status", x->status);
	event_add_int(&e, "client_port", c->client_port);
	event_add_int(&e, "duration_ms", duration_ms(x));
	event_add_int(&e, "body_size", (int64_t)x->answer_size);
	event_add_bool(&e, "forwarded", x->forwarded);
	event_add_bool(&e, "usage_known", x->usage.present);
	event_add_int(&e, "input_tokens", x->usage.input);
	event_add_int(&e, "output_tokens", x->usage.output);
	event_add_int(&e, "cache_read_tokens", x->usage.cache_read);
	event_add_int(&e, "cache_write_tokens", x->usage.cache_write);
	(void)sink_emit(c->api->gate->sink, &e); /* it is over either way */
}

void api_log_answer(struct api_conn *c)
{
	_cleanup_buf_ struct buf line = BUF_INIT;
	struct exchange *x = &c->x;
	struct json_writer w;

	x->recorded = false;
	c->api->n_tokens += usage_total(&x->usage);
	api_rate_take(&c->api->tokens_used, usage_total(&x->usage),
		      clock_monotonic_ns());
	api_store_answer(c);
	json_writer_init(&w, &line, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "request_id", x->id);
	json_kv_cstr(&w, "session_id", c->api->gate->session_id);
	put_time(&w, clock_realtime_ns());
	json_kv_i64(&w, "duration_ms", duration_ms(x));
	json_key(&w, "response");
	json_begin_object(&w);
	json_kv_i64(&w, "status", x->status);
	json_key(&w, "headers");
	json_raw(&w,
		 x->answer_logged.len ? buf_str(&x->answer_logged) : STR("{}"));
	json_kv_i64(&w, "body_size", (int64_t)x->answer_size);
	json_end_object(&w);
	if (x->usage.present) {
		json_key(&w, "usage");
		put_usage(&x->usage, &w);
	}
	json_end_object(&w);
	(void)write_line(c->api, &line);
	emit_answer(c);
}
