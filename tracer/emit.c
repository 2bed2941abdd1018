/* SPDX-License-Identifier: MIT */
/*
 * emit.c - events into the ring
 *
 * A full ring is back-pressure: the operation has not happened yet and its
 * caller is stopped anyway. What a wait in vain means is core/ring_sink's to
 * say; the guard then denies.
 */
#include "tracer/tracer.h"

void emit_init(struct tracer *t)
{
	ring_sink_init(&t->ring_sink, t->heritage.ring, str_from(t->session_id),
		       RING_SINK_WAIT_MS);
	t->sink = t->ring_sink.sink;
}
