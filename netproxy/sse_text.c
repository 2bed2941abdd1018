/* SPDX-License-Identifier: MIT */
/*
 * sse_text.c - secrets that a stream of events hands out in pieces
 */
#include "netproxy/sse_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "netproxy/json_edit.h"
#include "netproxy/sse.h"
#include "netproxy/stream.h"

/* One member of an object, or element of an array, on the way to a text. */
struct step {
	const char *key; /* NULL: element */
	size_t index;
};

#define MAX_STEPS  7U
#define MAX_PIECES 16U /* texts in one event */

/* A text that many events hand out. */
struct block {
	struct block *next;
	struct buf key;
	struct dlp_stream *stream;
	struct buf text; /* decided, not sent */
	struct buf last; /* the last event that had some of it */
	size_t from, to; /* where in it, between the quotes */
};

struct piece {
	struct block *block;
	struct str text;
	size_t from, to; /* in the event */
};

struct sse_text {
	const struct dlp_engine *engine;
	struct dlp_tokens *tokens;
	struct block *blocks;
	unsigned int n_blocks;
	struct buf event; /* begun, not ended */
	size_t line;      /* bytes in its last line */
	bool after_cr;
	/* of the event at hand */
	struct str raw, data;
	struct piece pieces[MAX_PIECES];
	size_t n_pieces;
	struct buf *out;
	int error;
};

static void wipe(struct buf *b)
{
	stream_wipe(b);
	buf_done(b);
}

static void block_free(struct block *b)
{
	(void)dlp_stream_free(b->stream);
	buf_done(&b->key);
	wipe(&b->text);
	wipe(&b->last);
	free(b);
}

int sse_text_new(const struct dlp_engine *e, struct dlp_tokens *tokens,
		 struct sse_text **ret)
{
	struct sse_text *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->engine = e;
	s->tokens = tokens;
	*ret = s;
	return 0;
}

struct sse_text *sse_text_free(struct sse_text *s)
{
	if (!s)
		return NULL;
	while (s->blocks) {
		struct block *b = s->blocks;

		s->blocks = b->next;
		block_free(b);
	}
	wipe(&s->event);
	free(s);
	return NULL;
}

/* --- where a text stands in the document --------------------------------- */

/* All of these are given well-formed JSON, and stop at its end even so. */

static size_t skip_space(struct str s, size_t i)
{
	while (i < s.n && memchr(" \t\r\n", s.p[i], 4))
		i++;
	return i;
}

/* Behind the string that begins at i. */
static size_t skip_string(struct str s, size_t i)
{
	for (i++; i < s.n && s.p[i] != '"'; i++)
		if (s.p[i] == '\\')
			i++;
	return MIN(i + 1, s.n);
}

static size_t skip_value(struct str s, size_t i)
{
	size_t depth = 0;

	while (i < s.n) {
		char c = s.p[i];

		if (c == '"') {
			i = skip_string(s, i);
			if (depth == 0)
				return i;
			continue;
		}
		if (c == '{' || c == '[')
			depth++;
		else if (depth == 0 && memchr(",]} \t\r\n", c, 7))
			return i;
		else if ((c == '}' || c == ']') && --depth == 0)
			return i + 1;
		i++;
	}
	return i;
}

/* Where the value of a member, or an element, begins; n: it is not there. */
static size_t enter(struct str s, size_t i, const struct step *step)
{
	size_t found = s.n, index = 0;
	bool object = i < s.n && s.p[i] == '{';

	if (i >= s.n || s.p[i] != (step->key ? '{' : '['))
		return s.n;
	i = skip_space(s, i + 1);
	while (i < s.n && s.p[i] != '}' && s.p[i] != ']') {
		struct str key = STR_NONE;

		if (object) {
			size_t end = skip_string(s, i);

			key = str_from_n(s.p + i + 1, end - i - 2);
			i = skip_space(s, skip_space(s, end) + 1);
		}
		/* of several the last one counts */
		if (object ? str_eq_c(key, step->key) : index == step->index)
			found = i;
		index++;
		i = skip_space(s, skip_value(s, i));
		if (i < s.n && s.p[i] == ',')
			i = skip_space(s, i + 1);
	}
	return found;
}

/* The bytes between the quotes of a string; false: it is not there. */
static bool find_text(struct str s, const struct step *steps, size_t n,
		      size_t *ret_from, size_t *ret_to)
{
	size_t i = skip_space(s, 0);

	for (size_t k = 0; k < n && i < s.n; k++)
		i = enter(s, i, &steps[k]);
	if (i >= s.n || s.p[i] != '"')
		return false;
	*ret_from = i + 1;
	*ret_to = skip_string(s, i) - 1;
	return true;
}

/* --- blocks --------------------------------------------------------------- */

static void on_text(void *arg, struct str bytes)
{
	struct block *b = arg;

	buf_put_str(&b->text, bytes);
}

static struct block *find_block(struct sse_text *s, struct str key)
{
	struct block *b = s->blocks;

	while (b && !str_eq(buf_str(&b->key), key))
		b = b->next;
	return b;
}

/* NULL: there are too many, or no memory (s->error). */
static struct block *take_block(struct sse_text *s, struct str key)
{
	struct block *b = find_block(s, key);
	struct dlp_sink sink = { .out = on_text, .tokens = s->tokens };

	if (b || s->n_blocks >= SSE_TEXT_MAX_BLOCKS)
		return b;
	b = calloc(1, sizeof(*b));
	if (!b) {
		s->error = -ENOMEM;
		return NULL;
	}
	sink.arg = b;
	s->error = dlp_stream_new(s->engine, &sink, &b->stream);
	buf_put_str(&b->key, key);
	if (s->error == 0)
		s->error = b->key.error;
	if (s->error < 0) {
		block_free(b);
		return NULL;
	}
	b->next = s->blocks;
	s->blocks = b;
	s->n_blocks++;
	return b;
}

/* A text of the event at hand, if it is one. */
static void take_piece(struct sse_text *s, const struct json *v,
		       const struct buf *key, const struct step *steps,
		       size_t n)
{
	struct piece *x = &s->pieces[s->n_pieces];

	if (!v || v->type != JSON_STRING || s->n_pieces == MAX_PIECES ||
	    key->error || s->error < 0 ||
	    !find_text(s->data, steps, n, &x->from, &x->to))
		return;
	x->block = take_block(s, buf_str(key));
	if (!x->block)
		return;
	x->from += (size_t)(s->data.p - s->raw.p);
	x->to += (size_t)(s->data.p - s->raw.p);
	x->text = v->text;
	s->n_pieces++;
	s->error = dlp_stream_feed(x->block->stream, v->text);
}

static struct piece *piece_of(struct sse_text *s, const struct block *b)
{
	for (size_t i = 0; i < s->n_pieces; i++)
		if (s->pieces[i].block == b)
			return &s->pieces[i];
	return NULL;
}

/* An event with [from, to) of it replaced by a text. */
static void put_event(struct sse_text *s, struct str event, size_t from,
		      size_t to, const struct buf *text)
{
	buf_put(s->out, event.p, from);
	json_edit_escape(s->out, buf_str(text));
	buf_put_str(s->out, str_skip(event, to));
}

/* The text of blocks whose key begins so has ended. */
static void end_blocks(struct sse_text *s, struct str prefix)
{
	for (struct block *b = s->blocks; b && s->error == 0; b = b->next) {
		if (!str_starts(buf_str(&b->key), prefix))
			continue;
		s->error = dlp_stream_finish(b->stream);
		if (!b->text.len || piece_of(s, b))
			continue;
		put_event(s, buf_str(&b->last), b->from, b->to, &b->text);
		buf_reset(&b->text);
	}
}

static void drop_blocks(struct sse_text *s, struct str prefix)
{
	struct block **link = &s->blocks;

	while (*link) {
		struct block *b = *link;

		if (!str_starts(buf_str(&b->key), prefix)) {
			link = &b->next;
			continue;
		}
		*link = b->next;
		s->n_blocks--;
		block_free(b);
	}
}

/* --- the dialects ---------------------------------------------------------- */

static void take_anthropic(struct sse_text *s, const struct json *v)
{
	static const char *const names[] = { "text", "partial_json" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct step steps[] = { { "delta", 0 }, { names[i], 0 } };
		_cleanup_buf_ struct buf key = BUF_INIT;

		buf_printf(&key, "a/%lld/%s",
			   (long long)json_get_i64(v, "index", 0), names[i]);
		take_piece(s, json_get(json_get(v, "delta"), names[i]), &key,
			   steps, ARRAY_LEN(steps));
	}
}

static void take_calls(struct sse_text *s, const struct json *delta, size_t i,
		       const char *of)
{
	size_t k = 0;

	json_foreach(call, json_get(delta, "tool_calls"))
	{
		const struct step steps[] = {
			{ "choices", 0 },    { NULL, i }, { "delta", 0 },
			{ "tool_calls", 0 }, { NULL, k }, { "function", 0 },
			{ "arguments", 0 },
		};
		_cleanup_buf_ struct buf key = BUF_INIT;

		buf_printf(&key, "%scall/%lld", of,
			   (long long)json_get_i64(call, "index", (int64_t)k));
		take_piece(s, json_get(json_get(call, "function"), "arguments"),
			   &key, steps, ARRAY_LEN(steps));
		k++;
	}
}

static void take_choice(struct sse_text *s, const struct json *choice, size_t i,
			const char *of)
{
	static const char *const names[] = { "content", "refusal",
					     "reasoning_content" };
	const struct json *delta = json_get(choice, "delta");
	const struct step whole[] = { { "choices", 0 },
				      { NULL, i },
				      { "text", 0 } };
	_cleanup_buf_ struct buf key = BUF_INIT;

	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		const struct step steps[] = { { "choices", 0 },
					      { NULL, i },
					      { "delta", 0 },
					      { names[k], 0 } };

		buf_reset(&key);
		buf_printf(&key, "%s%s", of, names[k]);
		take_piece(s, json_get(delta, names[k]), &key, steps,
			   ARRAY_LEN(steps));
	}
	buf_reset(&key);
	buf_printf(&key, "%stext", of);
	take_piece(s, json_get(choice, "text"), &key, whole, ARRAY_LEN(whole));
	take_calls(s, delta, i, of);
}

/* The blocks that an event of this type speaks of, as their key begins. */
static void responses_key(const struct json *v, struct str type,
			  const char *end, struct buf *key)
{
	static const char *const names[] = { "output_index", "content_index",
					     "summary_index" };

	buf_puts(key, "r/");
	buf_put(key, type.p, type.n - strlen(end));
	buf_putc(key, '/');
	buf_put_str(key, json_get_str(v, "item_id"));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		buf_printf(key, "/%lld",
			   (long long)json_get_i64(v, names[i], 0));
}

/* What of the event at hand is text, and which texts end with it. */
static void take_texts(struct sse_text *s, const struct json *v,
		       struct buf *ended)
{
	const struct step whole[] = { { "delta", 0 } };
	struct str type = json_get_str(v, "type");
	_cleanup_buf_ struct buf key = BUF_INIT;

	if (str_eq(type, STR("content_block_delta"))) {
		take_anthropic(s, v);
	} else if (str_eq(type, STR("content_block_stop"))) {
		buf_printf(ended, "a/%lld/",
			   (long long)json_get_i64(v, "index", 0));
	} else if (str_ends(type, STR(".delta"))) {
		responses_key(v, type, ".delta", &key);
		take_piece(s, json_get(v, "delta"), &key, whole, 1);
	} else if (str_ends(type, STR(".done"))) {
		responses_key(v, type, ".done", ended);
	} else if (str_eq(type, STR("message_stop"))) {
		buf_puts(ended, "a/");
	} else if (json_get(v, "response")) {
		struct str status =
			json_get_str(json_get(v, "response"), "status");

		if (!str_eq(status, STR("in_progress")) &&
		    !str_eq(status, STR("queued")))
			buf_puts(ended, "r/");
	}
}

static void take_choices(struct sse_text *s, const struct json *v)
{
	size_t i = 0;

	json_foreach(choice, json_get(v, "choices"))
	{
		const struct json *reason = json_get(choice, "finish_reason");
		char of[40];

		(void)snprintf(of, sizeof(of), "c/%lld/",
			       (long long)json_get_i64(choice, "index",
						       (int64_t)i));
		take_choice(s, choice, i, of);
		if (reason && reason->type == JSON_STRING)
			end_blocks(s, str_from(of));
		i++;
	}
}

/* --- events ------------------------------------------------------------------ */

/* The one data line of an event; false: it has none, or several. */
static bool find_data(struct str raw, struct str *ret)
{
	unsigned int n = 0;

	while (raw.n) {
		size_t end = 0;
		struct str line;

		while (end < raw.n && raw.p[end] != '\n' && raw.p[end] != '\r')
			end++;
		line = str_from_n(raw.p, end);
		if (str_starts(line, STR("data:"))) {
			*ret = str_skip(line, 5);
			n++;
		}
		raw = str_skip(raw, MIN(end + 1, raw.n));
	}
	while (ret->n && ret->p[0] == ' ')
		*ret = str_skip(*ret, 1);
	return n == 1;
}

static int by_place(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* The event goes out, with what of its texts is decided. */
static void pass_event(struct sse_text *s)
{
	size_t done = 0;

	qsort(s->pieces, s->n_pieces, sizeof(s->pieces[0]), by_place);
	for (size_t i = 0; i < s->n_pieces; i++) {
		struct piece *x = &s->pieces[i];
		struct block *b = x->block;

		if (!str_eq(buf_str(&b->text), x->text)) {
			buf_put(s->out, s->raw.p + done, x->from - done);
			json_edit_escape(s->out, buf_str(&b->text));
			done = x->to;
		}
		buf_reset(&b->text);
		buf_reset(&b->last);
		buf_put_str(&b->last, s->raw);
		b->from = x->from;
		b->to = x->to;
		if (b->last.error)
			s->error = b->last.error;
	}
	buf_put_str(s->out, str_skip(s->raw, done));
}

static void end_event(struct sse_text *s, struct str raw)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(64U << 20);
	_cleanup_buf_ struct buf ended = BUF_INIT;
	struct json *v = NULL;

	s->raw = raw;
	s->data = STR_NONE;
	s->n_pieces = 0;
	if (find_data(raw, &s->data) && str_starts(s->data, STR("{")) &&
	    json_parse(&a, s->data, &v) == 0) {
		take_texts(s, v, &ended);
		take_choices(s, v);
	} else if (str_eq(s->data, STR("[DONE]"))) {
		buf_puts(&ended, "c/");
	}
	if (ended.len)
		end_blocks(s, buf_str(&ended));
	pass_event(s);
	if (ended.len)
		drop_blocks(s, buf_str(&ended));
	s->error = s->error ? s->error : ended.error;
}

/* Bytes up to the end of the event, that too; 0: it is not there. */
static size_t event_end(struct sse_text *s, struct str bytes)
{
	for (size_t i = 0; i < bytes.n; i++) {
		char c = bytes.p[i];
		bool pair = s->after_cr && c == '\n';

		s->after_cr = c == '\r';
		if (pair)
			continue;
		if (c != '\n' && c != '\r') {
			s->line++;
			continue;
		}
		if (s->line == 0)
			return i + 1;
		s->line = 0;
	}
	return 0;
}

int sse_text_feed(struct sse_text *s, struct str bytes, bool end,
		  struct buf *out)
{
	s->out = out;
	while (bytes.n && s->error == 0) {
		size_t n = event_end(s, bytes);
		bool whole = n > 0;

		n = whole ? n : bytes.n;
		buf_put(&s->event, bytes.p, n);
		bytes = str_skip(bytes, n);
		if (s->event.error)
			s->error = s->event.error;
		else if (s->event.len > SSE_MAX_EVENT)
			buf_put_str(out, buf_str(&s->event));
		else if (whole)
			end_event(s, buf_str(&s->event));
		else
			break;
		buf_reset(&s->event);
	}
	if (end && s->error == 0) {
		end_blocks(s, STR_NONE);
		buf_put_str(out, buf_str(&s->event));
		buf_reset(&s->event);
	}
	return s->error ? s->error : out->error;
}
