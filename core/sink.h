/* SPDX-License-Identifier: MIT */
/*
 * sink.h - where events go
 *
 * emit() returns 0 when the event is safe from the death of this process (it
 * is in the ring or the store), else -errno. A caller that gets an error
 * denies the operation it was about to let through.
 */
#ifndef CORE_SINK_H
#define CORE_SINK_H

struct event;

struct sink {
	int (*emit)(void *arg, const struct event *e);
	void *arg;
};

static inline int sink_emit(const struct sink *s, const struct event *e)
{
	return s->emit(s->arg, e);
}

#endif
