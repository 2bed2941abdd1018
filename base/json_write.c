/* SPDX-License-Identifier: MIT */
/*
 * json_write.c - JSON writer, byte-compatible with Go's encoding/json
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/num.h"

static const char hex_digits[] = "0123456789abcdef";

/* Bytes that go out as they are; 0x80 and up need a UTF-8 look. */
static const bool plain[256] = {
	[' ' ... '!'] = true,  /* not " */
	['#' ... '%'] = true,  /* not & */
	['\'' ... ';'] = true, /* not < */
	['='] = true,          /* not > */
	['?' ... '['] = true,  /* not \ */
	[']' ... 0x7f] = true,
};

void json_writer_init(struct json_writer *w, struct buf *out,
		      unsigned int indent)
{
	w->out = out;
	w->indent = indent;
	w->depth = 0;
	w->after_key = false;
	w->first[0] = true;
}

static void put_newline(struct json_writer *w)
{
	static const char spaces[] = "                                ";
	size_t n = (size_t)w->depth * w->indent;

	buf_putc(w->out, '\n');
	while (n) {
		size_t part = MIN(n, sizeof(spaces) - 1);

		buf_put(w->out, spaces, part);
		n -= part;
	}
}

/* Comma and indentation before a value or key. */
static void put_separator(struct json_writer *w)
{
	if (w->after_key) {
		w->after_key = false;
		return;
	}
	if (w->depth == 0)
		return;
	if (!w->first[w->depth - 1])
		buf_putc(w->out, ',');
	w->first[w->depth - 1] = false;
	if (w->indent)
		put_newline(w);
}

static void begin(struct json_writer *w, char bracket)
{
	put_separator(w);
	if (w->depth == JSON_MAX_DEPTH) {
		w->out->error = -E2BIG;
		return;
	}
	buf_putc(w->out, bracket);
	w->first[w->depth++] = true;
}

static void end(struct json_writer *w, char bracket)
{
	bool empty;

	if (w->out->error || w->depth == 0)
		return;
	empty = w->first[--w->depth];
	if (w->indent && !empty)
		put_newline(w);
	buf_putc(w->out, bracket);
}

void json_begin_object(struct json_writer *w)
{
	begin(w, '{');
}

void json_end_object(struct json_writer *w)
{
	end(w, '}');
}

void json_begin_array(struct json_writer *w)
{
	begin(w, '[');
}

void json_end_array(struct json_writer *w)
{
	end(w, ']');
}

/* Letter of a two-character escape, or 0. */
static char short_escape(unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		return (char)c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

static void put_ascii_escape(struct buf *out, unsigned char c)
{
	char letter = short_escape(c);

	if (letter) {
		buf_put(out, (char[]){ '\\', letter }, 2);
	} else {
		char u[6] = { '\\',
			      'u',
			      '0',
			      '0',
			      hex_digits[c >> 4],
			      hex_digits[c & 15] };

		buf_put(out, u, sizeof(u));
	}
}

/*
 * One item of s at i that cannot be copied blindly. Return: bytes used.
 */
static size_t put_special(struct buf *out, struct str s, size_t i)
{
	unsigned char c = (unsigned char)s.p[i];
	size_t n;

	if (c < 0x80) {
		put_ascii_escape(out, c);
		return 1;
	}
	n = str_utf8_len(str_skip(s, i));
	if (n == 0) {
		buf_puts(out, "\\ufffd");
		return 1;
	}
	/* U+2028 and U+2029 end a line in JavaScript. */
	if (n == 3 && memcmp(s.p + i, "\xe2\x80", 2) == 0 &&
	    (s.p[i + 2] & ~1) == (char)0xa8)
		buf_puts(out, s.p[i + 2] & 1 ? "\\u2029" : "\\u2028");
	else
		buf_put(out, s.p + i, n);
	return n;
}

/* Length of the part of s from i on that goes out as it is. */
static size_t plain_len(struct str s, size_t i)
{
	size_t n = i;

	while (n < s.n && plain[(unsigned char)s.p[n]])
		n++;
	return n - i;
}

/*
 * "s" and then `after` (0: nothing). Nearly every string is plain, so that
 * case is one reservation and one copy.
 */
static void put_quoted(struct buf *out, struct str s, char after)
{
	size_t i = plain_len(s, 0);
	char *p;

	if (i == s.n) {
		p = buf_reserve(out, s.n + 2 + (after ? 1 : 0));
		if (!p)
			return;
		*p++ = '"';
		if (s.n)
			memcpy(p, s.p, s.n);
		p += s.n;
		*p++ = '"';
		if (after)
			*p++ = after;
		*p = '\0';
		out->len = (size_t)(p - out->data);
		return;
	}
	buf_putc(out, '"');
	buf_put(out, s.p, i);
	while (i < s.n) {
		size_t n;

		i += put_special(out, s, i);
		n = plain_len(s, i);
		buf_put(out, s.p + i, n);
		i += n;
	}
	buf_putc(out, '"');
	if (after)
		buf_putc(out, after);
}

void json_key_str(struct json_writer *w, struct str key)
{
	put_separator(w);
	put_quoted(w->out, key, ':');
	if (w->indent)
		buf_putc(w->out, ' ');
	w->after_key = true;
}

void json_key(struct json_writer *w, const char *key)
{
	json_key_str(w, str_from(key));
}

void json_str(struct json_writer *w, struct str s)
{
	put_separator(w);
	put_quoted(w->out, s, 0);
}

void json_cstr(struct json_writer *w, const char *s)
{
	if (s)
		json_str(w, str_from(s));
	else
		json_null(w);
}

void json_raw(struct json_writer *w, struct str json)
{
	put_separator(w);
	buf_put_str(w->out, json);
}

static void put_u64(struct json_writer *w, bool negative, uint64_t v)
{
	char text[24];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	if (negative)
		text[--at] = '-';
	json_raw(w, str_from_n(text + at, sizeof(text) - at));
}

void json_i64(struct json_writer *w, int64_t v)
{
	put_u64(w, v < 0, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void json_u64(struct json_writer *w, uint64_t v)
{
	put_u64(w, false, v);
}

void json_bool(struct json_writer *w, bool v)
{
	json_raw(w, v ? STR("true") : STR("false"));
}

void json_null(struct json_writer *w)
{
	json_raw(w, STR("null"));
}

void json_kv_str(struct json_writer *w, const char *key, struct str s)
{
	json_key(w, key);
	json_str(w, s);
}

void json_kv_cstr(struct json_writer *w, const char *key, const char *s)
{
	json_key(w, key);
	json_cstr(w, s);
}

void json_kv_i64(struct json_writer *w, const char *key, int64_t v)
{
	json_key(w, key);
	json_i64(w, v);
}

void json_kv_bool(struct json_writer *w, const char *key, bool v)
{
	json_key(w, key);
	json_bool(w, v);
}

void json_kv_str_opt(struct json_writer *w, const char *key, struct str s)
{
	if (s.n)
		json_kv_str(w, key, s);
}

void json_kv_i64_opt(struct json_writer *w, const char *key, int64_t v)
{
	if (v)
		json_kv_i64(w, key, v);
}

void json_kv_bool_opt(struct json_writer *w, const char *key, bool v)
{
	if (v)
		json_kv_bool(w, key, v);
}

void json_str_array(struct buf *out, const struct str *v, size_t n)
{
	struct json_writer w;

	json_writer_init(&w, out, 0);
	json_begin_array(&w);
	for (size_t i = 0; i < n; i++)
		json_str(&w, v[i]);
	json_end_array(&w);
}

/* A character of one to three bytes as \uNNNN. */
static void put_unicode_escape(struct buf *out, const char *p, size_t n)
{
	const unsigned char *c = (const unsigned char *)p;
	unsigned int code = c[0];

	if (n == 2)
		code = (c[0] & 0x1fU) << 6 | (c[1] & 0x3fU);
	else if (n == 3)
		code = (c[0] & 0x0fU) << 12 | (c[1] & 0x3fU) << 6 |
		       (c[2] & 0x3fU);
	buf_printf(out, "\\u%04x", code);
}

void json_put_shown(struct buf *out, struct str json)
{
	size_t from = 0, n;

	for (size_t i = 0; i < json.n; i += n) {
		unsigned char c = (unsigned char)json.p[i];

		n = 1;
		if (c < 0x7f)
			continue;
		if (c != 0x7f) {
			n = MAX(str_utf8_len(str_skip(json, i)), (size_t)1);
			if (!str_utf8_steers(json.p + i, n))
				continue;
		}
		buf_put(out, json.p + from, i - from);
		put_unicode_escape(out, json.p + i, n);
		from = i + n;
	}
	buf_put_str(out, str_skip(json, from));
}
