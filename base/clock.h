/* SPDX-License-Identifier: MIT */
/*
 * clock.h - time stamps and random identifiers
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/str.h"

/* CLOCK_REALTIME and CLOCK_MONOTONIC; they cannot fail. */
int64_t clock_realtime_ns(void);
uint64_t clock_monotonic_ns(void);
/* RFC 3339 UTC, trailing zeros of the fraction trimmed, e.g.
 * 2026-01-01T00:00:00.123Z (interface reference section 0). */
void clock_format_rfc3339(struct buf *b, int64_t unix_ns);
/* Accepts RFC 3339 with any offset. 0 or -EINVAL. */
int clock_parse_rfc3339(struct str s, int64_t *ret_unix_ns);

#define UUID_LEN 36
/* Random (version 4) UUID from getrandom(2), NUL-terminated. */
void uuid4(char out[UUID_LEN + 1]);

#endif
