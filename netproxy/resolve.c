/* SPDX-License-Identifier: MIT */
/*
 * resolve.c - name look-ups with c-ares, driven by base/loop
 *
 * c-ares reports which sockets it wants watched (sock_state_cb) and when it
 * next wants to be called (ares_timeout). A cancelled query cannot be taken
 * out of c-ares one by one, so it stays there as a husk without a callback and
 * is freed when c-ares answers it.
 */
#include "netproxy/resolve.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SOCKETS 16
#define NS_PER_S    1000000000ULL

struct watched {
	ares_socket_t fd;
	struct loop_source *source;
};

struct kept {
	char *host; /* owned; NULL: free */
	uint64_t expires;
	struct addr addrs[RESOLVE_MAX_ADDRS];
	size_t n;
};

struct resolver {
	struct loop *loop;
	struct kept kept[RESOLVE_KEPT];
	size_t next_kept;
	ares_channel channel;
	struct loop_source *timer;
	struct watched watched[MAX_SOCKETS];
	uint64_t tokens, filled_at; /* of the rate limit */
};

struct resolve_query {
	struct resolver *resolver;
	resolve_fn *fn; /* NULL: cancelled */
	void *arg;
	bool starting; /* resolve_start has not returned yet */
	int error;     /* an answer that came too early, for deliver() */
	char *host;    /* owned */
	struct addr addrs[RESOLVE_MAX_ADDRS];
	size_t n_addrs;
	uint32_t ttl;
};

static const struct kept *find_kept(const struct resolver *r, struct str host)
{
	for (size_t i = 0; i < RESOLVE_KEPT; i++) {
		const struct kept *k = &r->kept[i];

		if (k->host && k->expires > loop_now(r->loop) &&
		    str_eq_c(host, k->host))
			return k;
	}
	return NULL;
}

static void keep(struct resolve_query *q)
{
	struct resolver *r = q->resolver;
	struct kept *k = &r->kept[r->next_kept];

	if (!q->ttl)
		return;
	r->next_kept = (r->next_kept + 1) % RESOLVE_KEPT;
	free(k->host);
	k->host = q->host;
	q->host = NULL;
	k->expires = loop_now(r->loop) + q->ttl * 1000000000ULL;
	memcpy(k->addrs, q->addrs, sizeof(k->addrs));
	k->n = q->n_addrs;
}

static void arm_timer(struct resolver *r)
{
	struct timeval tv, *next = ares_timeout(r->channel, NULL, &tv);
	uint64_t ns = 0;

	if (next)
		ns = (uint64_t)next->tv_sec * 1000000000U +
		     (uint64_t)next->tv_usec * 1000U + 1U;
	(void)loop_timer_arm(r->timer, ns);
}

static void on_socket(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct resolver *r = arg;
	ares_socket_t in = ARES_SOCKET_BAD, out = ARES_SOCKET_BAD;

	(void)l;
	if (events & (uint32_t)(EPOLLIN | EPOLLERR | EPOLLHUP))
		in = fd;
	if (events & (uint32_t)EPOLLOUT)
		out = fd;
	ares_process_fd(r->channel, in, out);
	arm_timer(r);
}

static void on_timer(struct loop *l, void *arg)
{
	struct resolver *r = arg;

	(void)l;
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm_timer(r);
}

static void on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = arg;
	uint32_t events = (readable ? (uint32_t)EPOLLIN : 0U) |
			  (writable ? (uint32_t)EPOLLOUT : 0U);
	struct watched *slot = NULL;

	for (size_t i = 0; i < MAX_SOCKETS; i++) {
		struct watched *w = &r->watched[i];

		if (w->source && w->fd == fd) {
			slot = w;
			break;
		}
		if (!w->source && !slot)
			slot = w;
	}
	if (!slot)
		return; /* the query times out: denied */
	if (!events)
		slot->source = loop_remove(slot->source);
	else if (slot->source)
		(void)loop_mod_io(slot->source, events);
	else if (loop_add_io(r->loop, fd, events, on_socket, r,
			     &slot->source) == 0)
		slot->fd = fd;
}

int resolver_new(struct loop *loop, struct resolver **ret)
{
	struct ares_options options = { .timeout = 2000, .tries = 2 };
	struct resolver *r;
	int e;

	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return -EIO;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->loop = loop;
	r->tokens = RESOLVE_BURST;
	options.sock_state_cb = on_state;
	options.sock_state_cb_data = r;
	/* names are complete: no search list */
	options.flags = ARES_FLAG_NOSEARCH;
	e = ares_init_options(&r->channel, &options,
			      ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS |
				      ARES_OPT_TRIES | ARES_OPT_FLAGS);
	if (e != ARES_SUCCESS ||
	    loop_add_timer(loop, 0, on_timer, r, &r->timer) < 0) {
		if (e == ARES_SUCCESS)
			ares_destroy(r->channel);
		free(r);
		return -EIO;
	}
	*ret = r;
	return 0;
}

struct resolver *resolver_free(struct resolver *r)
{
	if (!r)
		return NULL;
	ares_destroy(r->channel); /* answers what is pending with ECANCELLED */
	(void)loop_remove(r->timer);
	for (size_t i = 0; i < MAX_SOCKETS; i++)
		(void)loop_remove(r->watched[i].source);
	for (size_t i = 0; i < RESOLVE_KEPT; i++)
		free(r->kept[i].host);
	free(r);
	return NULL;
}

static void deliver(struct loop *l, void *arg)
{
	struct resolve_query *q = arg;

	(void)l;
	if (q->fn)
		q->fn(q->arg, q->error, q->addrs, q->n_addrs, q->ttl);
	free(q->host);
	free(q);
}

/* Never calls back from within resolve_start. */
static void finish(struct resolve_query *q, int error)
{
	q->error = error;
	if (!q->starting)
		deliver(q->resolver->loop, q);
	else if (loop_defer(q->resolver->loop, deliver, q) < 0)
		q->fn = NULL; /* out of memory: the dial times out, denied */
}

static int error_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
	case ARES_EBADNAME:
		return -ENOENT;
	case ARES_ETIMEOUT:
		return -ETIMEDOUT;
	case ARES_ENOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static void on_answer(void *arg, int status, int timeouts,
		      struct ares_addrinfo *info)
{
	struct resolve_query *q = arg;
	size_t n = 0;

	(void)timeouts;
	q->ttl = RESOLVE_KEEP_S;
	for (struct ares_addrinfo_node *node = info ? info->nodes : NULL;
	     node && n < RESOLVE_MAX_ADDRS; node = node->ai_next) {
		uint16_t port;

		if (addr_from_sockaddr(node->ai_addr, node->ai_addrlen,
				       &q->addrs[n], &port) == 0)
			n++;
		q->ttl = MIN(q->ttl, (uint32_t)MAX(node->ai_ttl, 0));
	}
	if (info)
		ares_freeaddrinfo(info);
	q->n_addrs = n;
	if (status == ARES_SUCCESS && n && q->fn)
		keep(q);
	if (status == ARES_SUCCESS)
		finish(q, n ? 0 : -ENOENT);
	else
		finish(q, error_of(status));
}

static bool is_localhost(struct str host)
{
	return str_eq(host, STR("localhost")) ||
	       str_ends(host, STR(".localhost"));
}

bool resolve_within_rate(struct resolver *r)
{
	uint64_t now = loop_now(r->loop);
	uint64_t new = (now - r->filled_at) / (NS_PER_S / RESOLVE_PER_SECOND);

	if (new) {
		r->tokens = MIN(r->tokens + new, (uint64_t)RESOLVE_BURST);
		r->filled_at = now;
	}
	if (r->tokens == 0)
		return false;
	r->tokens--;
	return true;
}

bool resolve_may_ask(struct resolver *r, struct str host)
{
	return is_localhost(host) || find_kept(r, host) ||
	       resolve_within_rate(r);
}

int resolve_start(struct resolver *r, struct str host, resolve_fn *fn,
		  void *arg, struct resolve_query **ret)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
					     .ai_socktype = SOCK_STREAM };
	const struct kept *kept = find_kept(r, host);
	struct resolve_query *q;

	q = calloc(1, sizeof(*q));
	if (q)
		q->host = str_dup(host);
	if (!q || !q->host) {
		free(q);
		return -ENOMEM;
	}
	q->resolver = r;
	q->fn = fn;
	q->arg = arg;
	q->starting = true;
	*ret = q;
	if (is_localhost(host)) {
		addr_from_v4(htonl(INADDR_LOOPBACK), &q->addrs[0]);
		q->n_addrs = 1;
		finish(q, 0);
	} else if (kept) {
		memcpy(q->addrs, kept->addrs, sizeof(q->addrs));
		q->n_addrs = kept->n;
		q->ttl = (uint32_t)((kept->expires - loop_now(r->loop)) /
				    1000000000U);
		finish(q, 0);
	} else {
		ares_getaddrinfo(r->channel, q->host, NULL, &hints, on_answer,
				 q);
		arm_timer(r);
	}
	q->starting = false;
	return 0;
}

void resolve_cancel(struct resolve_query *q)
{
	if (q)
		q->fn = NULL;
}
