/* SPDX-License-Identifier: MIT */
/*
 * utf8.h - one code point at a time, never failing
 *
 * A byte that starts no well-formed sequence (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF) counts as one U+FFFD of length 1, so
 * that every byte string has exactly one reading.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define UTF8_INVALID 0xFFFDU
#define UTF8_MAX     0x10FFFFU

/* Reads the code point at s.p[0]; s.n must be > 0. Return: its length. */
static inline size_t utf8_next(struct str s, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s.p;
	uint32_t c = p[0];
	size_t n;

	if (c < 0x80) {
		*ret = c;
		return 1;
	}
	n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
	*ret = UTF8_INVALID;
	if (c < 0xC2 || c > 0xF4 || s.n < n)
		return 1;
	c &= 0x7FU >> n;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 1;
		c = c << 6 | (p[i] & 0x3FU);
	}
	if (c < least[n] || c > UTF8_MAX || (c >= 0xD800 && c <= 0xDFFF))
		return 1;
	*ret = c;
	return n;
}

/* Writes code point c, at most 4 bytes, no NUL. Return: its length. */
static inline size_t utf8_put(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | (c >> 6));
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | (c >> 12));
		out[1] = (char)(0x80 | ((c >> 6) & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | (c >> 18));
	out[1] = (char)(0x80 | ((c >> 12) & 0x3f));
	out[2] = (char)(0x80 | ((c >> 6) & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

#endif
