/* SPDX-License-Identifier: MIT */
/*
 * ring_sink.c - the sink of a worker
 */
#include "core/ring_sink.h"

#include <errno.h>

#include "core/event.h"

#define DENIAL_WAIT_MS 5000

static int put(struct ring_sink *s, const struct event *e, bool must_keep)
{
	int r;

	buf_reset(&s->scratch);
	r = event_encode(e, &s->scratch);
	if (r < 0)
		return r;
	return ring_write(s->ring, buf_str(&s->scratch), must_keep,
			  must_keep ? DENIAL_WAIT_MS : 0);
}

static void declare_gap(struct ring_sink *s)
{
	struct event e = EVENT_INIT("events_dropped");
	uint64_t n = ring_take_dropped(s->ring);

	if (n == 0)
		return;
	e.session_id = s->session_id;
	event_add_int(&e, "count", (int64_t)n);
	(void)put(s, &e, true /* must_keep */);
}

static int emit(void *arg, const struct event *e)
{
	struct ring_sink *s = arg;
	bool denial = event_is_denial(e);
	int r;

	declare_gap(s);
	r = put(s, e, denial);
	/* a dropped permission is counted, not refused: the command goes on */
	return r == -EAGAIN && !denial ? 0 : r;
}

void ring_sink_init(struct ring_sink *s, struct ring *ring,
		    struct str session_id)
{
	*s = (struct ring_sink){ .ring = ring, .session_id = session_id };
	s->sink = (struct sink){ .emit = emit, .arg = s };
}

void ring_sink_done(struct ring_sink *s)
{
	buf_done(&s->scratch);
}
