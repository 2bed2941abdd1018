/* SPDX-License-Identifier: MIT */
/*
 * ring_sink.h - the sink of a worker: events encoded into its ring
 *
 * A denial waits for room; anything else is dropped when the ring is full, and
 * the next event that fits is preceded by one of type `events_dropped` with
 * the count, so that the audit log declares its own gap.
 */
#ifndef CORE_RING_SINK_H
#define CORE_RING_SINK_H

#include <stdint.h>

#include "base/str.h"
#include "core/ring.h"
#include "core/sink.h"

struct ring_sink {
	struct sink sink;      /* hand out &ring_sink.sink */
	struct ring *ring;     /* borrowed */
	struct str session_id; /* borrowed */
	struct buf scratch;    /* reused for every event */
	uint64_t gap;          /* dropped and not declared yet */
};

/* ring and session_id are borrowed until ring_sink_done(). One thread emits. */
void ring_sink_init(struct ring_sink *s, struct ring *ring,
		    struct str session_id);
void ring_sink_done(struct ring_sink *s);

#endif
