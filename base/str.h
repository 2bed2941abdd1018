/* SPDX-License-Identifier: MIT */
/*
 * str.h - string view and growable buffer
 *
 * `struct str` borrows bytes; it need not be NUL-terminated and may hold any
 * byte. `struct buf` owns bytes and is always NUL-terminated at data[len], so
 * buf_cstr() is free. A buffer remembers the first allocation failure or
 * overrun of its cap in `error`; later appends are no-ops, so a caller appends
 * freely and checks once.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"

struct str {
	const char *p; /* borrowed; may be NULL when n is 0 */
	size_t n;
};

#define STR(lit)   ((struct str){ "" lit, sizeof(lit) - 1 })
#define STR_NONE   ((struct str){ NULL, 0 })
#define STR_FMT    "%.*s"
#define STR_ARG(s) ((int)(s).n), ((s).n ? (s).p : "")

static inline struct str str_from(const char *c)
{
	return (struct str){ c, c ? strlen(c) : 0 };
}

static inline struct str str_from_n(const char *p, size_t n)
{
	return (struct str){ p, n };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_eq_c(struct str a, const char *b)
{
	return str_eq(a, str_from(b));
}

/* ASCII case folding only. */
bool str_eq_icase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* First/last index of byte c, or -1. */
ptrdiff_t str_index(struct str s, char c);
ptrdiff_t str_rindex(struct str s, char c);
/* Index of the first occurrence of needle, or -1. */
ptrdiff_t str_find(struct str s, struct str needle);
/* s without leading and trailing ASCII white space. */
struct str str_trim(struct str s);
/* s from byte `from` on (empty when beyond the end). */
struct str str_skip(struct str s, size_t from);
/* Last component of a path ("" for ""; "/" gives ""). */
struct str str_basename(struct str path);
/* Order bytewise, shorter first on a tie; for qsort wrappers. */
int str_cmp(struct str a, struct str b);
/*
 * Takes bytes up to `sep` off the front of *rest into *ret_part and skips the
 * separator. Return: false when *rest was exhausted (p == NULL).
 */
bool str_split(struct str *rest, char sep, struct str *ret_part);
/* NUL-terminated heap copy, or NULL; the caller frees. */
char *str_dup(struct str s);
/* True when s is well-formed UTF-8 (no surrogates, no overlongs). */
bool str_is_utf8(struct str s);
/* Length of the well-formed UTF-8 sequence s begins with; 0 if there is none */
size_t str_utf8_len(struct str s);

struct buf {
	char *data; /* owned; NULL until the first append */
	size_t len;
	size_t size; /* allocated */
	size_t cap;  /* hard limit in bytes; 0 = no limit */
	int error;   /* 0, -ENOMEM, or -E2BIG when cap was hit */
};

#define BUF_INIT ((struct buf){ 0 })

void buf_done(struct buf *b);
#define _cleanup_buf_ _cleanup_(buf_done)

void buf_reset(struct buf *b); /* length 0, error 0, memory kept */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_putc(struct buf *b, char c);
void buf_puts(struct buf *b, const char *c);
void buf_put_str(struct buf *b, struct str s);
void buf_put_u64(struct buf *b, uint64_t v); /* decimal */
void buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) _printf_(2, 0);
/* Room for n more bytes; NULL on failure (and b->error set). */
char *buf_reserve(struct buf *b, size_t n);
/* Drops n bytes from the front. */
void buf_consume(struct buf *b, size_t n);
/* Never NULL; "" for an empty buffer. */
const char *buf_cstr(const struct buf *b);
struct str buf_str(const struct buf *b);
/* Moves the bytes out as a NUL-terminated heap string; NULL if b->error. */
char *buf_take(struct buf *b);
/* s with bytes outside printable ASCII as \xNN, for logs and messages. */
void buf_put_escaped(struct buf *b, struct str s);
/*
 * s for a terminal: what could steer one (C0 but newline and tab, DEL, C1) as
 * \xNN, all else as it is. For messages that quote names made by others.
 */
void buf_put_plain(struct buf *b, struct str s);
/*
 * A name within a line for a terminal: as buf_put_plain(), and nothing that ends
 * the line, moves in it or turns its direction; bytes that are no UTF-8 as \xNN.
 */
void buf_put_name(struct buf *b, struct str name);
/*
 * Whether the valid UTF-8 sequence at p of n bytes is a character that a terminal
 * or a reader takes for an order: C1, line and paragraph ends, bidirectional
 * embeddings and isolates.
 */
bool str_utf8_steers(const char *p, size_t n);

#endif
