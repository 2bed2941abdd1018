/* SPDX-License-Identifier: MIT */
/*
 * decode_recv.c - recvfrom and recvmsg, for who wants to know the sender
 *
 * The DNS stub answers in the place of the server that was asked, from its own
 * address; resolvers throw such answers away. So a datagram from the stub is
 * received here, and the caller is told the address it had asked. Anything else
 * goes on in the kernel: nothing depends on it.
 *
 * recvmsg (musl, dig) says in memory whether it wants the sender, so all of them
 * come here; while nobody has asked anything for ASKED_NS they go on at once.
 *
 * Which server a socket asked last is kept by the socket's cookie.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/addr.h"
#include "base/clock.h"
#include "tracer/identity.h"
#include "tracer/net.h"

#define RECV_MAX      65536
#define RECV_SLICE_MS 500
#define RECV_MAX_IOV  1024 /* UIO_MAXIOV */
#define ASKED_NS      60000000000ULL

static uint64_t cookie_of(int sock)
{
	uint64_t cookie = 0;
	socklen_t n = sizeof(cookie);

	if (getsockopt(sock, SOL_SOCKET, SO_COOKIE, &cookie, &n) < 0)
		return 0;
	return cookie;
}

static struct asked_entry *asked_find(struct asked *a, uint64_t cookie)
{
	for (size_t i = 0; cookie && i < ASKED_MAX; i++)
		if (a->entries[i].cookie == cookie)
			return &a->entries[i];
	return NULL;
}

void asked_remember(struct asked *a, int sock, const struct sockaddr *addr,
		    socklen_t len)
{
	uint64_t cookie = cookie_of(sock);
	struct asked_entry *e = asked_find(a, cookie);

	if (!cookie || len > sizeof(e->addr))
		return; /* the answer will look foreign: refused by the caller */
	if (!e) {
		e = &a->entries[a->next];
		a->next = (a->next + 1) % ASKED_MAX;
	}
	a->until = clock_monotonic_ns() + ASKED_NS;
	e->cookie = cookie;
	e->len = len;
	memcpy(&e->addr, addr, len);
}

static int put(const struct net_call *n, uint64_t to, void *bytes, size_t len)
{
	_cleanup_identity_ struct identity *was = identity_look();
	struct iovec local = { bytes, len };
	struct iovec remote = { (void *)(uintptr_t)to, len };

	if (len == 0)
		return 0;
	if (process_vm_writev(n->q->tid, &local, 1, &remote, 1, 0) !=
	    (ssize_t)len)
		return -EFAULT;
	return 0;
}

/* The sender, and how long it is, as the kernel would write them. */
static int put_sender(struct net_call *n)
{
	uint64_t to = n->q->args[4], length_at = n->q->args[5];
	socklen_t room = 0;
	int r = mem_get(&n->q->mem, length_at, &room, sizeof(room));

	if (r < 0)
		return r;
	if (room > INT32_MAX)
		return -EINVAL;
	r = put(n, to, &n->addr, MIN(room, n->addr_len));
	if (r == 0)
		r = put(n, length_at, &n->addr_len, sizeof(n->addr_len));
	return r;
}

/* The server that was asked, if it was the stub that answered. */
static void correct_sender(struct net_call *n)
{
	struct tracer *t = n->q->tracer;
	const struct asked_entry *e = asked_find(&t->asked, cookie_of(n->sock));
	struct op_net from;
	struct addr a;

	if (!e || net_parse_inet(n, &from) < 0 ||
	    from.port != t->settings.dns_port)
		return;
	memcpy(a.b, from.addr, sizeof(a.b));
	if (addr_classify(&a) != ADDR_LOOPBACK)
		return;
	memcpy(&n->addr, &e->addr, e->len);
	n->addr_len = e->len;
}

/* Writes what a received message told besides its bytes. */
static int put_head(struct net_call *n, const struct msghdr *theirs,
		    const struct msghdr *ours)
{
	const uint64_t at = n->q->args[1];
	uint64_t none = 0;
	int flags = ours->msg_flags, r = 0;
	socklen_t room = theirs->msg_namelen;

	if (theirs->msg_name) {
		r = put(n, (uint64_t)(uintptr_t)theirs->msg_name, &n->addr,
			MIN(room, n->addr_len));
		if (r == 0)
			r = put(n, at + offsetof(struct msghdr, msg_namelen),
				&n->addr_len, sizeof(n->addr_len));
	}
	if (r == 0)
		r = put(n, at + offsetof(struct msghdr, msg_controllen), &none,
			sizeof(none));
	if (r == 0)
		r = put(n, at + offsetof(struct msghdr, msg_flags), &flags,
			sizeof(flags));
	return r;
}

/* The bytes, into the caller's vector. */
static int scatter(struct net_call *n, const struct msghdr *theirs, size_t len)
{
	_cleanup_free_ struct iovec *iov = NULL;
	size_t at = 0;
	int r;

	if (theirs->msg_iovlen > RECV_MAX_IOV)
		return -EMSGSIZE;
	iov = calloc(theirs->msg_iovlen + 1, sizeof(*iov));
	if (!iov)
		return -ENOMEM;
	r = mem_get(&n->q->mem, (uint64_t)(uintptr_t)theirs->msg_iov, iov,
		    theirs->msg_iovlen * sizeof(*iov));
	for (size_t i = 0; r == 0 && i < theirs->msg_iovlen && at < len; i++) {
		size_t part = MIN(iov[i].iov_len, len - at);

		r = put(n, (uint64_t)(uintptr_t)iov[i].iov_base, n->bytes + at,
			part);
		at += part;
	}
	return r;
}

/* How much the caller's vector takes; -errno. */
static ssize_t room_of(const struct net_call *n, const struct msghdr *theirs)
{
	size_t room = 0;

	if (theirs->msg_iovlen > RECV_MAX_IOV)
		return -EMSGSIZE;
	for (size_t i = 0; i < theirs->msg_iovlen; i++) {
		struct iovec v;
		uint64_t from =
			(uint64_t)(uintptr_t)theirs->msg_iov + i * sizeof(v);

		if (mem_get(&n->q->mem, from, &v, sizeof(v)) < 0)
			return -EFAULT;
		room += MIN(v.iov_len, (size_t)RECV_MAX - room);
	}
	return (ssize_t)room;
}

static int64_t receive_message(struct net_call *n)
{
	struct msghdr theirs, m = { .msg_name = &n->addr,
				    .msg_namelen = sizeof(n->addr),
				    .msg_iovlen = 1 };
	struct iovec iov = { .iov_base = n->bytes };
	ssize_t got, room;
	int r;

	m.msg_iov = &iov;
	if (mem_get(&n->q->mem, n->q->args[1], &theirs, sizeof(theirs)) < 0)
		return -EFAULT;
	room = room_of(n, &theirs);
	if (room < 0)
		return room;
	iov.iov_len = (size_t)room;
	got = recvmsg(n->sock, &m, n->flags | MSG_DONTWAIT);
	if (got < 0)
		return -errno;
	n->addr_len = m.msg_namelen;
	correct_sender(n);
	if (!request_valid(n->q))
		return -EINTR;
	r = scatter(n, &theirs, MIN((size_t)got, (size_t)room));
	if (r == 0)
		r = put_head(n, &theirs, &m);
	return r < 0 ? r : got;
}

static int64_t receive_bytes(struct net_call *n)
{
	size_t room = (size_t)MIN(n->q->args[2], (uint64_t)RECV_MAX);
	ssize_t got;
	size_t copied;
	int r;

	n->addr_len = sizeof(n->addr);
	got = recvfrom(n->sock, n->bytes, room, n->flags | MSG_DONTWAIT,
		       &n->addr.any, &n->addr_len);
	if (got < 0)
		return -errno;
	correct_sender(n);
	/* with MSG_TRUNC the whole length is told */
	copied = MIN((size_t)got, room);
	if (!request_valid(n->q))
		return -EINTR;
	r = put(n, n->q->args[1], n->bytes, copied);
	if (r == 0)
		r = put_sender(n);
	return r < 0 ? r : got;
}

static int64_t receive(struct net_call *n)
{
	return n->is_message ? receive_message(n) : receive_bytes(n);
}

static int64_t receive_waiting(struct net_call *n)
{
	struct pollfd p = { .fd = n->sock, .events = POLLIN };
	int64_t r;

	for (;;) {
		r = receive(n);
		if (r != -EAGAIN)
			return r;
		if (poll(&p, 1, RECV_SLICE_MS) < 0 && errno != EINTR)
			return -errno;
		if (!request_valid(n->q))
			return -EINTR;
	}
}

static int64_t act_receive(struct net_call *n)
{
	int64_t r = receive(n);

	if (r == -EAGAIN && n->blocking && !(n->flags & MSG_DONTWAIT))
		return net_in_worker(n, receive_waiting);
	return r;
}

/* Somebody may be waiting for the stub's answer. */
static bool is_awaited(const struct tracer *t)
{
	return !t->no_getfd && t->settings.dns_port &&
	       clock_monotonic_ns() < t->asked.until;
}

static void receive_if_asked(struct request *q, bool is_message, int flags)
{
	struct tracer *t = q->tracer;
	struct net_call *n;

	if (!is_awaited(t) || flags & MSG_ERRQUEUE) {
		request_continue(q);
		return;
	}
	n = net_new(q, (int)q->args[0], act_receive);
	if (!n)
		return;
	if (n->protocol != IPPROTO_UDP ||
	    !asked_find(&t->asked, cookie_of(n->sock))) {
		request_continue(q);
		return;
	}
	n->flags = flags;
	n->is_message = is_message;
	n->bytes = malloc(RECV_MAX);
	if (!n->bytes) {
		request_fail(q, ENOMEM);
		return;
	}
	net_run(n);
}

void decode_recvfrom(struct request *q)
{
	receive_if_asked(q, /* is_message */ false, (int)q->args[3]);
}

void decode_recvmsg(struct request *q)
{
	receive_if_asked(q, /* is_message */ true, (int)q->args[2]);
}
