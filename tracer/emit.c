/* SPDX-License-Identifier: MIT */
/*
 * emit.c - events into the ring
 *
 * A full ring is back-pressure, not loss: the writer waits, because the
 * operation has not happened yet and its caller is stopped anyway. Only a
 * reader that does not move for EMIT_WAIT_MS makes the write fail, and then
 * the guard denies.
 */
#include <errno.h>

#include "core/event.h"
#include "core/ring.h"
#include "tracer/tracer.h"

#define EMIT_WAIT_MS 2000

static int emit(void *arg, const struct event *e)
{
	struct tracer *t = arg;
	int r;

	buf_reset(&t->scratch);
	r = event_encode(e, &t->scratch);
	if (r < 0)
		return r;
	return ring_write(t->heritage.ring, buf_str(&t->scratch),
			  /* must_keep */ true, EMIT_WAIT_MS);
}

void emit_init(struct tracer *t)
{
	t->sink = (struct sink){ .emit = emit, .arg = t };
}
