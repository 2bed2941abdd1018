/* SPDX-License-Identifier: MIT */
/*
 * str.c - string view and growable buffer
 */
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_eq_icase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n &&
	       (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       (suffix.n == 0 ||
		memcmp(s.p + (s.n - suffix.n), suffix.p, suffix.n) == 0);
}

ptrdiff_t str_index(struct str s, char c)
{
	const char *hit = s.n ? memchr(s.p, c, s.n) : NULL;

	return hit ? hit - s.p : -1;
}

ptrdiff_t str_rindex(struct str s, char c)
{
	const char *hit = s.n ? memrchr(s.p, c, s.n) : NULL;

	return hit ? hit - s.p : -1;
}

ptrdiff_t str_find(struct str s, struct str needle)
{
	const char *hit;

	if (needle.n == 0)
		return 0;
	if (s.n < needle.n)
		return -1;
	hit = memmem(s.p, s.n, needle.p, needle.n);
	return hit ? hit - s.p : -1;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
	while (s.n && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str str_skip(struct str s, size_t from)
{
	if (from >= s.n)
		return (struct str){ s.p ? s.p + s.n : NULL, 0 };
	return (struct str){ s.p + from, s.n - from };
}

struct str str_basename(struct str path)
{
	return str_skip(path, (size_t)(str_rindex(path, '/') + 1));
}

int str_cmp(struct str a, struct str b)
{
	size_t n = MIN(a.n, b.n);
	int order = n ? memcmp(a.p, b.p, n) : 0;

	if (order)
		return order;
	return (a.n > b.n) - (a.n < b.n);
}

bool str_split(struct str *rest, char sep, struct str *ret_part)
{
	ptrdiff_t at;

	if (!rest->p)
		return false;
	at = str_index(*rest, sep);
	if (at < 0) {
		*ret_part = *rest;
		*rest = STR_NONE;
		return true;
	}
	*ret_part = str_from_n(rest->p, (size_t)at);
	*rest = str_from_n(rest->p + at + 1, rest->n - (size_t)at - 1);
	return true;
}

char *str_dup(struct str s)
{
	char *copy = malloc(s.n + 1);

	if (!copy)
		return NULL;
	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}

/*
 * Well-formed sequences by first byte (Unicode 15, table 3-7). The range of
 * the second byte is what keeps out overlong forms, surrogates and everything
 * above U+10FFFF; the bytes after it are 80..bf.
 */
static const struct utf8_form {
	unsigned char first_min, first_max, second_min, second_max;
	size_t len;
} utf8_forms[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
	{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

static const struct utf8_form *utf8_form(unsigned char first)
{
	for (size_t i = 0; i < ARRAY_LEN(utf8_forms); i++)
		if (first >= utf8_forms[i].first_min &&
		    first <= utf8_forms[i].first_max)
			return &utf8_forms[i];
	return NULL;
}

/* Length of the well-formed sequence at p (n >= 1 bytes left), or 0. */
static size_t utf8_len(const unsigned char *p, size_t n)
{
	const struct utf8_form *form;

	if (p[0] < 0x80)
		return 1;
	form = utf8_form(p[0]);
	if (!form || n < form->len || p[1] < form->second_min ||
	    p[1] > form->second_max)
		return 0;
	for (size_t i = 2; i < form->len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return form->len;
}

size_t str_utf8_len(struct str s)
{
	return s.n ? utf8_len((const unsigned char *)s.p, s.n) : 0;
}

bool str_is_utf8(struct str s)
{
	size_t i = 0;

	while (i < s.n) {
		size_t len = utf8_len((const unsigned char *)s.p + i, s.n - i);

		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

void buf_done(struct buf *b)
{
	free(b->data);
	*b = BUF_INIT;
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->error = 0;
	if (b->data)
		b->data[0] = '\0';
}

static bool buf_grow_slow(struct buf *b, size_t n)
{
	size_t want, size;
	char *data;

	if (b->error)
		return false;
	if (__builtin_add_overflow(b->len, n, &want) ||
	    (b->cap && want > b->cap) || want > PTRDIFF_MAX / 2) {
		b->error = -E2BIG;
		return false;
	}
	if (want < b->size)
		return true;
	size = b->size ? b->size : 64;
	while (size <= want)
		size *= 2;
	data = realloc(b->data, size);
	if (!data) {
		b->error = -ENOMEM;
		return false;
	}
	b->data = data;
	b->size = size;
	return true;
}

/*
 * Makes room for n more bytes and a NUL. len < size always holds once there is
 * memory, so the subtraction cannot wrap; 0 - 0 refuses every n.
 */
static inline bool buf_grow(struct buf *b, size_t n)
{
	if (n < b->size - b->len && !b->cap && !b->error)
		return true;
	return buf_grow_slow(b, n);
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	if (!buf_grow(b, n))
		return;
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_putc(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void buf_puts(struct buf *b, const char *c)
{
	buf_put(b, c, strlen(c));
}

void buf_put_u64(struct buf *b, uint64_t v)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_put(b, text + at, sizeof(text) - at);
}

void buf_put_str(struct buf *b, struct str s)
{
	buf_put(b, s.p, s.n);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	if (!buf_grow(b, 0))
		return;
	va_copy(again, ap);
	n = vsnprintf(b->data + b->len, b->size - b->len, fmt, ap);
	if (n < 0) {
		b->error = -EINVAL;
	} else if ((size_t)n < b->size - b->len) {
		/* It fitted the allocation; the cap may be lower. */
		if (buf_grow(b, (size_t)n))
			b->len += (size_t)n;
	} else if (buf_grow(b, (size_t)n)) {
		(void)vsnprintf(b->data + b->len, b->size - b->len, fmt, again);
		b->len += (size_t)n;
	}
	b->data[b->len] = '\0';
	va_end(again);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

char *buf_reserve(struct buf *b, size_t n)
{
	return buf_grow(b, n) ? b->data + b->len : NULL;
}

void buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
	} else {
		memmove(b->data, b->data + n, b->len - n);
		b->len -= n;
	}
	if (b->data)
		b->data[b->len] = '\0';
}

const char *buf_cstr(const struct buf *b)
{
	return b->data ? b->data : "";
}

struct str buf_str(const struct buf *b)
{
	return (struct str){ buf_cstr(b), b->len };
}

char *buf_take(struct buf *b)
{
	char *data;

	if (b->error || !buf_grow(b, 0))
		return NULL;
	b->data[b->len] = '\0';
	data = TAKE(b->data);
	b->len = 0;
	b->size = 0;
	return data;
}

void buf_put_escaped(struct buf *b, struct str s)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c < 0x7f && c != '\\') {
			buf_putc(b, (char)c);
		} else {
			char out[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

			buf_put(b, out, sizeof(out));
		}
	}
}

static bool steers_terminal(struct str s, size_t i)
{
	unsigned char c = (unsigned char)s.p[i];
	unsigned char next = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;

	if (c < 0x20 || c == 0x7f)
		return c != '\n' && c != '\t';
	/* U+0080 to U+009F, whole; a byte of it alone does nothing in UTF-8 */
	return c == 0xc2 && next >= 0x80 && next <= 0x9f;
}

void buf_put_plain(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (steers_terminal(s, i))
			buf_printf(b, "\\x%02x", (unsigned char)s.p[i]);
		else
			buf_putc(b, s.p[i]);
	}
}

bool str_utf8_steers(const char *p, size_t n)
{
	const unsigned char *c = (const unsigned char *)p;

	if (n == 2) /* U+0080 to U+009F */
		return c[0] == 0xc2 && c[1] <= 0x9f;
	if (n != 3 || c[0] != 0xe2)
		return false;
	if (c[1] == 0x80) /* U+2028 to U+202E */
		return c[2] >= 0xa8 && c[2] <= 0xae;
	return c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9; /* U+2066 to 9 */
}

void buf_put_name(struct buf *b, struct str name)
{
	while (name.n) {
		unsigned char c = (unsigned char)name.p[0];
		size_t n = c < 0x80 ? 1 : str_utf8_len(name);

		if (n == 0 || c < 0x20 || c == 0x7f)
			buf_printf(b, "\\x%02x", c);
		else if (!str_utf8_steers(name.p, n))
			buf_put(b, name.p, n);
		else
			for (size_t i = 0; i < n; i++)
				buf_printf(b, "\\x%02x",
					   (unsigned char)name.p[i]);
		name = str_skip(name, n ? n : 1);
	}
}
