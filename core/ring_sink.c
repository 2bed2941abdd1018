/* SPDX-License-Identifier: MIT */
/*
 * ring_sink.c - the sink of a worker
 */
#include "core/ring_sink.h"

#include <errno.h>

#include "core/event.h"

#define DENIAL_WAIT_MS 5000

static int put(struct ring_sink *s, const struct event *e, bool must_keep,
	       int timeout_ms)
{
	int r;

	buf_reset(&s->scratch);
	r = event_encode(e, &s->scratch);
	if (r < 0)
		return r;
	return ring_write(s->ring, buf_str(&s->scratch), must_keep, timeout_ms);
}

/*
 * Declares what was dropped, once there is room: an ordinary record's room
 * before an ordinary event, so that gaps do not fill what is kept free for
 * denials. Never waits. False while the gap is still undeclared.
 */
static bool declare_gap(struct ring_sink *s, bool keep)
{
	struct event e = EVENT_INIT("events_dropped");

	s->gap += ring_take_dropped(s->ring);
	if (s->gap == 0)
		return true;
	e.session_id = s->session_id;
	event_add_int(&e, "count", (int64_t)s->gap);
	if (put(s, &e, keep, 0) < 0) {
		/* The declaration itself is no lost event. */
		(void)ring_take_dropped(s->ring);
		return false;
	}
	s->gap = 0;
	return true;
}

static int emit(void *arg, const struct event *e)
{
	struct ring_sink *s = arg;
	bool denial = event_is_denial(e);
	bool keep = denial || s->wait_ms > 0;
	int r;

	if (!declare_gap(s, keep) && !keep) {
		s->gap++;
		return 0;
	}
	r = put(s, e, keep, denial ? DENIAL_WAIT_MS : s->wait_ms);
	/* a dropped permission is counted, not refused: the command goes on */
	return r == -EAGAIN && !keep ? 0 : r;
}

void ring_sink_init(struct ring_sink *s, struct ring *ring,
		    struct str session_id, int wait_ms)
{
	*s = (struct ring_sink){ .ring = ring,
				 .session_id = session_id,
				 .wait_ms = wait_ms };
	s->sink = (struct sink){ .emit = emit, .arg = s };
}

void ring_sink_done(struct ring_sink *s)
{
	buf_done(&s->scratch);
}
