/* SPDX-License-Identifier: MIT */
/*
 * decode_dial.c - connections made on the caller's socket
 *
 *	by address --loopback--> done at once
 *	           --blocking--> in a worker
 *	           --else------> started; the caller waits as it likes
 *	by proxy   connect, say where to (core/direct.h), wait for one byte
 *	near first by address; refused there: by proxy
 *
 * A connection to this host is made or refused before connect() returns,
 * unless the listener's queue is full: so it is tried here, with the time it
 * may take bounded, and no process is made for it. The proxy's answer comes
 * when its own dial has ended; until then the request waits on the loop.
 *
 * Events of the proxy know the port that a connection came from, not whose it
 * is. We know: the server is told before the first byte can be sent, because
 * the caller's connect() has not returned yet.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>

#include "base/addr.h"
#include "core/direct.h"
#include "tracer/net.h"

#define QUICK_US   20000
#define SLICE_NS   500000000ULL /* how often to see whether the caller lives */
#define MAX_SLICES 40

void net_point_home(struct net_call *n, uint16_t port)
{
	const int no = 0;

	memset(&n->addr, 0, sizeof(n->addr));
	if (n->domain == AF_INET) {
		n->addr.in.sin_family = AF_INET;
		n->addr.in.sin_port = htons(port);
		n->addr.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		n->addr_len = sizeof(n->addr.in);
		return;
	}
	n->addr.in6.sin6_family = AF_INET6;
	n->addr.in6.sin6_port = htons(port);
	n->addr.in6.sin6_addr.s6_addr[10] = 0xff;
	n->addr.in6.sin6_addr.s6_addr[11] = 0xff;
	n->addr.in6.sin6_addr.s6_addr[12] = 127;
	n->addr.in6.sin6_addr.s6_addr[15] = 1;
	n->addr_len = sizeof(n->addr.in6);
	/* of no use once bound to an IPv6 address: then it fails, denied */
	(void)setsockopt(n->sock, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
}

/* The port of the socket; a datagram socket that has none yet gets one. */
static uint16_t own_port(const struct net_call *n)
{
	struct sockaddr_storage s;
	socklen_t len = sizeof(s);
	struct addr a;
	uint16_t port = 0;

	for (int i = 0; i < 2; i++) {
		len = sizeof(s);
		if (getsockname(n->sock, (struct sockaddr *)&s, &len) < 0 ||
		    addr_from_sockaddr(&s, len, &a, &port) < 0)
			return 0;
		if (port || n->protocol != IPPROTO_UDP)
			break;
		memset((char *)&s + sizeof(s.ss_family), 0,
		       sizeof(s) - sizeof(s.ss_family));
		if (bind(n->sock, (const struct sockaddr *)&s, len) < 0)
			return 0;
	}
	return port;
}

void net_announce(struct net_call *n)
{
	struct event e = EVENT_INIT("net_client");
	uint16_t port;

	if (!n->announce || n->sock < 0)
		return;
	n->announce = false;
	port = own_port(n);
	if (!port)
		return;
	request_event(n->q, &e);
	event_add_int(&e, "client_port", port);
	event_add_str(&e, "transport",
		      n->protocol == IPPROTO_UDP ? STR("udp") : STR("tcp"));
	/* lost: the event will lack the command */
	(void)sink_emit(&n->q->tracer->sink, &e);
}

/* --- by address --- */

static int plain_connect(const struct net_call *n)
{
	return connect(n->sock, &n->addr.any, n->addr_len) < 0 ? -errno : 0;
}

static int64_t in_worker(struct net_call *n)
{
	return plain_connect(n);
}

/* -EINPROGRESS: the other side did not take it up in time. */
static int quick_connect(const struct net_call *n)
{
	const struct timeval brief = { .tv_usec = QUICK_US };
	struct timeval old = { 0 };
	socklen_t len = sizeof(old);
	bool bounded =
		n->blocking &&
		getsockopt(n->sock, SOL_SOCKET, SO_SNDTIMEO, &old, &len) == 0 &&
		setsockopt(n->sock, SOL_SOCKET, SO_SNDTIMEO, &brief,
			   sizeof(brief)) == 0;
	int r;

	if (n->blocking && !bounded)
		return -EINPROGRESS;
	r = plain_connect(n);
	if (bounded)
		(void)setsockopt(n->sock, SOL_SOCKET, SO_SNDTIMEO, &old,
				 sizeof(old));
	return r;
}

/* A datagram socket is told where to; a stream waits for an answer. */
static int64_t by_address(struct net_call *n)
{
	int r;

	if (n->protocol == IPPROTO_UDP)
		net_announce(n);
	if (!n->blocking || n->protocol == IPPROTO_UDP) {
		r = plain_connect(n);
	} else if (n->loopback) {
		r = quick_connect(n);
		if (r == -EINPROGRESS)
			return net_in_worker(n, in_worker);
	} else {
		return net_in_worker(n, in_worker);
	}
	if (r == 0 || r == -EINPROGRESS)
		net_announce(n);
	return r;
}

/* --- by proxy --- */

/* Before the socket can be used again: as after any connect() that failed. */
static void unconnect(const struct net_call *n)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };

	(void)connect(n->sock, &none, sizeof(none));
}

static void finish(struct net_call *n, int r)
{
	struct request *q = n->q;

	if (r < 0 && r != -EISCONN && r != -EALREADY)
		unconnect(n);
	if (r < 0)
		request_fail(q, -r);
	else
		request_return(q, 0);
}

static void on_answer(struct loop *l _unused_, int fd _unused_,
		      uint32_t events _unused_, void *arg)
{
	struct net_call *n = arg;
	uint8_t answer;

	if (recv(n->sock, &answer, 1, MSG_DONTWAIT) == 1)
		finish(n, -(int)answer);
	else
		finish(n, -ECONNREFUSED);
}

/* -EAGAIN: the connection is not made yet. */
static int say_where(struct net_call *n)
{
	struct direct d = { .port = n->wanted_port, .early = !n->blocking };
	uint8_t words[DIRECT_SIZE];
	ssize_t sent;

	memcpy(d.addr, n->wanted, sizeof(d.addr));
	direct_encode(&d, words);
	sent = send(n->sock, words, sizeof(words), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0)
		return -errno;
	return sent == (ssize_t)sizeof(words) ? 0 : -ECONNREFUSED;
}

static void on_made(struct loop *l _unused_, int fd _unused_,
		    uint32_t events _unused_, void *arg)
{
	struct net_call *n = arg;
	int r;

	net_announce(n);
	r = say_where(n);
	n->io = loop_remove(n->io);
	if (r == 0)
		r = loop_add_io(n->q->tracer->loop, n->sock, EPOLLIN, on_answer,
				n, &n->io);
	if (r < 0)
		finish(n, r == -EAGAIN ? -ECONNREFUSED : r);
}

/* Whoever is gone is not waited for. Where the proxy may have to ask somebody,
 * the server says when that has taken too long. */
static void on_slice(struct loop *l _unused_, void *arg)
{
	struct net_call *n = arg;

	if (!request_valid(n->q))
		finish(n, -EINTR);
	else if (++n->waited >= MAX_SLICES && !n->q->tracer->settings.approvals)
		finish(n, -ETIMEDOUT);
	else
		(void)loop_timer_arm(n->timer, SLICE_NS);
}

static int64_t by_proxy(struct net_call *n)
{
	struct loop *l = n->q->tracer->loop;
	int r;

	net_point_home(n, n->q->tracer->settings.proxy_port);
	n->announce = true;
	r = quick_connect(n);
	if (r < 0 && r != -EINPROGRESS)
		return r;
	net_announce(n);
	r = say_where(n);
	if (r < 0 && r != -EAGAIN) {
		unconnect(n);
		return r;
	}
	r = loop_add_io(l, n->sock, r == 0 ? EPOLLIN : EPOLLOUT,
			r == 0 ? on_answer : on_made, n, &n->io);
	if (r == 0)
		r = loop_add_timer(l, SLICE_NS, on_slice, n, &n->timer);
	if (r < 0) {
		unconnect(n);
		return r;
	}
	return NET_ANSWERED; /* by one of the above */
}

static int64_t near_first(struct net_call *n)
{
	struct pollfd p = { .fd = n->sock, .events = POLLOUT };
	int r = quick_connect(n), error = 0;
	socklen_t len = sizeof(error);

	if (r == -EINPROGRESS && poll(&p, 1, 0) == 1 &&
	    getsockopt(n->sock, SOL_SOCKET, SO_ERROR, &error, &len) == 0)
		r = n->blocking || error ? -error : r;
	if (r == -EINPROGRESS && n->blocking)
		return net_in_worker(n, in_worker);
	if (r != -ECONNREFUSED)
		return r;
	unconnect(n);
	return by_proxy(n);
}

int64_t net_connect(struct net_call *n)
{
	switch (n->way) {
	case NET_BY_PROXY:
		return by_proxy(n);
	case NET_NEAR_FIRST:
		return near_first(n);
	case NET_BY_ADDRESS:
		break;
	}
	return by_address(n);
}
