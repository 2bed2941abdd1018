/* SPDX-License-Identifier: MIT */
/*
 * exec_request.c - ExecRequest from and to JSON
 */
#include <errno.h>

#include "base/num.h"
#include "server/exec.h"

static const char *const INCLUDE[] = {
	[INCLUDE_ALL] = "all",
	[INCLUDE_SUMMARY] = "summary",
	[INCLUDE_BLOCKED] = "blocked",
	[INCLUDE_NONE] = "none",
};

static int bad(struct buf *err, const char *text)
{
	buf_reset(err);
	buf_puts(err, text);
	return -EINVAL;
}

static bool has_nul(struct str s)
{
	return str_index(s, '\0') >= 0;
}

static int parse_args(struct command *c, const struct json *doc,
		      struct buf *err)
{
	const struct json *list = json_get(doc, "args");
	struct str *args;
	size_t i = 0;

	if (!list || list->type == JSON_NULL)
		return 0;
	if (list->type != JSON_ARRAY)
		return bad(err, "args must be an array of strings");
	if (list->n > EXEC_MAX_ARGS)
		return bad(err, "too many args");
	args = arena_alloc(&c->arena, (list->n + 1) * sizeof(*args));
	if (!args)
		return -ENOMEM;
	json_foreach(a, list)
	{
		if (a->type != JSON_STRING || has_nul(a->text))
			return bad(err, "args must be an array of strings");
		args[i++] = a->text;
	}
	c->rq.args = args;
	c->rq.n_args = i;
	return 0;
}

static int parse_env(struct command *c, const struct json *doc, struct buf *err)
{
	const struct json *map = json_get(doc, "env");
	struct setting_pair *env;
	size_t i = 0;

	if (!map || map->type == JSON_NULL)
		return 0;
	if (map->type != JSON_OBJECT || map->n > SESSION_MAX_ENV)
		return bad(err, "env must be an object of strings");
	env = arena_alloc(&c->arena, (map->n + 1) * sizeof(*env));
	if (!env)
		return -ENOMEM;
	json_foreach(v, map)
	{
		if (v->type != JSON_STRING || has_nul(v->text) ||
		    has_nul(v->key) || v->key.n == 0 ||
		    str_index(v->key, '=') >= 0)
			return bad(err, "env must be an object of strings");
		env[i++] = (struct setting_pair){ v->key, v->text };
	}
	c->rq.env = env;
	c->rq.n_env = i;
	return 0;
}

static int parse_include(struct exec_request *rq, struct buf *err)
{
	if (rq->include_text.n == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(INCLUDE); i++) {
		if (str_eq_c(rq->include_text, INCLUDE[i])) {
			rq->include = (enum include_events)i;
			return 0;
		}
	}
	return bad(err, "invalid include_events");
}

int exec_request_parse(struct command *c, struct str body, struct buf *err)
{
	struct exec_request *rq = &c->rq;
	struct json *doc;
	int r = json_parse(&c->arena, body, &doc);

	if (r < 0 || doc->type != JSON_OBJECT)
		return bad(err, "invalid json");
	rq->command = json_get_str(doc, "command");
	rq->argv0 = json_get_str(doc, "argv0");
	rq->working_dir = json_get_str(doc, "working_dir");
	rq->stdin_data = json_get_str(doc, "stdin");
	rq->timeout_text = json_get_str(doc, "timeout");
	rq->include_text = json_get_str(doc, "include_events");
	rq->stream_output = json_get_bool(doc, "stream_output", false);
	if (rq->command.n == 0)
		return bad(err, "command is required");
	if (has_nul(rq->command) || has_nul(rq->argv0) ||
	    has_nul(rq->working_dir))
		return bad(err, "strings must not contain NUL");
	if (rq->timeout_text.n &&
	    (num_parse_duration(rq->timeout_text, &rq->timeout_ns) < 0 ||
	     rq->timeout_ns < 0))
		return bad(err, "invalid timeout");
	r = parse_args(c, doc, err);
	if (r == 0)
		r = parse_env(c, doc, err);
	return r < 0 ? r : parse_include(rq, err);
}

void exec_request_to_json(const struct exec_request *rq, struct json_writer *w)
{
	json_begin_object(w);
	json_kv_str(w, "command", rq->command);
	json_kv_str_opt(w, "argv0", rq->argv0);
	if (rq->n_args) {
		json_key(w, "args");
		json_begin_array(w);
		for (size_t i = 0; i < rq->n_args; i++)
			json_str(w, rq->args[i]);
		json_end_array(w);
	}
	json_kv_str_opt(w, "timeout", rq->timeout_text);
	json_kv_str_opt(w, "working_dir", rq->working_dir);
	if (rq->n_env) {
		json_key(w, "env");
		json_begin_object(w);
		for (size_t i = 0; i < rq->n_env; i++) {
			json_key_str(w, rq->env[i].name);
			json_str(w, rq->env[i].value);
		}
		json_end_object(w);
	}
	json_kv_str_opt(w, "stdin", rq->stdin_data);
	json_kv_bool_opt(w, "stream_output", rq->stream_output);
	json_kv_str_opt(w, "include_events", rq->include_text);
	json_end_object(w);
}

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!strchr("0123456789abcdef", s.p[i]) || !s.p[i])
			return false;
	return true;
}

/* 00-<32 hex>-<16 hex>-<2 hex> */
void exec_request_trace(struct command *c, struct str traceparent)
{
	const struct str v = traceparent;
	char *p;

	if (v.n != 55 || v.p[2] != '-' || v.p[35] != '-' || v.p[52] != '-')
		return;
	if (!is_hex(str_from_n(v.p, 2)) || !is_hex(str_from_n(v.p + 3, 32)) ||
	    !is_hex(str_from_n(v.p + 36, 16)) ||
	    !is_hex(str_from_n(v.p + 53, 2)))
		return;
	p = arena_dup(&c->arena, v);
	if (!p)
		return;
	c->rq.trace_id = str_from_n(p + 3, 32);
	c->rq.span_id = str_from_n(p + 36, 16);
	c->rq.trace_flags = str_from_n(p + 53, 2);
}

void command_add_trace(const struct command *c, struct event *e)
{
	if (!c || c->rq.trace_id.n == 0)
		return;
	event_add_str(e, "trace_id", c->rq.trace_id);
	event_add_str(e, "span_id", c->rq.span_id);
	event_add_str(e, "trace_flags", c->rq.trace_flags);
}
