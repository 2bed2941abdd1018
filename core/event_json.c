/* SPDX-License-Identifier: MIT */
/*
 * event_json.c - the Event object of interface reference section 5.1
 *
 * Member order and what is left out when empty are part of the interface: they
 * are what a Go struct with omitempty gives. Members of `fields` are sorted
 * bytewise, as a Go map is.
 */
#include "base/clock.h"
#include "core/event.h"

static void put_timestamp(const struct event *e, struct json_writer *w)
{
	/* Digits and punctuation need no escaping: no detour over a buffer. */
	json_key(w, "timestamp");
	json_raw(w, STR("\""));
	clock_format_rfc3339(w->out, e->timestamp_ns);
	buf_putc(w->out, '"');
}

static void put_approval(const struct event *e, struct json_writer *w)
{
	if (!e->approval_required && !e->approval_mode.n && !e->approval_id.n)
		return;
	json_key(w, "approval");
	json_begin_object(w);
	json_kv_bool(w, "required", e->approval_required);
	json_kv_str_opt(w, "mode", e->approval_mode);
	json_kv_str_opt(w, "id", e->approval_id);
	json_end_object(w);
}

static void put_policy(const struct event *e, struct json_writer *w)
{
	if (!e->has_policy)
		return;
	json_key(w, "policy");
	json_begin_object(w);
	json_kv_cstr(w, "decision", verdict_kind_to_string(e->decision));
	json_kv_cstr(w, "effective_decision",
		     verdict_kind_to_string(e->effective_decision));
	json_kv_str_opt(w, "rule", e->rule);
	json_kv_str_opt(w, "message", e->message);
	put_approval(e, w);
	if (e->redirect_to.n) {
		json_key(w, "redirect");
		json_begin_object(w);
		json_kv_str(w, "command", e->redirect_to);
		json_end_object(w);
	}
	json_end_object(w);
}

static void put_argv(const struct event *e, struct json_writer *w)
{
	if (e->argc == 0)
		return;
	json_key(w, "argv");
	json_begin_array(w);
	for (size_t i = 0; i < e->argc; i++)
		json_str(w, e->argv[i]);
	json_end_array(w);
}

static void put_field(const struct event_field *f, struct json_writer *w)
{
	json_key(w, f->key);
	switch (f->type) {
	case EVENT_STR:
		json_str(w, f->str);
		break;
	case EVENT_INT:
		json_i64(w, f->num);
		break;
	case EVENT_BOOL:
		json_bool(w, f->num != 0);
		break;
	case EVENT_JSON:
		json_raw(w, f->str);
		break;
	}
}

/*
 * Insertion sort: a handful of elements, and no allocation. A key that is
 * already there replaces the older one.
 */
static size_t insert_sorted(const struct event_field **sorted, size_t n,
			    const struct event_field *f)
{
	size_t at = n;
	int order = 1;

	while (at && (order = strcmp(sorted[at - 1]->key, f->key)) > 0)
		at--;
	if (at && order == 0) {
		sorted[at - 1] = f;
		return n;
	}
	memmove(sorted + at + 1, sorted + at, (n - at) * sizeof(*sorted));
	sorted[at] = f;
	return n + 1;
}

static void put_fields(const struct event *e, struct json_writer *w)
{
	struct event_field generation = { .key = "policy_generation",
					  .type = EVENT_INT,
					  .num = e->generation };
	const struct event_field *sorted[EVENT_MAX_FIELDS + 1];
	size_t n = 0;

	for (size_t i = 0; i < e->n_fields; i++)
		n = insert_sorted(sorted, n, &e->fields[i]);
	/* Here and not in policy{}, whose members the interface fixes. */
	if (e->has_policy && e->generation)
		n = insert_sorted(sorted, n, &generation);
	if (n == 0)
		return;
	json_key(w, "fields");
	json_begin_object(w);
	for (size_t i = 0; i < n; i++)
		put_field(sorted[i], w);
	json_end_object(w);
}

static const char *action_name(enum event_action action)
{
	return action == EVENT_ALLOWED ? "allowed" : "blocked";
}

void event_to_json(const struct event *e, struct json_writer *w)
{
	json_begin_object(w);
	json_kv_str_opt(w, "id", e->id);
	put_timestamp(e, w);
	json_kv_str(w, "type", e->type);
	json_kv_str(w, "session_id", e->session_id);
	json_kv_str_opt(w, "command_id", e->command_id);
	json_kv_str_opt(w, "source", e->source);
	json_kv_i64_opt(w, "pid", e->pid);
	put_policy(e, w);
	json_kv_i64_opt(w, "parent_pid", e->parent_pid);
	json_kv_i64_opt(w, "depth", MAX(e->depth, 0));
	json_kv_str_opt(w, "filename", e->filename);
	json_kv_str_opt(w, "raw_filename", e->raw_filename);
	put_argv(e, w);
	json_kv_bool_opt(w, "truncated", e->truncated);
	json_kv_str_opt(w, "unwrapped_from", e->unwrapped_from);
	json_kv_str_opt(w, "payload_command", e->payload_command);
	json_kv_str_opt(w, "path", e->path);
	json_kv_bool_opt(w, "abstract", e->abstract);
	json_kv_str_opt(w, "domain", e->domain);
	json_kv_str_opt(w, "remote", e->remote);
	json_kv_str_opt(w, "operation", e->operation);
	if (e->action != EVENT_ACTION_NONE)
		json_kv_cstr(w, "effective_action", action_name(e->action));
	put_fields(e, w);
	json_end_object(w);
}
