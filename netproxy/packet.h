/* SPDX-License-Identifier: MIT */
/*
 * packet.h - IP packets for a raw socket: an answer by UDP, or that there is none
 *
 * Pure. Both addresses are of one family, IPv4 in the mapped form.
 */
#ifndef NETPROXY_PACKET_H
#define NETPROXY_PACKET_H

#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"

#define PACKET_ROOM (40U + 8U + 65535U)

/* Who sent a datagram, and to whom. */
struct packet_ends {
	struct addr from, to;
	uint16_t from_port, to_port;
};

/*
 * The datagram e->from to e->to into p (PACKET_ROOM). Its length, or 0: longer
 * than a datagram can be, or of two families.
 */
size_t packet_put_udp(const struct packet_ends *e, struct str payload,
		      unsigned char *p);
/* "Port unreachable", from e->to to e->from, whose datagram was e. */
size_t packet_put_refusal(const struct packet_ends *e, unsigned char *p);

#endif
