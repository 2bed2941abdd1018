/* SPDX-License-Identifier: MIT */
/*
 * heritage.h - what a worker program is born with
 *
 * The server starts a worker with exactly these descriptors open and nothing
 * else above 2; facts follow in the first channel message (PROTO_HELLO).
 */
#ifndef CORE_HERITAGE_H
#define CORE_HERITAGE_H

#include "base/loop.h"
#include "core/channel.h"
#include "core/ring.h"

enum heritage_fd {
	HERITAGE_CHANNEL = 3,
	HERITAGE_RING = 4,
	HERITAGE_RING_EVENT = 5,
	HERITAGE_POLICY = 6, /* sealed memfd: compiled policy image */
	HERITAGE_END = 7,
};

/* Exit status of a worker that wants to be started again, with new rights. */
#define HERITAGE_AGAIN 75 /* EX_TEMPFAIL of sysexits.h */

/*
 * Handles one message of the server's; it may take descriptors out of m. A
 * negative return ends the worker: the two no longer understand each other.
 */
typedef int heritage_fn(void *arg, struct channel_msg *m);

struct heritage {
	struct channel *channel; /* owned */
	struct ring *ring;       /* owned */
	int policy_fd;           /* owned */
	/* set by heritage_serve() */
	heritage_fn *fn;
	void *arg;
	struct loop_source *source;
};

/*
 * Adopts the fixed descriptors (checks that they are what they should be, sets
 * CLOEXEC) and closes every other one above 2. -EBADF if one is missing: the
 * program was started by hand.
 */
int heritage_adopt(struct heritage *ret);
void heritage_done(struct heritage *h);

/*
 * Has the loop hand every message to fn. When the server is gone the loop ends
 * with 0, after a bad message with 1. h must stay where it is. 0 or -errno.
 */
int heritage_serve(struct heritage *h, struct loop *l, heritage_fn *fn,
		   void *arg);

/*
 * Parent side: between fork and exec, moves the four descriptors to their
 * places and closes the rest. Async-signal-safe. 0 or -errno.
 */
int heritage_bequeath(int channel, int ring, int ring_event, int policy);

#endif
