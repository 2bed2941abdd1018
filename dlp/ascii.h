/* SPDX-License-Identifier: MIT */
/*
 * ascii.h - kinds of bytes by one table: asked for every byte of a candidate,
 * and the same in every locale
 */
#ifndef DLP_ASCII_H
#define DLP_ASCII_H

#include <stdbool.h>
#include <stdint.h>

enum ascii_kind {
	ASCII_DIGIT = 1,
	ASCII_LOWER = 2,
	ASCII_UPPER = 4,
	ASCII_HEX = 8,
	ASCII_ALPHA = ASCII_LOWER | ASCII_UPPER,
	ASCII_ALNUM = ASCII_DIGIT | ASCII_ALPHA,
};

extern const uint8_t ascii_kinds[256]; /* of enum ascii_kind */

static inline bool ascii_is(unsigned char c, enum ascii_kind kind)
{
	return (ascii_kinds[c] & (unsigned int)kind) != 0;
}

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

#endif
