/* SPDX-License-Identifier: MIT */
/*
 * packet.c - IP packets for a raw socket (RFC 791, 768, 792, 8200, 4443)
 */
#include "netproxy/packet.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#define V4_HEAD   20U
#define V6_HEAD   40U
#define UDP_HEAD  8U
#define ICMP_HEAD 8U
#define HOPS      64

static void put16(unsigned char *p, size_t v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
}

static uint32_t sum(uint32_t so_far, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2) {
		so_far += (uint32_t)p[i] << 8 | p[i + 1];
		so_far = (so_far & 0xffff) + (so_far >> 16);
	}
	if (n % 2) {
		so_far += (uint32_t)p[n - 1] << 8;
		so_far = (so_far & 0xffff) + (so_far >> 16);
	}
	return so_far;
}

/* Over the pseudo header of p's packet, and what follows its head. */
static uint16_t checksum(const unsigned char *p, bool v4, uint8_t protocol,
			 size_t n)
{
	size_t head = v4 ? V4_HEAD : V6_HEAD;
	uint32_t s = sum(0, p + (v4 ? 12 : 8), v4 ? 8 : 32);

	s = sum(s + protocol + (uint32_t)n, p + head, n);
	s = (s & 0xffff) + (s >> 16);
	s = ~((s & 0xffff) + (s >> 16)) & 0xffff;
	return (uint16_t)(s ? s : 0xffff); /* 0 says that there is none */
}

/* The kernel fills in the checksum of an IPv4 head; not of a quoted one, which
 * nobody looks at. Return: the head's length. */
static size_t put_head(unsigned char *p, bool v4, const struct addr *from,
		       const struct addr *to, uint8_t protocol, size_t n)
{
	memset(p, 0, V6_HEAD);
	if (v4) {
		p[0] = 0x45;
		put16(p + 2, V4_HEAD + n);
		p[8] = HOPS;
		p[9] = protocol;
		memcpy(p + 12, from->b + 12, 4);
		memcpy(p + 16, to->b + 12, 4);
		return V4_HEAD;
	}
	p[0] = 0x60;
	put16(p + 4, n);
	p[6] = protocol;
	p[7] = HOPS;
	memcpy(p + 8, from->b, sizeof(from->b));
	memcpy(p + 24, to->b, sizeof(to->b));
	return V6_HEAD;
}

static void put_udp_head(unsigned char *p, const struct packet_ends *e,
			 size_t n)
{
	put16(p, e->from_port);
	put16(p + 2, e->to_port);
	put16(p + 4, n);
	put16(p + 6, 0);
}

size_t packet_put_udp(const struct packet_ends *e, struct str payload,
		      unsigned char *p)
{
	bool v4 = addr_is_v4(&e->from);
	size_t n = UDP_HEAD + payload.n, head;

	if (v4 != addr_is_v4(&e->to) || n + (v4 ? V4_HEAD : 0) > UINT16_MAX)
		return 0;
	head = put_head(p, v4, &e->from, &e->to, IPPROTO_UDP, n);
	put_udp_head(p + head, e, n);
	memcpy(p + head + UDP_HEAD, payload.p ? payload.p : "", payload.n);
	put16(p + head + 6, checksum(p, v4, IPPROTO_UDP, n));
	return head + n;
}

size_t packet_put_refusal(const struct packet_ends *e, unsigned char *p)
{
	bool v4 = addr_is_v4(&e->from);
	size_t head, quoted, n;
	unsigned char *icmp;

	if (v4 != addr_is_v4(&e->to))
		return 0;
	quoted = v4 ? V4_HEAD : V6_HEAD;
	n = ICMP_HEAD + quoted + UDP_HEAD;
	head = put_head(p, v4, &e->to, &e->from,
			v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, n);
	icmp = p + head;
	memset(icmp, 0, ICMP_HEAD);
	icmp[0] = v4 ? 3 : 1; /* destination unreachable: */
	icmp[1] = v4 ? 3 : 4; /* port */
	(void)put_head(icmp + ICMP_HEAD, v4, &e->from, &e->to, IPPROTO_UDP,
		       UDP_HEAD);
	put_udp_head(icmp + ICMP_HEAD + quoted, e, UDP_HEAD);
	if (v4)
		put16(icmp + 2, ~sum(0, icmp, n) & 0xffff);
	else
		put16(icmp + 2, checksum(p, v4, IPPROTO_ICMPV6, n));
	return head + n;
}
