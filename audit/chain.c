/* SPDX-License-Identifier: MIT */
/*
 * chain.c - tamper evidence: each entry's hash covers its predecessor's
 *
 *	entry = hex(H("2|" sequence "|" prev "|" payload))
 *
 * H is HMAC with the operator's key in JSON lines (interface reference section
 * 5.5, payload in canonical form) and SHA-256 in the database (payload_json as
 * stored). The plain chain shows any change to whoever noted one later hash;
 * only the keyed one shows a change by someone who may rewrite the whole log.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "audit/internal.h"

static void hash_bytes(const struct chain *c, struct str text,
		       uint8_t out[SHA512_LEN], size_t *ret_n)
{
	*ret_n = SHA256_LEN;
	if (c->key.n == 0) {
		digest_sha256(text, out);
	} else if (c->sha512) {
		digest_hmac_sha512(c->key, text, out);
		*ret_n = SHA512_LEN;
	} else {
		digest_hmac_sha256(c->key, text, out);
	}
}

static void put_hex(char *out, const uint8_t *p, size_t n)
{
	static const char DIGITS[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = DIGITS[p[i] >> 4];
		*out++ = DIGITS[p[i] & 15];
	}
	*out = '\0';
}

int chain_hash(struct chain *c, struct str payload, char out[CHAIN_HEX_MAX + 1])
{
	uint8_t digest[SHA512_LEN];
	size_t n = 0;

	buf_reset(&c->scratch);
	buf_put_u64(&c->scratch, CHAIN_VERSION);
	buf_putc(&c->scratch, '|');
	buf_put_u64(&c->scratch, c->sequence);
	buf_putc(&c->scratch, '|');
	buf_puts(&c->scratch, c->prev);
	buf_putc(&c->scratch, '|');
	buf_put_str(&c->scratch, payload);
	if (c->scratch.error)
		return c->scratch.error;
	hash_bytes(c, buf_str(&c->scratch), digest, &n);
	put_hex(out, digest, n);
	return 0;
}

void chain_advance(struct chain *c, const char *entry)
{
	memcpy(c->prev, entry, strnlen(entry, CHAIN_HEX_MAX) + 1);
	c->sequence++;
}

void chain_describe(const struct chain *c, const char *entry, struct buf *out)
{
	buf_puts(out, "{\"format_version\":");
	buf_put_u64(out, CHAIN_VERSION);
	buf_puts(out, ",\"sequence\":");
	buf_put_u64(out, c->sequence);
	buf_puts(out, ",\"prev_hash\":\"");
	buf_puts(out, c->prev);
	buf_puts(out, "\",\"entry_hash\":\"");
	buf_puts(out, entry);
	buf_puts(out, "\"}");
}

int chain_entry_from_json(const struct json *doc, struct chain_entry *ret)
{
	int64_t sequence = json_get_i64(doc, "sequence", -1);
	struct str entry = json_get_str(doc, "entry_hash");

	if (json_get_i64(doc, "format_version", 0) != CHAIN_VERSION ||
	    sequence < 0 || entry.n == 0 || entry.n > CHAIN_HEX_MAX)
		return -EBADMSG;
	ret->sequence = (uint64_t)sequence;
	ret->prev = json_get_str(doc, "prev_hash");
	ret->entry = entry;
	return 0;
}

static int found_bad(struct audit_verdict *v, uint64_t sequence,
		     const char *reason)
{
	v->ok = false;
	v->bad_sequence = sequence;
	(void)snprintf(v->reason, sizeof(v->reason), "%s", reason);
	return 0;
}

int chain_check(struct chain *c, const struct chain_entry *e,
		struct str payload, struct audit_verdict *v)
{
	char want[CHAIN_HEX_MAX + 1];
	int r;

	/* Entries before the first that is left were rotated away. */
	if (v->n_checked == 0 && e->prev.n <= CHAIN_HEX_MAX) {
		c->sequence = e->sequence;
		(void)snprintf(c->prev, sizeof(c->prev), STR_FMT,
			       STR_ARG(e->prev));
	}
	if (e->sequence == 0 && c->sequence != 0 && e->prev.n == 0) {
		c->sequence = 0; /* a chain begun anew, see jsonl.c */
		c->prev[0] = '\0';
	}
	if (e->sequence != c->sequence)
		return found_bad(v, c->sequence, "entry missing or reordered");
	if (!str_eq_c(e->prev, c->prev))
		return found_bad(v, e->sequence,
				 "does not follow the entry before it");
	r = chain_hash(c, payload, want);
	if (r < 0)
		return r;
	if (!str_eq_c(e->entry, want))
		return found_bad(v, e->sequence, "contents were changed");
	chain_advance(c, want);
	v->n_checked++;
	return 0;
}

void chain_done(struct chain *c)
{
	buf_done(&c->scratch);
}

/* One level of a walk over a JSON tree without recursion. */
struct level {
	const struct json *node;
	const struct json **sorted; /* owned: children in output order */
	size_t next;
};

static int by_key(const void *a, const void *b)
{
	const struct json *const *x = (const struct json *const *)a;
	const struct json *const *y = (const struct json *const *)b;

	return str_cmp((*x)->key, (*y)->key);
}

static int enter(struct level *l, const struct json *node)
{
	size_t i = 0;

	*l = (struct level){ .node = node };
	l->sorted = calloc(node->n + 1, sizeof(*l->sorted));
	if (!l->sorted)
		return -ENOMEM;
	json_foreach(child, node) l->sorted[i++] = child;
	if (node->type == JSON_OBJECT && i > 1)
		qsort(l->sorted, i, sizeof(*l->sorted), by_key);
	return 0;
}

static void put_scalar(struct json_writer *w, const struct json *v)
{
	switch (v->type) {
	case JSON_BOOL:
		json_bool(w, v->boolean);
		break;
	case JSON_NUMBER:
		json_raw(w, v->text);
		break;
	case JSON_STRING:
		json_str(w, v->text);
		break;
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		json_null(w);
		break;
	}
}

static void begin(struct json_writer *w, const struct json *v)
{
	if (v->type == JSON_OBJECT)
		json_begin_object(w);
	else
		json_begin_array(w);
}

static void end(struct json_writer *w, const struct json *v)
{
	if (v->type == JSON_OBJECT)
		json_end_object(w);
	else
		json_end_array(w);
}

static bool is_container(const struct json *v)
{
	return v->type == JSON_OBJECT || v->type == JSON_ARRAY;
}

/* Writes the next child of the top level, or leaves it. */
static int canonical_step(struct level *levels, size_t *depth,
			  struct json_writer *w, const char *skip)
{
	struct level *top = &levels[*depth - 1];
	const struct json *child;

	if (top->next == top->node->n) {
		end(w, top->node);
		free(top->sorted);
		top->sorted = NULL;
		(*depth)--;
		return 0;
	}
	child = top->sorted[top->next++];
	assert(child);
	if (top->node->type == JSON_OBJECT) {
		if (*depth == 1 && skip && str_eq_c(child->key, skip))
			return 0;
		json_key_str(w, child->key);
	}
	if (!is_container(child)) {
		put_scalar(w, child);
		return 0;
	}
	if (*depth == JSON_MAX_DEPTH)
		return -E2BIG;
	begin(w, child);
	(*depth)++;
	return enter(&levels[*depth - 1], child);
}

int canonical_json(const struct json *doc, const char *skip, struct buf *out)
{
	struct level levels[JSON_MAX_DEPTH] = { 0 };
	struct json_writer w;
	size_t depth = 1;
	int r;

	if (!is_container(doc))
		return -EBADMSG;
	json_writer_init(&w, out, 0);
	begin(&w, doc);
	r = enter(&levels[0], doc);
	while (r == 0 && depth > 0)
		r = canonical_step(levels, &depth, &w, skip);
	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		free(levels[i].sorted);
	return r < 0 ? r : out->error;
}
