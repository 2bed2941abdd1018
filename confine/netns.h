/* SPDX-License-Identifier: MIT */
/*
 * netns.h - a network namespace whose every connection ends at our sockets
 *
 * It has a loopback device and nothing else: no way out exists, so a mistake
 * of ours closes. What its processes send to any address arrives at sockets
 * that were made in it and are ours:
 *
 *	TCP, any address, any port but 53 --nft---------> tcp
 *	TCP and UDP, any address, port 53 --------------> dns_tcp, dns_udp
 *	127.0.0.1:proxy_port ---------------------------> proxy
 *	loopback ------------------------> whoever listens in the namespace
 *	all other protocols ------------------------------> EACCES, at once
 *
 * netns_wanted() of an accepted connection is the address that was wanted.
 * Theory at the top of netns.c.
 */
#ifndef CONFINE_NETNS_H
#define CONFINE_NETNS_H

#include <stdint.h>

#include "base/addr.h"

/* What captured connections are sent to; nobody inside may bind it. */
#define NETNS_TCP_PORT 1

struct netns {
	int net;  /* owned: the namespace */
	int user; /* owned: the user namespace around it; -1 = ours */
	/* owned, listening (but dns_udp), non-blocking */
	int tcp, dns_tcp, dns_udp, proxy;
};

#define NETNS_NONE                     \
	(struct netns)                 \
	{                              \
		-1, -1, -1, -1, -1, -1 \
	}

/*
 * Makes a namespace, or with ret->net >= 0 opens the sockets anew in that one
 * (their last owner is gone; net and user stay as they are). Tried before it
 * is returned: a connection, a DNS query and a datagram from inside must end
 * where they should. proxy_port: of 127.0.0.1, inside. own4: four bytes, the
 * address that commands have and cannot reach elsewhere; NULL = nobody's.
 * 0, or -errno with *ret unchanged: -EPERM no privilege and no user
 * namespaces, -ENOENT or -EOPNOTSUPP the kernel has neither nft tproxy
 * nor redirect, -ETIMEDOUT,
 * -EPROTO the trial failed. Forks, and waits for the child.
 */
int netns_open(struct netns *ret, uint16_t proxy_port, const uint8_t *own4);
void netns_close(struct netns *ns);

/*
 * Enters the namespaces; -1 = leave that one. What setns() into a user
 * namespace gives in capabilities is dropped again. Async-signal-safe; for a
 * process with one thread. 0 or -errno.
 */
int netns_enter(int user, int net);

/* Where a connection that ->tcp accepted was meant to go; -errno. */
int netns_wanted(int fd, struct addr *ret, uint16_t *ret_port);

/* netns_rules.c: run inside a new namespace, with all capabilities there. */
enum netns_how {
	NETNS_BY_TPROXY = 0,
	NETNS_BY_REDIRECT, /* NAT */
};
int netns_configure(const uint8_t *own4);
/* In the place of the one before, if any. -ENOENT, -EOPNOTSUPP: not here. */
int netns_filter(const uint8_t *own4, enum netns_how how);

#endif
