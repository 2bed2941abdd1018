/* SPDX-License-Identifier: MIT */
/*
 * netlink.h - requests to the kernel's network configuration
 *
 * Several requests are collected and sent as one datagram; each that asks for
 * it is acknowledged. Bounded: NETLINK_ROOM bytes at a time.
 */
#ifndef CONFINE_NETLINK_H
#define CONFINE_NETLINK_H

#include <stddef.h>
#include <stdint.h>

#define NETLINK_ROOM 8192

struct netlink {
	int error;           /* -ENOBUFS once something did not fit */
	unsigned int wanted; /* acknowledgements */
	size_t n, message;   /* bytes so far; where the open message begins */
	_Alignas(4) unsigned char bytes[NETLINK_ROOM];
};

/* Opens a message with its fixed header. flags: NLM_F_*; with NLM_F_ACK it is
 * counted. Closes the one before. */
void netlink_begin(struct netlink *n, uint16_t type, uint16_t flags,
		   const void *header, size_t len);
void netlink_put(struct netlink *n, uint16_t attribute, const void *data,
		 size_t len);
void netlink_put_u32(struct netlink *n, uint16_t attribute, uint32_t value);
/* In network order, as nf_tables wants numbers. */
void netlink_put_be32(struct netlink *n, uint16_t attribute, uint32_t value);
void netlink_put_text(struct netlink *n, uint16_t attribute, const char *text);
/* Opens a nest; returns what netlink_unnest() takes. */
size_t netlink_nest(struct netlink *n, uint16_t attribute);
void netlink_unnest(struct netlink *n, size_t nest);

/*
 * Sends all and waits for every acknowledgement (at most a second each).
 * protocol: NETLINK_ROUTE, NETLINK_NETFILTER. Empties n.
 * 0, or -errno: the first refusal.
 */
int netlink_talk(struct netlink *n, int protocol);

#endif
