/* SPDX-License-Identifier: MIT */
/*
 * block.c - many like events in one row
 *
 * Nearly all events are permitted opens for reading, and all that sets one of
 * a command apart from the next is id, time, process and path. A row of its
 * own, with four index entries and the whole object as JSON, takes three times
 * as long as making the event did. So they are collected, for a transaction,
 * in a block: one row of event_log whose payload_json holds once what they have
 * in common, and a list:
 *
 *	{"type":T,"session_id":S,"command_id":C,"source":..,"decision":..,
 *	 "effective_decision":..,"rule":..,"message":..,"policy_generation":G,
 *	 "operation":..,"syscall":..,
 *	 "events":[[id,ts_unix_ns,pid,parent_pid,depth,path(,name)],..]}
 *
 * Nothing is left out: block_expand() gives back each event as it was. A block
 * is one entry of the hash chain. It is never longer than BLOCK_SPAN_NS, so that
 * events can be given out in order (query.c). Denials, and whatever has more to
 * tell (a message that quotes the path), are rows of their own.
 */
#include <errno.h>

#include "audit/internal.h"
#include "core/wire.h"

#define BLOCK_EVENTS    512
#define BLOCK_BYTES     (64U << 10)
#define BLOCK_ARENA_MAX (4U << 20)

/* What the events of a block have in common. */
struct common {
	struct str session_id, command_id, source, rule, message, operation,
		syscall;
	enum verdict_kind decision, effective;
	uint32_t generation;
};

/* True if e says nothing that a block has no place for. */
static bool is_bare(const struct event *e)
{
	return e->approval_mode.n == 0 && e->approval_id.n == 0 &&
	       e->redirect_to.n == 0 && e->filename.n == 0 &&
	       e->raw_filename.n == 0 && e->argc == 0 &&
	       e->unwrapped_from.n == 0 && e->payload_command.n == 0 &&
	       e->domain.n == 0 && e->remote.n == 0 && !e->approval_required &&
	       !e->truncated && !e->abstract;
}

/* The text fields of e: syscall, and perhaps name; false if there are others.
 */
static bool take_fields(const struct event *e, struct str *ret_syscall,
			struct str *ret_name)
{
	*ret_syscall = *ret_name = STR_NONE;
	for (size_t i = 0; i < e->n_fields; i++) {
		const struct event_field *f = &e->fields[i];

		if (f->type != EVENT_STR || f->str.n == 0)
			return false;
		if (strcmp(f->key, "syscall") == 0)
			*ret_syscall = f->str;
		else if (strcmp(f->key, "name") == 0)
			*ret_name = f->str;
		else
			return false;
	}
	return true;
}

static bool fits(const struct event *e, struct common *c, struct str *ret_name)
{
	if (!str_eq_c(e->type, BLOCK_TYPE) || !e->has_policy ||
	    e->action != EVENT_ALLOWED || event_is_denial(e) || !is_bare(e) ||
	    e->path.n == 0 || str_find(e->message, e->path) >= 0 ||
	    e->pid < 0 || e->parent_pid < 0 ||
	    !take_fields(e, &c->syscall, ret_name))
		return false;
	c->session_id = e->session_id;
	c->command_id = e->command_id;
	c->source = e->source;
	c->rule = e->rule;
	c->message = e->message;
	c->operation = e->operation;
	c->decision = e->decision;
	c->effective = e->effective_decision;
	c->generation = e->generation;
	return true;
}

static void put_common(const struct common *c, struct buf *out)
{
	wire_put_str(out, c->session_id);
	wire_put_str(out, c->command_id);
	wire_put_str(out, c->source);
	wire_put_str(out, c->rule);
	wire_put_str(out, c->message);
	wire_put_str(out, c->operation);
	wire_put_str(out, c->syscall);
	wire_put_u8(out, (uint8_t)c->decision);
	wire_put_u8(out, (uint8_t)c->effective);
	wire_put_u32(out, c->generation);
}

static void get_common(struct wire_reader *r, struct common *c)
{
	c->session_id = wire_get_str(r);
	c->command_id = wire_get_str(r);
	c->source = wire_get_str(r);
	c->rule = wire_get_str(r);
	c->message = wire_get_str(r);
	c->operation = wire_get_str(r);
	c->syscall = wire_get_str(r);
	c->decision = (enum verdict_kind)wire_get_u8(r);
	c->effective = (enum verdict_kind)wire_get_u8(r);
	c->generation = wire_get_u32(r);
}

/* ---- filling ---- */

static void begin(struct block *b, const struct common *c)
{
	struct json_writer w;

	buf_reset(&b->json);
	json_writer_init(&w, &b->json, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "type", BLOCK_TYPE);
	json_kv_str(&w, "session_id", c->session_id);
	json_kv_str_opt(&w, "command_id", c->command_id);
	json_kv_str_opt(&w, "source", c->source);
	json_kv_cstr(&w, "decision", verdict_kind_to_string(c->decision));
	json_kv_cstr(&w, "effective_decision",
		     verdict_kind_to_string(c->effective));
	json_kv_str_opt(&w, "rule", c->rule);
	json_kv_str_opt(&w, "message", c->message);
	json_kv_i64_opt(&w, "policy_generation", c->generation);
	json_kv_str_opt(&w, "operation", c->operation);
	json_kv_str_opt(&w, "syscall", c->syscall);
	json_key(&w, "events");
	json_begin_array(&w);
}

static void add(struct block *b, const struct event *e, struct str name)
{
	struct json_writer w;

	if (b->n)
		buf_putc(&b->json, ',');
	json_writer_init(&w, &b->json, 0);
	json_begin_array(&w);
	json_str(&w, e->id);
	json_i64(&w, e->timestamp_ns);
	json_i64(&w, e->pid);
	json_i64(&w, e->parent_pid);
	json_i64(&w, MAX(e->depth, 0)); /* as in event_json.c */
	json_str(&w, e->path);
	if (name.n)
		json_str(&w, name);
	json_end_array(&w);
}

static bool has_room(const struct block *b, const struct event *e)
{
	int64_t last = MAX(b->last_ns, e->timestamp_ns);
	int64_t first = MIN(b->first_ns, e->timestamp_ns);

	return b->n < BLOCK_EVENTS && b->json.len < BLOCK_BYTES &&
	       last - first < BLOCK_SPAN_NS;
}

static int put_event(struct block *b, const struct event *e, struct str name)
{
	size_t mark = b->json.len;

	add(b, e, name);
	if (b->json.error) {
		b->json.len = mark;
		b->json.error = 0;
		return -ENOMEM;
	}
	if (b->n++ == 0) {
		b->first_ns = b->last_ns = e->timestamp_ns;
		memcpy(b->id, e->id.p, MIN(e->id.n, (size_t)UUID_LEN));
		b->id[MIN(e->id.n, (size_t)UUID_LEN)] = '\0';
	}
	b->first_ns = MIN(b->first_ns, e->timestamp_ns);
	b->last_ns = MAX(b->last_ns, e->timestamp_ns);
	return 0;
}

/* The block of that key, an unused one, or the one that was begun first. */
static struct block *pick(struct blocks *all, struct str key)
{
	struct block *oldest = &all->v[0];

	for (size_t i = 0; i < N_BLOCKS; i++) {
		struct block *b = &all->v[i];

		if (b->n && str_eq(buf_str(&b->key), key))
			return b;
		if (b->begun < oldest->begun)
			oldest = b;
	}
	return oldest;
}

static int start(struct blocks *all, struct block *b, const struct common *c)
{
	buf_reset(&b->key);
	buf_put_str(&b->key, buf_str(&all->key));
	begin(b, c);
	b->begun = ++all->begun;
	return b->key.error < 0 ? b->key.error : b->json.error;
}

int block_take(struct audit_store *s, const struct event *e)
{
	struct blocks *all = &s->blocks;
	struct common c;
	struct str name;
	struct block *b;
	int r = 0;

	if (!fits(e, &c, &name))
		return 0;
	buf_reset(&all->key);
	put_common(&c, &all->key);
	if (all->key.error)
		return all->key.error;
	b = pick(all, buf_str(&all->key));
	if (b->n &&
	    (!str_eq(buf_str(&b->key), buf_str(&all->key)) || !has_room(b, e)))
		r = block_close(s, b);
	if (r == 0 && b->n == 0)
		r = start(all, b, &c);
	if (r == 0)
		r = put_event(b, e, name);
	return r < 0 ? r : 1;
}

void blocks_done(struct blocks *all)
{
	for (size_t i = 0; i < N_BLOCKS; i++) {
		buf_done(&all->v[i].key);
		buf_done(&all->v[i].json);
	}
	buf_done(&all->key);
}

/* ---- to the database ---- */

void block_finish(struct block *b)
{
	buf_puts(&b->json, "]}");
}

void block_unfinish(struct block *b)
{
	b->json.len -= 2;
	b->json.data[b->json.len] = '\0';
}

void block_empty(struct block *b)
{
	b->n = 0;
	b->begun = 0;
}

void block_encode(const struct block *b, struct buf *out)
{
	wire_put_u8(out, BLOCK_RECORD);
	wire_put_u32(out, b->n);
	wire_put_i64(out, b->last_ns);
	wire_put_str(out, str_from(b->id));
	wire_put_str(out, buf_str(&b->key));
	wire_put_str(out, buf_str(&b->json));
}

int block_decode(struct str bytes, struct event *ret_row, struct str *ret_json,
		 uint32_t *ret_n)
{
	struct wire_reader r = wire_reader_init(bytes), key;
	struct common c;

	*ret_row = (struct event)EVENT_INIT(BLOCK_TYPE);
	(void)wire_get_u8(&r);
	*ret_n = wire_get_u32(&r);
	ret_row->timestamp_ns = wire_get_i64(&r);
	ret_row->id = wire_get_str(&r);
	key = wire_reader_init(wire_get_str(&r));
	*ret_json = wire_get_str(&r);
	get_common(&key, &c);
	ret_row->session_id = c.session_id;
	ret_row->command_id = c.command_id;
	ret_row->has_policy = true;
	ret_row->decision = c.decision;
	ret_row->effective_decision = c.effective;
	ret_row->rule = c.rule;
	ret_row->operation = c.operation;
	return r.error < 0 ? r.error : wire_finish(&key);
}

/* ---- back to events ---- */

static int common_from_json(const struct json *doc, struct event *e)
{
	struct str syscall = json_get_str(doc, "syscall");
	int r = verdict_kind_from_string(json_get_str(doc, "decision"),
					 &e->decision);

	if (r == 0)
		r = verdict_kind_from_string(json_get_str(doc,
							  "effective_decision"),
					     &e->effective_decision);
	e->has_policy = true;
	e->action = EVENT_ALLOWED;
	e->session_id = json_get_str(doc, "session_id");
	e->command_id = json_get_str(doc, "command_id");
	e->source = json_get_str(doc, "source");
	e->rule = json_get_str(doc, "rule");
	e->message = json_get_str(doc, "message");
	e->operation = json_get_str(doc, "operation");
	e->generation = (uint32_t)json_get_i64(doc, "policy_generation", 0);
	if (syscall.n)
		event_add_str(e, "syscall", syscall);
	return r < 0 ? -EBADMSG : 0;
}

static int64_t number(const struct json *v)
{
	int64_t n = 0;

	if (v && v->type == JSON_NUMBER)
		(void)num_parse_i64(v->text, &n);
	return n;
}

/* row: [id,ts,pid,parent,depth,path(,name)] */
static int own_from_json(const struct json *row, struct event *e)
{
	const struct json *v[7] = { 0 };
	size_t n = 0;

	json_foreach(it, row)
	{
		if (n < ARRAY_LEN(v))
			v[n++] = it;
	}
	if (n < 6 || v[0]->type != JSON_STRING || v[5]->type != JSON_STRING)
		return -EBADMSG;
	e->id = v[0]->text;
	e->timestamp_ns = number(v[1]);
	e->pid = (pid_t)number(v[2]);
	e->parent_pid = (pid_t)number(v[3]);
	e->depth = (int)number(v[4]);
	e->path = v[5]->text;
	if (n == 7)
		event_add_str(e, "name", v[6]->text);
	return 0;
}

int block_expand(struct str json, block_event_fn *fn, void *arg)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(BLOCK_ARENA_MAX);
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct event common = EVENT_INIT(BLOCK_TYPE);
	struct json_writer w;
	struct json *doc;
	int r = json_parse(&a, json, &doc);

	if (r == 0)
		r = common_from_json(doc, &common);
	if (r < 0)
		return r;
	json_foreach(row, json_get(doc, "events"))
	{
		struct event e = common;

		r = own_from_json(row, &e);
		if (r < 0)
			return r;
		buf_reset(&text);
		json_writer_init(&w, &text, 0);
		event_to_json(&e, &w);
		r = text.error ? text.error : fn(arg, &e, buf_str(&text));
		if (r != 0)
			return r;
	}
	return 0;
}
