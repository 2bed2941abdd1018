/* SPDX-License-Identifier: MIT */
/*
 * capture.h - the connections of a private network namespace (confine/netns.h)
 */
#ifndef NETPROXY_CAPTURE_H
#define NETPROXY_CAPTURE_H

#include "confine/netns.h"
#include "netproxy/listener.h"
#include "netproxy/stub.h"

struct capture {
	struct netns ns; /* owned; net -1 = there is none */
	struct listener tcp, proxy;
};

#define CAPTURE_NONE              \
	{                         \
		.ns = NETNS_INIT, \
	}

/*
 * Makes the namespace, or takes the place of a proxy that died in the one of
 * c->ns; conns and stub get what comes from there. proxy_port: the explicit
 * proxy's, inside as outside. 0, or -errno of netns_open().
 */
int capture_open(struct capture *c, struct conn_table *conns, struct stub *stub,
		 uint16_t proxy_port, struct str own);
/* After stub_close(). */
void capture_close(struct capture *c);

#endif
