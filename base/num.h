/* SPDX-License-Identifier: MIT */
/*
 * num.h - the one place where text becomes a number
 *
 * All parsers want the whole string, refuse leading/trailing junk and
 * overflow, and return 0 or -EINVAL / -ERANGE; *ret is written on success only.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdint.h>

#include "base/str.h"

/* The value of a hexadecimal digit of either case, or -1. */
static inline int num_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int num_parse_u64(struct str s, uint64_t *ret);
int num_parse_i64(struct str s, int64_t *ret);
/* Decimal within [min, max]. */
int num_parse_range(struct str s, int64_t min, int64_t max, int64_t *ret);
int num_parse_octal(struct str s, uint32_t *ret);
/* Hexadecimal digits of either case, without 0x. */
int num_parse_hex(struct str s, uint64_t *ret);
/*
 * Go-style duration ("1h30m", "250ms", "1.5s", "-5s", "0"), extended with d
 * and w; result in nanoseconds. A bare number other than 0 is -EINVAL.
 */
int num_parse_duration(struct str s, int64_t *ret_ns);
/* Go's time.Duration text: "1m5s", "1.5s", "0s". */
void num_format_duration(struct buf *b, int64_t ns);
/*
 * Byte size: decimal integer, `_` ignored, optional suffix KB MB GB TB (1000^n)
 * or KiB MiB GiB TiB (1024^n), case-insensitive, optional space before it.
 */
int num_parse_size(struct str s, uint64_t *ret_bytes);

#endif
