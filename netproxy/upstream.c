/* SPDX-License-Identifier: MIT */
/*
 * upstream.c - connections to hosts, and the idle ones
 */
#include "netproxy/upstream.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void unlink_idle(struct upstream *u)
{
	if (!u->link)
		return;
	*u->link = u->next;
	if (u->next)
		u->next->link = u->link;
	u->link = NULL;
	u->pool->n_idle--;
	u->timer = loop_remove(u->timer);
}

static void destroy(struct upstream *u)
{
	unlink_idle(u);
	(void)loop_remove(u->timer);
	stream_close(&u->stream);
	free(u->host);
	free(u);
}

static void on_idle(struct stream *s, void *arg)
{
	/* TLS may have taken a session ticket: that is no answer */
	if (s->in.len || s->eof || s->failed || s->hung_up)
		destroy(arg);
	else
		stream_want(s, /* reading= */ true);
}

static void on_old(struct loop *l, void *arg)
{
	(void)l;
	destroy(arg);
}

struct upstream *upstream_take(struct upstream_pool *p, const struct place *at,
			       stream_fn *fn, void *arg)
{
	for (struct upstream *u = p->idle; u; u = u->next) {
		if (u->port != at->port || u->tls != at->tls ||
		    strcmp(u->host, at->host) != 0)
			continue;
		unlink_idle(u);
		u->reused = true;
		u->stream.fn = fn;
		u->stream.arg = arg;
		return u;
	}
	return NULL;
}

struct upstream *upstream_new(struct upstream_pool *p, const struct place *at,
			      int fd, const struct addr *addr, stream_fn *fn,
			      void *arg)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (!u) {
		(void)close(fd);
		return NULL;
	}
	u->stream.fd = -1;
	u->pool = p;
	u->port = at->port;
	u->tls = at->tls;
	u->addr = *addr;
	u->host = strdup(at->host);
	if (!u->host) {
		(void)close(fd);
		destroy(u);
		return NULL;
	}
	if (stream_open(&u->stream, p->loop, fd, fn, arg) < 0 ||
	    (at->tls && tls_connect(p->tls, &u->stream, at->host,
				    at->is_addr ? &at->addr : NULL) < 0)) {
		destroy(u);
		return NULL;
	}
	return u;
}

void upstream_drop(struct upstream *u, bool keep)
{
	struct stream *s;
	struct upstream_pool *p;

	if (!u)
		return;
	s = &u->stream;
	p = u->pool;
	if (!keep || s->eof || s->failed || s->hung_up || s->in.len ||
	    s->out.len || p->n_idle >= UPSTREAM_MAX_IDLE ||
	    loop_add_timer(p->loop, UPSTREAM_IDLE_NS, on_old, u, &u->timer) <
		    0) {
		destroy(u);
		return;
	}
	if (s->wipe)
		stream_wipe(&s->in);
	s->fn = on_idle;
	s->arg = u;
	u->next = p->idle;
	u->link = &p->idle;
	if (u->next)
		u->next->link = &u->next;
	p->idle = u;
	p->n_idle++;
	stream_want(s, /* reading= */ true);
}

void upstream_pool_clear(struct upstream_pool *p)
{
	while (p->idle)
		destroy(p->idle);
}
