/* SPDX-License-Identifier: MIT */
/*
 * stub.h - the session's DNS server
 *
 * Answers, on loopback, by UDP and TCP, for names that some rule could allow a
 * connection to; REFUSED for the rest, without asking anybody. Remembers which
 * address it gave out for which name (names.h).
 *
 * In a captured namespace (capture.h) it answers at port 53 of every address,
 * by sockets that were made there.
 */
#ifndef NETPROXY_STUB_H
#define NETPROXY_STUB_H

#include "base/loop.h"
#include "netproxy/gate.h"
#include "netproxy/names.h"
#include "netproxy/resolve.h"

#define STUB_MAX_PENDING 256
#define STUB_MAX_CLIENTS 64 /* TCP */

struct stub_query;
struct stub_client;

struct stub {
	bool off;          /* names are the proxy's: everything is refused */
	struct loop *loop; /* these four borrowed */
	struct resolver *resolver;
	const struct gate *gate;
	struct names *names;
	int udp, tcp;
	struct loop_source *udp_source, *tcp_source;
	/* of a captured namespace; borrowed */
	struct loop_source *inner_udp_source, *inner_tcp_source;
	struct stub_query *queries;
	struct stub_client *clients;
	size_t n_queries, n_clients;
	uint32_t stand_ins; /* given out so far */
};

/* Listens on 127.0.0.1:port, both ways; 0 chooses. 0 and *ret_port. */
int stub_open(struct stub *s, uint16_t port, uint16_t *ret_port);
/* Answers by these two as well: bound to port 53 of every address. Borrowed
 * until stub_close. 0 or -errno. */
int stub_adopt(struct stub *s, int udp, int tcp);
void stub_close(struct stub *s);
/*
 * True for an address that stands for a name which is not looked up before
 * somebody has approved of a connection to it (198.18.0.0/15, RFC 2544).
 */
bool stub_is_stand_in(const struct addr *a);

#endif
