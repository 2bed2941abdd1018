/* SPDX-License-Identifier: MIT */
/*
 * datagrams.h - UDP of a captured namespace, to where the policy's rules allow
 *
 * Each pair of a command's port and a place is a flow: judged once, and again
 * when the policy changes; then led through a socket of its own outside.
 */
#ifndef NETPROXY_DATAGRAMS_H
#define NETPROXY_DATAGRAMS_H

#include "base/loop.h"
#include "confine/netns.h"
#include "netproxy/ask_net.h"
#include "netproxy/gate.h"
#include "netproxy/packet.h"
#include "netproxy/rate.h"

#define DATAGRAMS_MAX_FLOWS 512
#define DATAGRAMS_BUCKETS   256

struct flow;

struct datagrams {
	struct loop *loop; /* these five borrowed */
	const struct gate *gate;
	struct asker *asker;
	struct rate *rate;
	struct netns *ns;
	struct loop_source *source, *timer;
	struct flow *buckets[DATAGRAMS_BUCKETS];
	struct flow *oldest, *newest; /* by their last datagram */
	size_t n;
	/* scratch: what was read, and a packet to be written */
	char in[65536];
	unsigned char out[PACKET_ROOM];
};

/* The five pointers are set. Without ns->udp nothing comes. 0 or -errno. */
int datagrams_start(struct datagrams *d);
/* After a change of policy: opens what it could allow, ends the flows that it
 * does not. */
int datagrams_judge_again(struct datagrams *d);
void datagrams_stop(struct datagrams *d);

#endif
