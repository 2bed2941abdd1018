/* SPDX-License-Identifier: MIT */
/*
 * redact.c - what the DLP engine finds in a body, replaced in place
 */
#include "netproxy/redact.h"

#include <errno.h>
#include <string.h>

#include "netproxy/json_edit.h"

struct scan {
	const struct dlp_engine *engine;
	struct dlp_sink sink;
	struct str text, spare;
	struct json_edits *edits; /* of the text at hand; NULL: plain text */
	struct buf *out;          /* of plain text */
	size_t done;              /* of it, up to there */
	struct redact_result *result;
};

static void count(struct redact_result *r, const char *type)
{
	for (size_t i = 0; i < r->n_types; i++) {
		if (strcmp(r->types[i].type, type) == 0) {
			r->types[i].n++;
			return;
		}
	}
	if (r->n_types < REDACT_MAX_TYPES)
		r->types[r->n_types++] = (struct redact_count){ type, 1 };
}

bool redact_note(struct redact_result *r, const char *type,
		 enum dlp_action action)
{
	count(r, type);
	if (action == DLP_LOG || action == DLP_OFF)
		return false;
	r->total++;
	if (action == DLP_BLOCK)
		r->blocked = type;
	return true;
}

static void on_found(void *arg, const struct dlp_finding *f)
{
	struct scan *s = arg;
	const char *type = dlp_type_name(s->engine, f->type);
	struct str found = str_from_n(s->text.p + f->offset, (size_t)f->length);

	if ((s->spare.n && str_find(found, s->spare) >= 0) ||
	    !redact_note(s->result, type, f->action))
		return;
	if (!s->edits) {
		buf_put_str(s->out, str_from_n(s->text.p + s->done,
					       (size_t)f->offset - s->done));
		buf_put_str(s->out, f->replacement);
		s->done = (size_t)(f->offset + f->length);
	} else
		json_edits_add(s->edits, (size_t)f->offset,
			       (size_t)(f->offset + f->length), f->replacement);
}

static int scan_text(void *arg, struct str text, struct json_edits *e)
{
	struct scan *s = arg;
	int r;

	s->edits = e;
	s->text = text;
	r = dlp_find(s->engine, text, &s->sink);
	return MIN(r, 0);
}

static bool looks_like_json(struct str s)
{
	size_t i = 0;

	while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\n' || s.p[i] == '\r' ||
			   s.p[i] == '\t'))
		i++;
	return i < s.n && (s.p[i] == '{' || s.p[i] == '[' || s.p[i] == '"');
}

int redact_text(const struct dlp_engine *engine, struct dlp_tokens *tokens,
		struct str spare, struct str in, struct buf *out,
		struct redact_result *ret)
{
	struct scan s = { .engine = engine,
			  .spare = spare,
			  .text = in,
			  .out = out,
			  .result = ret };
	int r;

	if (!engine || in.n == 0)
		return 0;
	s.sink = (struct dlp_sink){ .found = on_found,
				    .arg = &s,
				    .tokens = tokens };
	r = dlp_find(engine, in, &s.sink);
	if (s.done)
		buf_put_str(out, str_skip(in, s.done));
	return r < 0 ? r : out->error;
}

int redact_body(const struct dlp_engine *engine, struct dlp_tokens *tokens,
		struct str spare, struct str in, struct buf *out,
		struct redact_result *ret)
{
	struct scan s = { .engine = engine, .spare = spare, .result = ret };
	const struct redact_result before = *ret;
	int r = -EBADMSG;

	if (!engine || in.n == 0)
		return 0;
	s.sink = (struct dlp_sink){ .found = on_found,
				    .arg = &s,
				    .tokens = tokens };
	if (looks_like_json(in))
		r = json_edit(in, scan_text, &s, out);
	if (r != -EBADMSG && r != -E2BIG)
		return MIN(r, 0);
	*ret = before;
	buf_reset(out);
	return redact_text(engine, tokens, spare, in, out, ret);
}

struct key_scan {
	const struct dlp_engine *engine;
	struct str text, spare;
	const char *type;
};

static void on_key(void *arg, const struct dlp_finding *f)
{
	struct key_scan *s = arg;
	enum dlp_group group = dlp_type_group(s->engine, f->type);
	struct str found = str_from_n(s->text.p + f->offset, (size_t)f->length);

	if (f->action == DLP_LOG || f->action == DLP_OFF ||
	    (group != DLP_API_KEYS && group != DLP_CUSTOM) ||
	    (s->spare.n && str_find(found, s->spare) >= 0))
		return;
	s->type = dlp_type_name(s->engine, f->type);
}

const char *redact_find_key(const struct dlp_engine *engine, struct str spare,
			    struct str text)
{
	struct key_scan s = { .engine = engine, .text = text, .spare = spare };
	const struct dlp_sink sink = { .found = on_key, .arg = &s };

	if (engine && text.n && dlp_find(engine, text, &sink) < 0)
		return "what could not be looked at";
	return s.type;
}

void redact_put(const struct redact_result *r, struct json_writer *w)
{
	json_begin_array(w);
	for (size_t i = 0; i < r->n_types; i++) {
		json_begin_object(w);
		json_kv_cstr(w, "type", r->types[i].type);
		json_kv_i64(w, "count", r->types[i].n);
		json_end_object(w);
	}
	json_end_array(w);
}
