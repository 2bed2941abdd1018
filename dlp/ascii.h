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

static const uint8_t ascii_kinds[256] = {
	['0' ... '9'] = ASCII_DIGIT | ASCII_HEX,
	['A' ... 'F'] = ASCII_UPPER | ASCII_HEX,
	['G' ... 'Z'] = ASCII_UPPER,
	['a' ... 'f'] = ASCII_LOWER | ASCII_HEX,
	['g' ... 'z'] = ASCII_LOWER,
};

static inline bool ascii_is(unsigned char c, enum ascii_kind kind)
{
	return (ascii_kinds[c] & (unsigned int)kind) != 0;
}

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

#endif
