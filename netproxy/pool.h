/* SPDX-License-Identifier: MIT */
/*
 * pool.h - idle upstream connections, kept for the next request to the place
 *
 * Keyed by canonical host and port. Whoever takes one judges it again: the
 * address is part of the entry. A connection on which anything happens while
 * it is idle is closed.
 */
#ifndef NETPROXY_POOL_H
#define NETPROXY_POOL_H

#include "base/addr.h"
#include "base/loop.h"
#include "base/str.h"
#include "netproxy/timers.h"

#define POOL_MAX     64
#define POOL_IDLE_NS TIMER_NS(20000000000ULL)

struct pool_entry {
	struct pool *pool;
	char *host; /* owned; NULL: the entry is free */
	uint16_t port;
	struct addr addr;
	int fd;
	struct loop_source *io, *timer;
};

struct pool {
	struct loop *loop; /* borrowed */
	struct pool_entry entries[POOL_MAX];
};

/* A descriptor for the caller, or -ENOENT. */
int pool_take(struct pool *p, struct str host, uint16_t port,
	      struct addr *ret_addr);
/* Takes fd; when the pool is full the connection is closed. */
void pool_put(struct pool *p, struct str host, uint16_t port,
	      const struct addr *addr, int fd);
void pool_clear(struct pool *p);

#endif
