/* SPDX-License-Identifier: MIT */
/*
 * edge_dial.c - to a host that the operator named
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "netproxy/edge.h"

struct lookup {
	struct loop *loop;
	struct addr addrs[RESOLVE_MAX_ADDRS];
	size_t n;
	int error;
};

static void on_resolved(void *arg, int error, const struct addr *addrs,
			size_t n, uint32_t ttl)
{
	struct lookup *k = arg;

	(void)ttl;
	k->error = error;
	k->n = MIN(n, ARRAY_LEN(k->addrs));
	if (k->n)
		memcpy(k->addrs, addrs, k->n * sizeof(*addrs));
	loop_quit(k->loop, 0);
}

static void on_late(struct loop *l, void *arg)
{
	(void)arg;
	loop_quit(l, -ETIMEDOUT);
}

static int look_up(struct edge_dialer *d, struct lookup *k)
{
	struct resolve_query *q = NULL;
	struct loop_source *timer = NULL;
	int r;

	k->loop = d->loop;
	if (d->is_addr) {
		k->addrs[k->n++] = d->addr;
		return 0;
	}
	r = loop_add_timer(d->loop, d->timeout_ns, on_late, NULL, &timer);
	if (r == 0)
		r = resolve_start(d->resolver, str_from(d->host), on_resolved,
				  k, &q);
	if (r == 0) {
		r = loop_run(d->loop);
		if (r < 0)
			resolve_cancel(q);
		else
			r = k->error;
	}
	timer = loop_remove(timer);
	return r < 0 ? r : k->n ? 0 : -ENOENT;
}

static int connect_to(const struct addr *a, uint16_t port, uint64_t timeout_ns)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port) };
	bool is_v4 = addr_is_v4(a);
	_cleanup_close_ int fd = -1;
	struct pollfd p = { .events = POLLOUT };
	socklen_t n = sizeof(int);
	int error = 0;

	memcpy(&v4.sin_addr, a->b + 12, 4);
	memcpy(&v6.sin6_addr, a->b, 16);
	fd = socket(is_v4 ? AF_INET : AF_INET6,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd,
		    is_v4 ? (const struct sockaddr *)&v4
			  : (const struct sockaddr *)&v6,
		    is_v4 ? sizeof(v4) : sizeof(v6)) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	p.fd = fd;
	if (poll(&p, 1, (int)(timeout_ns / 1000000)) <= 0)
		return -ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		return -errno;
	return error ? -error : TAKE_FD(fd);
}

int edge_dialer_init(struct edge_dialer *d, struct str host, uint16_t port,
		     bool tls, struct buf *err)
{
	const char *ca = getenv("SSL_CERT_FILE");
	int r;

	*d = (struct edge_dialer){ .port = port, .timeout_ns = 10000000000ULL };
	d->host = str_dup(host);
	d->is_addr = addr_parse(host, &d->addr) == 0;
	r = d->host ? loop_new(&d->loop) : -ENOMEM;
	if (r == 0)
		r = resolver_new(d->loop, &d->resolver);
	if (r == 0 && tls)
		r = tls_client_new(ca ? ca : "", &d->tls, err);
	if (r < 0 && !err->len)
		buf_puts(err, strerror(-r));
	return r;
}

void edge_dialer_done(struct edge_dialer *d)
{
	(void)tls_client_free(d->tls);
	(void)resolver_free(d->resolver);
	(void)loop_free(d->loop);
	free((char *)(uintptr_t)d->host);
}

int edge_dial(struct edge_dialer *d, struct stream *s, stream_fn *fn, void *arg,
	      struct buf *err)
{
	struct lookup k = { 0 };
	int r = look_up(d, &k), fd = -1;
	size_t i = 0;

	if (r < 0) {
		buf_printf(err, "cannot look up %s: %s", d->host, strerror(-r));
		return r;
	}
	for (; fd < 0 && i < k.n; i++)
		fd = connect_to(&k.addrs[i], d->port, d->timeout_ns);
	if (fd < 0) {
		buf_printf(err, "cannot connect to %s port %u: %s", d->host,
			   (unsigned int)d->port, strerror(-fd));
		return fd;
	}
	stream_keep_alive(fd);
	r = stream_open(s, d->loop, fd, fn, arg);
	if (r == 0 && d->tls)
		r = tls_connect(d->tls, s, d->host,
				d->is_addr ? &k.addrs[i - 1] : NULL);
	if (r < 0) {
		buf_puts(err, strerror(-r));
		stream_close(s);
	}
	return r;
}
