/* SPDX-License-Identifier: MIT */
/*
 * heritage.h - what a worker program is born with
 *
 * The server starts a worker with exactly these descriptors open and nothing
 * else above 2; facts follow in the first channel message (PROTO_HELLO).
 */
#ifndef CORE_HERITAGE_H
#define CORE_HERITAGE_H

#include "core/channel.h"
#include "core/ring.h"

enum heritage_fd {
	HERITAGE_CHANNEL = 3,
	HERITAGE_RING = 4,
	HERITAGE_RING_EVENT = 5,
	HERITAGE_POLICY = 6, /* sealed memfd: compiled policy image */
	HERITAGE_END = 7,
};

struct heritage {
	struct channel *channel; /* owned */
	struct ring *ring;       /* owned */
	int policy_fd;           /* owned */
};

/*
 * Adopts the fixed descriptors (checks that they are what they should be, sets
 * CLOEXEC) and closes every other one above 2. -EBADF if one is missing: the
 * program was started by hand.
 */
int heritage_adopt(struct heritage *ret);
void heritage_done(struct heritage *h);

/*
 * Parent side: between fork and exec, moves the four descriptors to their
 * places and closes the rest. Async-signal-safe. 0 or -errno.
 */
int heritage_bequeath(int channel, int ring, int ring_event, int policy);

#endif
