/* SPDX-License-Identifier: MIT */
/*
 * ring_sink.h - the sink of a worker: events encoded into its ring
 *
 * What a full ring means is decided here, for all workers. A denial waits for
 * room. So does anything else for wait_ms: a worker whose caller is stopped
 * anyway has the time, and what cannot be recorded then is refused, because
 * nothing has happened yet. A worker that serves many at once says 0: there
 * the event is dropped and the operation goes on. Whatever was not recorded is
 * counted, and the next event that fits is preceded by one of type
 * `events_dropped` with the count, so that the audit log declares its own gap.
 */
#ifndef CORE_RING_SINK_H
#define CORE_RING_SINK_H

#include <stdint.h>

#include "base/str.h"
#include "core/ring.h"
#include "core/sink.h"

/* For workers whose callers are stopped until they answer. */
#define RING_SINK_WAIT_MS 2000

struct ring_sink {
	struct sink sink;      /* hand out &ring_sink.sink */
	struct ring *ring;     /* borrowed */
	struct str session_id; /* borrowed */
	struct buf scratch;    /* reused for every event */
	uint64_t gap;          /* dropped and not declared yet */
	int wait_ms;           /* for room, also for permissions */
};

/* ring and session_id are borrowed until ring_sink_done(). One thread emits. */
void ring_sink_init(struct ring_sink *s, struct ring *ring,
		    struct str session_id, int wait_ms);
void ring_sink_done(struct ring_sink *s);

#endif
