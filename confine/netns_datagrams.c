/* SPDX-License-Identifier: MIT */
/*
 * netns_datagrams.c - the datagrams of a namespace, and who opens their ways
 *
 * UDP has no way out of a namespace, but to the places that the policy's rules
 * name: for these there is a route to our socket, and for all others EACCES
 * from the kernel. The routes change with the policy. The process that has the
 * socket reads what commands send, so it is the last that should be able to
 * change them: the child that made the namespace stays, with CAP_NET_ADMIN and
 * nothing else, and is told the places over a socket. What it is told can only
 * lead more datagrams to whoever tells it.
 *
 *	netproxy                            keeper
 *	  | struct netns_place[n] ----------->| routes
 *	  |<-------------------------- int32_t|
 *	  | closes its end, or dies           | exits
 *
 * An answer must come from the address and port that were asked, which only a
 * raw socket can say (netproxy/datagrams.c); so these are made here, too.
 */
#include <errno.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "confine/caps.h"
#include "confine/netns.h"

#define TRIAL_MS   3000
#define KEEPER_FD  3
#define TRIAL_PORT 9
#ifndef IP_RECVORIGDSTADDR
#	define IP_RECVORIGDSTADDR 20
#endif
#ifndef IPV6_RECVORIGDSTADDR
#	define IPV6_RECVORIGDSTADDR 74
#endif

ssize_t netns_recv(int udp, void *bytes, size_t room, struct addr *ret_from,
		   uint16_t *ret_from_port, struct addr *ret_to,
		   uint16_t *ret_to_port)
{
	_Alignas(struct cmsghdr) char control[256];
	struct sockaddr_storage from;
	struct iovec iov = { bytes, room };
	struct msghdr m = { .msg_name = &from,
			    .msg_namelen = sizeof(from),
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(udp, &m, MSG_DONTWAIT);
	bool known = false;

	if (n < 0)
		return -errno;
	if (addr_from_sockaddr(&from, m.msg_namelen, ret_from, ret_from_port))
		return -EPROTO;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		bool wanted = (c->cmsg_level == IPPROTO_IP &&
			       c->cmsg_type == IP_RECVORIGDSTADDR) ||
			      (c->cmsg_level == IPPROTO_IPV6 &&
			       c->cmsg_type == IPV6_RECVORIGDSTADDR);

		if (wanted &&
		    addr_from_sockaddr(CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0),
				       ret_to, ret_to_port) == 0)
			known = true;
	}
	return known ? n : -EPROTO;
}

/* --- inside: can it be done here? --- */

static int receive_trial(const struct netns *ns, const struct netns_place *p)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(p->first) };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd wait[2] = { { .fd = ns->udp, .events = POLLIN },
				  { .fd = fd } }; /* or it comes back */
	struct addr from, got;
	uint16_t from_port, port;
	char byte;

	memcpy(&to.sin_addr, p->net.b + 12, 4);
	if (fd < 0 || connect(fd, (const void *)&to, sizeof(to)) < 0 ||
	    send(fd, "!", 1, MSG_DONTWAIT) != 1 ||
	    poll(wait, 2, TRIAL_MS) <= 0 ||
	    netns_recv(ns->udp, &byte, 1, &from, &from_port, &got, &port) != 1)
		return -EOPNOTSUPP;
	return port == p->first && memcmp(got.b, p->net.b, sizeof(got.b)) == 0
		       ? 0
		       : -EPROTO;
}

static int try_capture(const struct netns *ns)
{
	struct netns_place p = { .first = TRIAL_PORT,
				 .last = TRIAL_PORT,
				 .bits = 128 };
	int r;

	addr_from_v4(htonl(0xc0000202U), &p.net); /* 192.0.2.2: nobody's */
	r = netns_set_places(&p, 1);
	if (r == 0)
		r = receive_trial(ns, &p);
	(void)netns_set_places(NULL, 0);
	return r;
}

static int open_raw(int family)
{
	return socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		      IPPROTO_RAW);
}

static void close_all(struct netns *ns)
{
	int *all[] = { &ns->udp, &ns->raw4, &ns->raw6 };

	for (size_t i = 0; i < 3; i++) {
		if (*all[i] >= 0)
			(void)close(*all[i]);
		*all[i] = -1;
	}
}

void netns_open_datagrams(struct netns *ns)
{
	const int one = 1;
	int r;

	ns->udp = netns_open_any(SOCK_DGRAM, NETNS_UDP_PORT);
	ns->raw4 = open_raw(AF_INET);
	ns->raw6 = open_raw(AF_INET6);
	r = ns->udp < 0 || ns->raw4 < 0 ? -EOPNOTSUPP : 0;
	if (r == 0 && setsockopt(ns->udp, IPPROTO_IP, IP_RECVORIGDSTADDR, &one,
				 sizeof(one)) < 0)
		r = -errno;
	(void)setsockopt(ns->udp, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, &one,
			 sizeof(one)); /* no IPv6: nothing comes by it */
	if (r == 0)
		r = try_capture(ns);
	if (r < 0)
		close_all(ns);
}

/* --- inside: the keeper --- */

/* Our parent's descriptors are none of ours; nor is what it can do. */
static int shed(int sock)
{
	if (sock != KEEPER_FD && dup2(sock, KEEPER_FD) < 0)
		return -errno;
	if (syscall(SYS_close_range, KEEPER_FD + 1U, ~0U, 0) < 0) {
		for (int fd = KEEPER_FD + 1; fd < 4096; fd++)
			(void)close(fd); /* before 5.9: all that are open yet */
	}
	return caps_restrict(UINT64_C(1) << CAP_NET_ADMIN);
}

void netns_keep(int sock)
{
	static struct netns_place places[NETNS_PLACES];

	(void)alarm(0);
	if (shed(sock) < 0)
		return;
	for (;;) {
		ssize_t n = recv(KEEPER_FD, places, sizeof(places), 0);
		int32_t r = -EBADMSG;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		/* one that says nothing: no place */
		if (n == 1)
			r = netns_set_places(NULL, 0);
		else if ((size_t)n % sizeof(*places) == 0)
			r = netns_set_places(places,
					     (size_t)n / sizeof(*places));
		if (send(KEEPER_FD, &r, sizeof(r), MSG_NOSIGNAL) < 0)
			return;
	}
}

/* --- outside --- */

int netns_open_places(struct netns *ns, const struct netns_place *p, size_t n)
{
	struct netns_place all[2] = { { .last = UINT16_MAX },
				      { .last = UINT16_MAX, .bits = 96 } };
	size_t size;
	int32_t r;

	if (ns->udp < 0 || ns->keeper < 0)
		return -EOPNOTSUPP;
	all[0].first = all[1].first = 1;
	memset(all[1].net.b + 10, 0xff, 2);
	if (n > NETNS_PLACES) {
		p = all;
		n = 2;
	}
	size = n ? n * sizeof(*p) : 1;
	if (send(ns->keeper, n ? (const void *)p : "", size, MSG_NOSIGNAL) !=
	    (ssize_t)size)
		return -EPIPE;
	if (recv(ns->keeper, &r, sizeof(r), 0) != sizeof(r))
		return -EPIPE;
	return r;
}
