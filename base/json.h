/* SPDX-License-Identifier: MIT */
/*
 * json.h - bounded JSON writer and reader
 *
 * Writer: emits into a struct buf in call order and inserts commas itself.
 * Strings are escaped the way Go's encoding/json does (interface reference
 * section 0): < > & as \u003c \u003e \u0026, U+2028/9 escaped, invalid UTF-8
 * as \ufffd. With indent > 0 the output is indented as Go's MarshalIndent.
 *
 * Reader: parses into a tree that lives in an arena; depth, size and node
 * count are capped, so hostile input cannot exhaust anything.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define JSON_MAX_DEPTH 64
#define JSON_MAX_NODES 262144U
#define JSON_MAX_BYTES (16U << 20)

/* Nesting beyond JSON_MAX_DEPTH sets out->error to -E2BIG. */
struct json_writer {
	struct buf *out;     /* borrowed */
	unsigned int indent; /* spaces per level; 0 = compact */
	unsigned int depth;
	bool first[JSON_MAX_DEPTH]; /* no comma needed yet at this level */
	bool after_key;
};

void json_writer_init(struct json_writer *w, struct buf *out,
		      unsigned int indent);
void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key(struct json_writer *w, const char *key);
void json_key_str(struct json_writer *w, struct str key);
void json_str(struct json_writer *w, struct str s);
void json_cstr(struct json_writer *w, const char *s); /* NULL -> null */
void json_i64(struct json_writer *w, int64_t v);
void json_u64(struct json_writer *w, uint64_t v);
void json_bool(struct json_writer *w, bool v);
void json_null(struct json_writer *w);
/* Already encoded JSON, inserted as it is. */
void json_raw(struct json_writer *w, struct str json);

/*
 * Well-formed JSON with what Go leaves as it is and a terminal takes for an order
 * (DEL, str_utf8_steers()) as \uNNNN: the same document, fit to be looked at.
 */
void json_put_shown(struct buf *out, struct str json);

/* A whole document: an array of strings, compact. */
void json_str_array(struct buf *out, const struct str *v, size_t n);

/* key + value in one; the _opt forms write nothing for ""/0/false. */
void json_kv_str(struct json_writer *w, const char *key, struct str s);
void json_kv_cstr(struct json_writer *w, const char *key, const char *s);
void json_kv_i64(struct json_writer *w, const char *key, int64_t v);
void json_kv_bool(struct json_writer *w, const char *key, bool v);
void json_kv_str_opt(struct json_writer *w, const char *key, struct str s);
void json_kv_i64_opt(struct json_writer *w, const char *key, int64_t v);
void json_kv_bool_opt(struct json_writer *w, const char *key, bool v);

enum json_type {
	JSON_NULL = 0,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json {
	enum json_type type;
	bool boolean;
	struct str text;    /* string value (decoded) or number as written */
	struct str key;     /* member name when inside an object */
	struct json *child; /* first element or member */
	struct json *next;
	size_t n; /* number of children */
};

/*
 * Parses one document (surrounding white space allowed).
 * Return: 0, -EBADMSG (bad syntax), -E2BIG (cap), -ENOMEM. The tree borrows
 * nothing from text.
 */
int json_parse(struct arena *a, struct str text, struct json **ret);

/* Member lookup (last one wins); NULL if absent or obj is not an object. */
const struct json *json_get(const struct json *obj, const char *key);
/* Typed getters: the default if absent or of another type. */
struct str json_get_str(const struct json *obj, const char *key);
int64_t json_get_i64(const struct json *obj, const char *key, int64_t dflt);
bool json_get_bool(const struct json *obj, const char *key, bool dflt);

#define json_foreach(it, container)                                           \
	for (const struct json *it = (container) ? (container)->child : NULL; \
	     it; it = it->next)

#endif
