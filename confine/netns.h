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
 *	UDP to what netns_open_places() names ----------> udp
 *	all other protocols ------------------------------> EACCES, at once
 *
 * netns_wanted() of an accepted connection is the address that was wanted.
 * Theory at the top of netns.c.
 */
#ifndef CONFINE_NETNS_H
#define CONFINE_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"

/* What captured connections, and datagrams, are sent to; nobody inside may bind
 * it. */
#define NETNS_TCP_PORT 1
#define NETNS_UDP_PORT 1
#define NETNS_PLACES   256

struct netns {
	int net;  /* owned: the namespace */
	int user; /* owned: the user namespace around it; -1 = ours */
	/* owned, listening (but dns_udp), non-blocking */
	int tcp, dns_tcp, dns_udp, proxy;
	/* owned: captured datagrams (netns_recv()), and what answers them;
	 * udp -1 = the kernel cannot capture them, raw6 -1 = no IPv6 */
	int udp, raw4, raw6;
	int keeper; /* owned: to the process that opens places; -1 */
	pid_t keeper_pid;
};

#define NETNS_INIT                                                             \
	{                                                                      \
		.net = -1, .user = -1, .tcp = -1, .dns_tcp = -1,               \
		.dns_udp = -1, .proxy = -1, .udp = -1, .raw4 = -1, .raw6 = -1, \
		.keeper = -1                                                   \
	}
#define NETNS_NONE ((struct netns)NETNS_INIT)

/* A network and ports of it; IPv4 in the mapped form. */
struct netns_place {
	struct addr net;
	uint16_t first, last;
	uint8_t bits; /* of 128 */
};

/*
 * Makes a namespace, or with ret->net >= 0 opens the sockets anew in that one
 * (their last owner is gone; net and user stay as they are). Tried before it
 * is returned: a connection, a DNS query and a datagram from inside must end
 * where they should. Datagrams have no place to go before netns_open_places();
 * where they cannot be captured udp is -1, which is no error. proxy_port: of 127.0.0.1, inside. own4: four bytes, the
 * address that commands have and cannot reach elsewhere; NULL = nobody's.
 * 0, or -errno with *ret unchanged: -EPERM no privilege and no user
 * namespaces, -ENOENT or -EOPNOTSUPP the kernel has neither nft tproxy
 * nor redirect, -ETIMEDOUT,
 * -EPROTO the trial failed. Forks; the child stays where datagrams can be
 * captured, and keeps nothing but CAP_NET_ADMIN.
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

/*
 * Datagrams to these places, and no others, arrive at ns->udp from now on. More
 * than NETNS_PLACES: all places are open. 0, -EOPNOTSUPP without ns->udp, or
 * -errno: none is open.
 */
int netns_open_places(struct netns *ns, const struct netns_place *p, size_t n);
/*
 * A captured datagram: who sent it, and where to. Bytes (more than room: cut
 * off), -EAGAIN, or -errno.
 */
ssize_t netns_recv(int udp, void *bytes, size_t room, struct addr *ret_from,
		   uint16_t *ret_from_port, struct addr *ret_to,
		   uint16_t *ret_to_port);

/* netns_datagrams.c: run inside. */
/* One socket for IPv4 and IPv6 where there is IPv6, non-blocking, that may have
 * any address as its own. */
int netns_open_any(int type, uint16_t port);
/* Fills udp, raw4, raw6 if a datagram can be captured. */
void netns_open_datagrams(struct netns *ns);
/* Serves netns_open_places() until sock is closed. */
void netns_keep(int sock);

/* netns_rules.c: run inside a new namespace, with all capabilities there. */
enum netns_how {
	NETNS_BY_TPROXY = 0,
	NETNS_BY_REDIRECT, /* NAT */
};
int netns_configure(const uint8_t *own4);
/* In the place of the one before, if any. -ENOENT, -EOPNOTSUPP: not here. */
int netns_filter(const uint8_t *own4, enum netns_how how);
/* In the place of the ones before. */
int netns_set_places(const struct netns_place *p, size_t n);

#endif
