/* SPDX-License-Identifier: MIT */
/*
 * listener.h - accepts connections until there are no descriptors left
 */
#ifndef NETPROXY_LISTENER_H
#define NETPROXY_LISTENER_H

#include "base/loop.h"
#include "netproxy/conn.h"

struct listener {
	struct loop *loop; /* borrowed, as all here */
	int fd;
	struct conn_table *conns;
	/* conn_accept() or conn_accept_captured() */
	conn_accept_fn *accept;
	struct loop_source *source, *pause;
};

/* The first four members are set. 0 or -errno. */
int listener_start(struct listener *l);
void listener_stop(struct listener *l);

#endif
