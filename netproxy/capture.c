/* SPDX-License-Identifier: MIT */
/*
 * capture.c - the connections of a private network namespace
 */
#include "netproxy/capture.h"

static int listen_at(struct listener *l, struct conn_table *conns, int fd,
		     conn_accept_fn *accept)
{
	*l = (struct listener){ .loop = conns->dialer.loop,
				.fd = fd,
				.conns = conns,
				.accept = accept };
	return listener_start(l);
}

int capture_open(struct capture *c, struct conn_table *conns, struct stub *stub,
		 uint16_t proxy_port, struct str own)
{
	struct addr a;
	bool given = addr_parse(own, &a) == 0 && addr_is_v4(&a);
	int r = netns_open(&c->ns, proxy_port, given ? a.b + 12 : NULL);

	if (r == 0)
		r = listen_at(&c->tcp, conns, c->ns.tcp, conn_accept_captured);
	if (r == 0)
		r = listen_at(&c->proxy, conns, c->ns.proxy, conn_accept);
	if (r == 0)
		r = stub_adopt(stub, c->ns.dns_udp, c->ns.dns_tcp);
	return r;
}

void capture_close(struct capture *c)
{
	listener_stop(&c->tcp);
	listener_stop(&c->proxy);
	netns_close(&c->ns);
}
