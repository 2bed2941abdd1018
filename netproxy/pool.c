/* SPDX-License-Identifier: MIT */
/*
 * pool.c - idle upstream connections
 */
#include "netproxy/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int entry_clear(struct pool_entry *e)
{
	int fd = e->fd;

	e->io = loop_remove(e->io);
	e->timer = loop_remove(e->timer);
	free(e->host);
	e->host = NULL;
	e->fd = -1;
	return fd;
}

static void on_event(struct loop *l, int fd, uint32_t events, void *arg)
{
	(void)l;
	(void)fd;
	(void)events;
	(void)close(entry_clear(arg));
}

static void on_idle(struct loop *l, void *arg)
{
	(void)l;
	(void)close(entry_clear(arg));
}

int pool_take(struct pool *p, struct str host, uint16_t port,
	      struct addr *ret_addr)
{
	for (size_t i = 0; i < POOL_MAX; i++) {
		struct pool_entry *e = &p->entries[i];

		if (!e->host || e->port != port || !str_eq_c(host, e->host))
			continue;
		*ret_addr = e->addr;
		return entry_clear(e);
	}
	return -ENOENT;
}

void pool_put(struct pool *p, struct str host, uint16_t port,
	      const struct addr *addr, int fd)
{
	struct pool_entry *e = NULL;

	for (size_t i = 0; i < POOL_MAX && !e; i++)
		if (!p->entries[i].host)
			e = &p->entries[i];
	if (!e) {
		(void)close(fd);
		return;
	}
	*e = (struct pool_entry){ .pool = p,
				  .host = str_dup(host),
				  .port = port,
				  .addr = *addr,
				  .fd = fd };
	if (!e->host ||
	    loop_add_io(p->loop, fd, EPOLLIN | EPOLLRDHUP, on_event, e,
			&e->io) < 0 ||
	    loop_add_timer(p->loop, POOL_IDLE_NS, on_idle, e, &e->timer) < 0)
		(void)close(entry_clear(e));
}

void pool_clear(struct pool *p)
{
	for (size_t i = 0; i < POOL_MAX; i++)
		if (p->entries[i].host)
			(void)close(entry_clear(&p->entries[i]));
}
