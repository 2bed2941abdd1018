/* SPDX-License-Identifier: MIT */
/*
 * upstream.h - connections to hosts, with or without TLS, and the idle ones
 *
 * An idle connection is kept for the next request to the same place of the
 * same kind. One that says anything while it is idle is closed.
 */
#ifndef NETPROXY_UPSTREAM_H
#define NETPROXY_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "netproxy/stream.h"
#include "netproxy/timers.h"
#include "netproxy/tls.h"

#define UPSTREAM_MAX_IDLE 32
#define UPSTREAM_IDLE_NS  TIMER_NS(30000000000ULL)

/* Where to; borrowed strings. */
struct place {
	const char *host; /* canonical */
	struct addr addr; /* if is_addr */
	bool is_addr, tls;
	uint16_t port;
};

struct upstream_pool {
	struct loop *loop;      /* borrowed */
	struct tls_client *tls; /* borrowed */
	struct upstream *idle;
	size_t n_idle;
};

struct upstream {
	struct stream stream;
	struct upstream_pool *pool;
	struct upstream *next, **link; /* while idle */
	struct loop_source *timer;
	char *host;       /* owned */
	struct addr addr; /* connected to */
	uint16_t port;
	bool tls, reused;
};

/* An idle one for the place, or NULL. fn and arg as stream_open(). */
struct upstream *upstream_take(struct upstream_pool *p, const struct place *at,
			       stream_fn *fn, void *arg);
/* Takes fd, connected to addr. NULL: no memory; fd is closed. */
struct upstream *upstream_new(struct upstream_pool *p, const struct place *at,
			      int fd, const struct addr *addr, stream_fn *fn,
			      void *arg);
/* Leaves it to the pool if keep and nothing speaks against it. NULL is fine. */
void upstream_drop(struct upstream *u, bool keep);
void upstream_pool_clear(struct upstream_pool *p);

#endif
