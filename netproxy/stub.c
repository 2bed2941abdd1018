/* SPDX-License-Identifier: MIT */
/*
 * stub.c - the session's DNS server
 *
 * A query is judged by its name before anything is asked (policy OP_DNS: could
 * some rule allow a connection to it?), so a refused name goes nowhere. The
 * answer is written anew from addresses: no records but A and AAAA, so no
 * encrypted-hello keys (HTTPS, SVCB: no data) and no text to smuggle in. Time
 * to live is 5 to 60 seconds, so that a change of policy is soon felt.
 *
 * A wildcard rule lets the labels of a name carry data out. That is bounded:
 * names that look like data are refused, and queries per session are limited.
 */
#include "netproxy/stub.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/event.h"
#include "netproxy/dns.h"
#include "netproxy/stream.h"
#include "netproxy/timers.h"

#define TTL_LEAST   5U
#define TTL_MOST    60U
#define NS_PER_S    1000000000ULL
#define CLIENT_IDLE TIMER_NS(10 * NS_PER_S)

/* Where a datagram came from and to: what its answer needs. */
struct datagram {
	int fd; /* borrowed */
	struct sockaddr_storage from;
	socklen_t from_len;
	/* The address that was asked, when it may have been any. */
	struct in6_pktinfo asked6;
	struct in_pktinfo asked4;
	bool has_asked6, has_asked4;
};

/* One query that is being looked up. */
struct stub_query {
	struct stub *stub;
	struct stub_query *next, **link;
	struct stub_client *client; /* NULL: came by UDP, from: */
	struct datagram came;
	struct dns_query query;
	struct resolve_query *lookup;
	size_t n;
	char bytes[DNS_QUERY_MAX];
};

/* One TCP connection. */
struct stub_client {
	struct stub *stub;
	struct stub_client *next, **link;
	struct stream stream;
	uint16_t port; /* the other end's */
	struct loop_source *timer;
};

static void query_free(struct stub_query *q)
{
	resolve_cancel(q->lookup);
	*q->link = q->next;
	if (q->next)
		q->next->link = q->link;
	q->stub->n_queries--;
	free(q);
}

static void client_free(struct stub_client *c)
{
	for (struct stub_query *q = c->stub->queries, *next; q; q = next) {
		next = q->next;
		if (q->client == c)
			query_free(q);
	}
	(void)loop_remove(c->timer);
	stream_close(&c->stream);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->stub->n_clients--;
	free(c);
}

/* From the address that was asked: resolvers drop what strangers say. */
static void send_datagram(const struct datagram *d, struct str bytes)
{
	_Alignas(struct cmsghdr) char
		control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = { 0 };
	struct sockaddr_storage to = d->from;
	struct iovec iov = { NULL, bytes.n };
	struct msghdr m = { .msg_name = &to,
			    .msg_namelen = d->from_len,
			    .msg_iov = &iov,
			    .msg_iovlen = 1 };
	struct cmsghdr *c = (void *)control;

	/* sendmsg() takes no const, and changes nothing */
	memcpy(&iov.iov_base, &bytes.p, sizeof(bytes.p));
	if (d->has_asked6) {
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(d->asked6));
		memcpy(CMSG_DATA(c), &d->asked6, sizeof(d->asked6));
	} else if (d->has_asked4) {
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(d->asked4));
		memcpy(CMSG_DATA(c), &d->asked4, sizeof(d->asked4));
	}
	if (c->cmsg_len) {
		m.msg_control = control;
		m.msg_controllen = CMSG_ALIGN(c->cmsg_len);
	}
	(void)sendmsg(d->fd, &m, MSG_DONTWAIT); /* as any datagram */
}

static void send_bytes(const struct stub_query *q, const struct buf *out)
{
	struct stub_client *c = q->client;
	uint8_t length[2];

	if (out->error || !out->len)
		return; /* the client asks again */
	if (!c) {
		send_datagram(&q->came, buf_str(out));
		return;
	}
	length[0] = (uint8_t)(out->len >> 8);
	length[1] = (uint8_t)out->len;
	buf_put(&c->stream.out, length, sizeof(length));
	buf_put(&c->stream.out, out->data, out->len);
	stream_flush(&c->stream);
	stream_want(&c->stream, true);
}

static void send_answer(const struct stub_query *q, const struct dns_answer *a)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	dns_put_answer(&q->query, str_from_n(q->bytes, q->n), a, &out);
	send_bytes(q, &out);
}

static int record(const struct stub_query *q, const struct net_answer *a,
		  const struct addr *first)
{
	struct gate_request r = { .type = STR("dns_query"),
				  .host = str_from(q->query.name),
				  .addr = first,
				  .by_datagram = !q->client };
	struct addr from;

	if (q->client)
		r.client_port = q->client->port;
	else
		(void)addr_from_sockaddr(&q->came.from, q->came.from_len, &from,
					 &r.client_port);
	return gate_record(q->stub->gate, &r, a);
}

/* Whatever it is, it came to a port of name servers: on record, and answered. */
static void refuse_malformed(struct stub_query *q)
{
	const struct net_answer a = { .builtin = "net-floor-malformed" };
	_cleanup_buf_ struct buf out = BUF_INIT;

	(void)record(q, &a, NULL); /* refused either way */
	dns_put_malformed(str_from_n(q->bytes, q->n), &out);
	send_bytes(q, &out);
	if (q->client && !out.len)
		q->client->stream.eof = true; /* no answer: closed */
	query_free(q);
}

/* Nobody is asked for what is no address. */
static void refuse_type(struct stub_query *q)
{
	const struct net_answer a = { .builtin = "net-floor-dns-type" };
	const struct dns_answer answer = { .rcode = DNS_NOTIMP };

	(void)record(q, &a, NULL); /* refused either way */
	send_answer(q, &answer);
	query_free(q);
}

static void end(struct stub_query *q, enum dns_rcode rcode)
{
	const struct dns_answer a = { .rcode = rcode };

	send_answer(q, &a);
	query_free(q);
}

/* Addresses that no rule by name can open are not given out either. */
static size_t keep_useful(const struct stub_query *q, const struct addr *addrs,
			  size_t n, struct addr *ret)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		enum addr_class class = addr_classify(&addrs[i]);

		if (class == ADDR_METADATA || class == ADDR_UNSPECIFIED ||
		    class == ADDR_LINK_LOCAL || class == ADDR_MULTICAST)
			continue;
		if (names_add(q->stub->names, &addrs[i],
			      str_from(q->query.name)) == 0)
			ret[kept++] = addrs[i];
	}
	return kept;
}

static void on_resolved(void *arg, int error, const struct addr *addrs,
			size_t n, uint32_t ttl)
{
	struct stub_query *q = arg;
	struct addr useful[RESOLVE_MAX_ADDRS];
	struct net_answer judged =
		gate_decide_dns(q->stub->gate, str_from(q->query.name));
	struct dns_answer a = { .addrs = useful };

	q->lookup = NULL;
	if (error == -ENOENT)
		a.rcode = DNS_NXDOMAIN;
	else if (error)
		a.rcode = DNS_SERVFAIL;
	else
		a.n = keep_useful(q, addrs, n, useful);
	a.ttl = MIN(MAX(ttl, TTL_LEAST), TTL_MOST);
	if (!judged.allowed || record(q, &judged, a.n ? useful : NULL) < 0) {
		a.n = 0;
		a.rcode = DNS_REFUSED;
	}
	send_answer(q, &a);
	query_free(q);
}

bool stub_is_stand_in(const struct addr *a)
{
	return addr_is_v4(a) && a->b[12] == 198 && (a->b[13] & 0xfe) == 18;
}

/* A name that nobody is asked for: who connects to this address waits for an
 * approval, and then it is looked up. */
static void give_stand_in(struct stub_query *q, const struct net_answer *judged)
{
	uint32_t number = q->stub->stand_ins++ % (1U << 17);
	struct dns_answer a = { .ttl = TTL_LEAST };
	struct addr stand_in;

	addr_from_v4(htonl(0xc6120000U + number), &stand_in);
	if (q->query.type == DNS_A && names_add(q->stub->names, &stand_in,
						str_from(q->query.name)) == 0) {
		a.addrs = &stand_in;
		a.n = 1;
	}
	if (record(q, judged, NULL) < 0) {
		a.n = 0;
		a.rcode = DNS_REFUSED;
	}
	send_answer(q, &a);
	query_free(q);
}

/* Answers, or starts to look up. Owns q from here on. */
static void judge(struct stub_query *q)
{
	struct stub *s = q->stub;
	struct str name = str_from(q->query.name);
	struct net_answer a = { .builtin = "net-floor-dns-rate" };
	struct policy_divert divert;
	struct addr target;
	bool asks = false;

	if (!name.n) {
		end(q, DNS_REFUSED);
		return;
	}
	if (s->off) {
		a.builtin = "net-dns-off";
	} else if (resolve_within_rate(s->resolver)) {
		a = gate_decide_dns(s->gate, name);
		asks = s->gate->approvals && !a.builtin &&
		       a.verdict.kind == VERDICT_APPROVE;
		a.allowed |= asks;
		if (a.allowed && gate_name_tells(s->gate, name, &a))
			a = (struct net_answer){ .builtin =
							 "net-floor-dns-data" };
	}
	if (!a.allowed) {
		(void)record(q, &a, NULL); /* refused either way */
		end(q, DNS_REFUSED);
		return;
	}
	if (q->query.type == DNS_HTTPS || q->query.type == DNS_SVCB) {
		end(q, DNS_NOERROR);
	} else if (q->query.type != DNS_A && q->query.type != DNS_AAAA) {
		refuse_type(q);
	} else if (asks) {
		give_stand_in(q, &a);
	} else if (policy_dns_divert(s->gate->policy, name, &divert) &&
		   addr_parse(divert.target, &target) == 0) {
		const struct gate_request r = { .host = name };

		gate_record_redirect(s->gate, STR("dns_redirect"), &r, &divert);
		on_resolved(q, 0, &target, 1, TTL_LEAST);
	} else if (resolve_start(s->resolver, name, on_resolved, q,
				 &q->lookup) < 0) {
		end(q, DNS_SERVFAIL);
	}
}

static void take_query(struct stub *s, struct str bytes,
		       struct stub_client *client, const struct datagram *came)
{
	struct stub_query *q;

	if (s->n_queries >= STUB_MAX_PENDING)
		return;
	q = calloc(1, sizeof(*q));
	if (!q)
		return;
	q->stub = s;
	q->client = client;
	if (came)
		q->came = *came;
	q->n = MIN(bytes.n, (size_t)DNS_QUERY_MAX);
	memcpy(q->bytes, bytes.p, q->n);
	q->next = s->queries;
	q->link = &s->queries;
	if (q->next)
		q->next->link = &q->next;
	s->queries = q;
	s->n_queries++;
	if (dns_parse_query(bytes, &q->query) < 0)
		refuse_malformed(q);
	else
		judge(q);
}

static void take_asked(struct msghdr *m, struct datagram *d)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&d->asked6, CMSG_DATA(c), sizeof(d->asked6));
			d->asked6.ipi6_ifindex = 0;
			d->has_asked6 = true;
		} else if (c->cmsg_level == IPPROTO_IP &&
			   c->cmsg_type == IP_PKTINFO) {
			memcpy(&d->asked4, CMSG_DATA(c), sizeof(d->asked4));
			d->asked4.ipi_spec_dst = d->asked4.ipi_addr;
			d->asked4.ipi_ifindex = 0;
			d->has_asked4 = true;
		}
	}
}

/* A sender may choose any address of this host for its own; the answer would
 * go there. */
static bool is_from_here(const struct datagram *d)
{
	struct addr from;
	uint16_t port;

	return addr_from_sockaddr(&d->from, d->from_len, &from, &port) == 0 &&
	       addr_classify(&from) == ADDR_LOOPBACK;
}

static void on_udp(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct stub *s = arg;

	(void)l;
	(void)events;
	for (int i = 0; i < 64; i++) {
		_Alignas(struct cmsghdr) char control[256];
		char bytes[DNS_QUERY_MAX + 1];
		struct datagram d = { .fd = fd };
		struct iovec iov = { bytes, sizeof(bytes) };
		struct msghdr m = { .msg_name = &d.from,
				    .msg_namelen = sizeof(d.from),
				    .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = control,
				    .msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);

		if (n < 0)
			return;
		d.from_len = m.msg_namelen;
		if (fd == s->udp && !is_from_here(&d))
			continue;
		take_asked(&m, &d);
		take_query(s, str_from_n(bytes, (size_t)n), NULL, &d);
	}
}

static void on_client(struct stream *st, void *arg)
{
	struct stub_client *c = arg;

	while (st->in.len >= 2) {
		const unsigned char *p = (const unsigned char *)st->in.data;
		size_t n = (size_t)(p[0] << 8 | p[1]);

		if (n > DNS_QUERY_MAX) { /* of which no more is read */
			take_query(c->stub, STR(""), c, NULL);
			client_free(c);
			return;
		}
		if (st->in.len < 2 + n)
			break;
		take_query(c->stub, str_from_n(st->in.data + 2, n), c, NULL);
		buf_consume(&st->in, 2 + n);
	}
	if (st->eof || st->failed) {
		client_free(c);
		return;
	}
	(void)loop_timer_arm(c->timer, CLIENT_IDLE);
	stream_want(st, true);
}

static void on_client_idle(struct loop *l, void *arg)
{
	(void)l;
	client_free(arg);
}

static void on_tcp(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct stub *s = arg;
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int sock = accept4(fd, (struct sockaddr *)&peer, &len,
			   SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct stub_client *c;
	struct addr from;

	(void)events;
	if (sock < 0)
		return;
	c = s->n_clients < STUB_MAX_CLIENTS ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		(void)close(sock);
		return;
	}
	c->stub = s;
	(void)addr_from_sockaddr(&peer, len, &from, &c->port);
	c->next = s->clients;
	c->link = &s->clients;
	if (c->next)
		c->next->link = &c->next;
	s->clients = c;
	s->n_clients++;
	if (stream_open(&c->stream, l, sock, on_client, c) < 0 ||
	    loop_add_timer(l, CLIENT_IDLE, on_client_idle, c, &c->timer) < 0)
		client_free(c);
	else
		stream_want(&c->stream, true);
}

static int open_one(int type, uint16_t port, uint16_t *ret_port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(in);
	const int one = 1;
	_cleanup_close_ int fd =
		socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
				 sizeof(one));
	if (bind(fd, (const struct sockaddr *)&in, sizeof(in)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 64) < 0) ||
	    getsockname(fd, (struct sockaddr *)&in, &n) < 0)
		return -errno;
	*ret_port = ntohs(in.sin_port);
	return TAKE_FD(fd);
}

int stub_open(struct stub *s, uint16_t port, uint16_t *ret_port)
{
	int r = -EADDRINUSE;

	s->udp = s->tcp = -1;
	/* one number for both; the second may be taken */
	for (int i = 0; i < 16 && s->tcp < 0; i++) {
		uint16_t chosen = 0;

		s->udp = r = open_one(SOCK_DGRAM, port, &chosen);
		if (r < 0)
			return r;
		s->tcp = r = open_one(SOCK_STREAM, chosen, &chosen);
		*ret_port = chosen;
		if (r < 0)
			(void)close(s->udp);
		if (r < 0 && port)
			return r;
	}
	if (s->tcp < 0)
		return r;
	r = loop_add_io(s->loop, s->udp, EPOLLIN, on_udp, s, &s->udp_source);
	if (r == 0)
		r = loop_add_io(s->loop, s->tcp, EPOLLIN, on_tcp, s,
				&s->tcp_source);
	return r;
}

int stub_adopt(struct stub *s, int udp, int tcp)
{
	int r = loop_add_io(s->loop, udp, EPOLLIN, on_udp, s,
			    &s->inner_udp_source);

	if (r == 0)
		r = loop_add_io(s->loop, tcp, EPOLLIN, on_tcp, s,
				&s->inner_tcp_source);
	return r;
}

void stub_close(struct stub *s)
{
	s->inner_udp_source = loop_remove(s->inner_udp_source);
	s->inner_tcp_source = loop_remove(s->inner_tcp_source);
	while (s->clients)
		client_free(s->clients);
	while (s->queries)
		query_free(s->queries);
	s->udp_source = loop_remove(s->udp_source);
	s->tcp_source = loop_remove(s->tcp_source);
	if (s->udp > 0)
		(void)close(s->udp);
	if (s->tcp > 0)
		(void)close(s->tcp);
}
