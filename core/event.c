/* SPDX-License-Identifier: MIT */
/*
 * event.c - what happened: making, binary form
 *
 * The binary form is written by a catcher for every operation, so it is flat:
 * no allocation but the growth of the caller's buffer. A field's key is stored
 * with its NUL, so that the decoder can borrow it as a C string.
 */
#include "core/event.h"

#include <errno.h>

#include "base/clock.h"
#include "core/limits.h"
#include "core/wire.h"

#define EVENT_VERSION 1

enum event_flag {
	EVENT_FLAG_POLICY = 1 << 0,
	EVENT_FLAG_APPROVAL = 1 << 1,
	EVENT_FLAG_TRUNCATED = 1 << 2,
	EVENT_FLAG_ABSTRACT = 1 << 3,
};
#define EVENT_FLAGS_ALL 0x0f

/* The slot for key: the one that has it already, or a new one, or NULL. */
static struct event_field *field_slot(struct event *e, const char *key)
{
	for (size_t i = 0; i < e->n_fields; i++)
		if (strcmp(e->fields[i].key, key) == 0)
			return &e->fields[i];
	if (e->n_fields == EVENT_MAX_FIELDS)
		return NULL;
	return &e->fields[e->n_fields++];
}

static void set_field(struct event *e, struct event_field f)
{
	struct event_field *slot = field_slot(e, f.key);

	if (slot)
		*slot = f;
}

void event_add_str(struct event *e, const char *key, struct str v)
{
	set_field(e, (struct event_field){ key, EVENT_STR, v, 0 });
}

void event_add_int(struct event *e, const char *key, int64_t v)
{
	set_field(e, (struct event_field){ key, EVENT_INT, STR_NONE, v });
}

void event_add_bool(struct event *e, const char *key, bool v)
{
	set_field(e, (struct event_field){ key, EVENT_BOOL, STR_NONE, v });
}

void event_add_json(struct event *e, const char *key, struct str json)
{
	set_field(e, (struct event_field){ key, EVENT_JSON, json, 0 });
}

bool event_is_denial(const struct event *e)
{
	if (e->has_policy && e->effective_decision == VERDICT_DENY)
		return true;
	if (e->action == EVENT_BLOCKED)
		return true;
	for (size_t i = 0; i < e->n_fields; i++)
		if (e->fields[i].type == EVENT_BOOL && e->fields[i].num &&
		    strcmp(e->fields[i].key, "blocked") == 0)
			return true;
	return false;
}

/*
 * How many arguments go on record: more than the caps allow must not make the
 * event unrecordable (that would deny the operation), so the rest is cut off
 * and `truncated` says so.
 */
static size_t recorded_argc(const struct event *e)
{
	size_t bytes = 0, n = 0;

	while (n < e->argc && n < EVENT_MAX_ARGV) {
		bytes += e->argv[n].n;
		if (bytes > LIMIT_ARGV_BYTES)
			break;
		n++;
	}
	return n;
}

static uint8_t flags_of(const struct event *e, size_t argc)
{
	unsigned int flags = 0;

	if (e->has_policy)
		flags |= EVENT_FLAG_POLICY;
	if (e->approval_required)
		flags |= EVENT_FLAG_APPROVAL;
	if (e->truncated || argc < e->argc)
		flags |= EVENT_FLAG_TRUNCATED;
	if (e->abstract)
		flags |= EVENT_FLAG_ABSTRACT;
	return (uint8_t)flags;
}

static void put_policy(const struct event *e, struct buf *out)
{
	wire_put_u8(out, (uint8_t)e->decision);
	wire_put_u8(out, (uint8_t)e->effective_decision);
	wire_put_u32(out, e->generation);
	wire_put_str(out, e->rule);
	wire_put_str(out, e->message);
	wire_put_str(out, e->approval_mode);
	wire_put_str(out, e->approval_id);
	wire_put_str(out, e->redirect_to);
}

static void put_fields(const struct event *e, struct buf *out)
{
	size_t n = MIN(e->n_fields, (size_t)EVENT_MAX_FIELDS);

	wire_put_u8(out, (uint8_t)n);
	for (size_t i = 0; i < n; i++) {
		const struct event_field *f = &e->fields[i];

		wire_put_str(out, str_from_n(f->key, strlen(f->key) + 1));
		wire_put_u8(out, (uint8_t)f->type);
		if (f->type == EVENT_STR || f->type == EVENT_JSON)
			wire_put_str(out, f->str);
		else
			wire_put_i64(out, f->num);
	}
}

int event_encode(const struct event *e, struct buf *out)
{
	size_t start = out->len, argc = recorded_argc(e);
	uint8_t flags = flags_of(e, argc);

	wire_put_u8(out, EVENT_VERSION);
	wire_put_u8(out, flags);
	wire_put_u8(out, (uint8_t)e->action);
	wire_put_i64(out, e->timestamp_ns ?: clock_realtime_ns());
	wire_put_u32(out, (uint32_t)e->pid);
	wire_put_u32(out, (uint32_t)e->parent_pid);
	wire_put_u32(out, (uint32_t)e->depth);
	wire_put_str(out, e->id);
	wire_put_str(out, e->type);
	wire_put_str(out, e->session_id);
	wire_put_str(out, e->command_id);
	wire_put_str(out, e->source);
	if (flags & EVENT_FLAG_POLICY)
		put_policy(e, out);
	wire_put_str(out, e->filename);
	wire_put_str(out, e->raw_filename);
	wire_put_strs(out, e->argv, argc);
	wire_put_str(out, e->unwrapped_from);
	wire_put_str(out, e->payload_command);
	wire_put_str(out, e->path);
	wire_put_str(out, e->domain);
	wire_put_str(out, e->remote);
	wire_put_str(out, e->operation);
	put_fields(e, out);
	if (!out->error && out->len - start > EVENT_MAX_BYTES)
		out->error = -E2BIG;
	if (out->error) {
		out->len = start;
		return out->error;
	}
	return 0;
}

static void fail(struct wire_reader *r)
{
	if (!r->error)
		r->error = -EBADMSG;
}

static enum verdict_kind get_verdict(struct wire_reader *r)
{
	uint8_t v = wire_get_u8(r);

	if (v < VERDICT_KIND_MAX)
		return (enum verdict_kind)v;
	fail(r);
	return VERDICT_DENY;
}

static void get_policy(struct wire_reader *r, struct event *e)
{
	e->has_policy = true;
	e->decision = get_verdict(r);
	e->effective_decision = get_verdict(r);
	e->generation = wire_get_u32(r);
	e->rule = wire_get_str(r);
	e->message = wire_get_str(r);
	e->approval_mode = wire_get_str(r);
	e->approval_id = wire_get_str(r);
	e->redirect_to = wire_get_str(r);
}

/*
 * Raw JSON goes into the log as it is: it must be one well-formed value on
 * one line, or a worker could forge members or whole log lines.
 */
static bool raw_json_ok(struct str s)
{
	_cleanup_arena_ struct arena scratch = ARENA_INIT(4U << 20);
	struct json *tree;

	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20)
			return false;
	return str_is_utf8(s) && json_parse(&scratch, s, &tree) == 0;
}

static const char *get_key(struct wire_reader *r)
{
	struct str key = wire_get_str(r);

	if (key.n == 0 || memchr(key.p, '\0', key.n) != key.p + key.n - 1) {
		fail(r);
		return "";
	}
	return key.p;
}

static void get_field(struct wire_reader *r, struct event_field *f)
{
	uint8_t type;

	*f = (struct event_field){ .key = get_key(r) };
	type = wire_get_u8(r);
	f->type = (enum event_field_type)type;
	switch (type) {
	case EVENT_STR:
		f->str = wire_get_str(r);
		break;
	case EVENT_JSON:
		f->str = wire_get_str(r);
		if (!r->error && !raw_json_ok(f->str))
			fail(r);
		break;
	case EVENT_INT:
		f->num = wire_get_i64(r);
		break;
	case EVENT_BOOL:
		f->num = wire_get_i64(r) != 0;
		break;
	default:
		fail(r);
	}
}

static void get_fields(struct wire_reader *r, struct event *e)
{
	uint8_t n = wire_get_u8(r);

	if (n > EVENT_MAX_FIELDS) {
		fail(r);
		return;
	}
	for (uint8_t i = 0; i < n && !r->error; i++)
		get_field(r, &e->fields[i]);
	e->n_fields = n;
}

static uint8_t get_head(struct wire_reader *r, struct event *e)
{
	uint8_t flags, action;

	if (wire_get_u8(r) != EVENT_VERSION)
		fail(r);
	flags = wire_get_u8(r);
	action = wire_get_u8(r);
	if ((flags & ~EVENT_FLAGS_ALL) || action > EVENT_BLOCKED)
		fail(r);
	e->action = action > EVENT_BLOCKED ? EVENT_BLOCKED
					   : (enum event_action)action;
	e->approval_required = flags & EVENT_FLAG_APPROVAL;
	e->truncated = flags & EVENT_FLAG_TRUNCATED;
	e->abstract = flags & EVENT_FLAG_ABSTRACT;
	e->timestamp_ns = wire_get_i64(r);
	e->pid = (pid_t)wire_get_u32(r);
	e->parent_pid = (pid_t)wire_get_u32(r);
	e->depth = (int)wire_get_u32(r);
	return flags;
}

int event_decode(struct str bytes, struct arena *a, struct event *ret)
{
	struct wire_reader r = wire_reader_init(bytes);
	uint32_t argc = 0;
	uint8_t flags;

	memset(ret, 0, offsetof(struct event, fields));
	ret->n_fields = 0;
	flags = get_head(&r, ret);
	ret->id = wire_get_str(&r);
	ret->type = wire_get_str(&r);
	ret->session_id = wire_get_str(&r);
	ret->command_id = wire_get_str(&r);
	ret->source = wire_get_str(&r);
	if (flags & EVENT_FLAG_POLICY)
		get_policy(&r, ret);
	ret->filename = wire_get_str(&r);
	ret->raw_filename = wire_get_str(&r);
	ret->argv = wire_get_strs(&r, a, &argc);
	ret->argc = argc;
	ret->unwrapped_from = wire_get_str(&r);
	ret->payload_command = wire_get_str(&r);
	ret->path = wire_get_str(&r);
	ret->domain = wire_get_str(&r);
	ret->remote = wire_get_str(&r);
	ret->operation = wire_get_str(&r);
	get_fields(&r, ret);
	if (argc > EVENT_MAX_ARGV || ret->type.n == 0)
		fail(&r);
	return wire_finish(&r);
}
