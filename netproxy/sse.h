/* SPDX-License-Identifier: MIT */
/*
 * sse.h - server-sent events out of a stream of bytes
 *
 * Reads along: the bytes themselves go on to the client untouched. An event
 * over SSE_MAX_EVENT is skipped and counted.
 */
#ifndef NETPROXY_SSE_H
#define NETPROXY_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define SSE_MAX_EVENT (1U << 20)

/* Views are valid during the call. name is "" when the event has none. */
typedef void sse_fn(void *arg, struct str name, struct str data);

struct sse {
	struct buf line; /* begun, not ended */
	struct buf name, data;
	bool has_data, after_cr, too_long;
	size_t skipped;
};

void sse_done(struct sse *s);
/* Calls fn for each event that ends in bytes. */
void sse_feed(struct sse *s, struct str bytes, sse_fn *fn, void *arg);

#endif
