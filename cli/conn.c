/* SPDX-License-Identifier: MIT */
/*
 * conn.c - one HTTP exchange with the server
 */
#include "cli/conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/rendezvous.h"
#include "cli/resolve.h"
#include "config.h"
#include "core/edge.h"

void conn_done(struct conn *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	buf_done(&c->in);
	buf_done(&c->body);
	*c = CONN_INIT;
}

int conn_poll(int fd, short events, uint64_t deadline_ns)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int wait = -1, r;

		if (deadline_ns) {
			uint64_t now = clock_monotonic_ns();
			uint64_t ms =
				now >= deadline_ns
					? 0
					: (deadline_ns - now) / 1000000 + 1;

			wait = ms > 1000000000 ? 1000000000 : (int)ms;
		}
		r = poll(&p, 1, wait);
		if (r > 0)
			return 0;
		if (r == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int connect_to(struct conn *c, const struct sockaddr *sa, socklen_t len,
		      uint64_t deadline_ns)
{
	_cleanup_close_ int fd = socket(
		sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0, one = 1, r;
	socklen_t size = sizeof(error);

	if (fd < 0)
		return -errno;
	if (connect(fd, sa, len) < 0) {
		if (errno != EINPROGRESS && errno != EAGAIN)
			return -errno;
		r = conn_poll(fd, POLLOUT, deadline_ns);
		if (r < 0)
			return r;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
			return -errno;
		if (error)
			return -error;
	}
	/* Requests are small: do not wait for more of them. */
	if (sa->sa_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
				 sizeof(one));
	c->fd = TAKE_FD(fd);
	return 0;
}

static int open_unix(struct conn *c, const char *path, uint64_t deadline_ns)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	int r;

	if (n >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, path, n);
	c->local = true;
	r = connect_to(c, (const struct sockaddr *)&sa, sizeof(sa),
		       deadline_ns);
	return r < 0 ? r : rendezvous_check_server(c->fd);
}

static int open_rendezvous(struct conn *c, uint16_t port)
{
	int fd = rendezvous_connect(port), r;

	if (fd < 0)
		return fd;
	r = fd_set_nonblock(fd, true);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	c->fd = fd;
	c->local = true;
	return 0;
}

/*
 * https: agentsh-edge stands between, and says on our standard error what is
 * wrong with the other side. It ends when the connection does.
 */
static int open_tls(struct conn *c, const struct server_url *u)
{
	char connect_word[] = "connect", port[8], host[sizeof(u->host)];
	char *argv[] = { NULL, connect_word, host, port, NULL };
	_cleanup_close_ int ours = -1, theirs = -1;
	int pair[2], r;
	pid_t pid;

	(void)snprintf(host, sizeof(host), "%s", u->host);
	(void)snprintf(port, sizeof(port), "%u", (unsigned int)u->port);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	r = fd_set_nonblock(ours, true);
	if (r == 0)
		r = edge_spawn(argv, theirs, &pid);
	if (r == 0)
		c->fd = TAKE_FD(ours);
	return r;
}

int conn_open(struct conn *c, const struct server_url *u, uint64_t deadline_ns)
{
	struct resolved addrs[RESOLVE_MAX];
	size_t n = 0;
	int r;

	if (u->path[0])
		return open_unix(c, u->path, deadline_ns);
	if (u->loopback && open_rendezvous(c, u->port) == 0)
		return 0;
	if (u->tls) {
		c->local = false;
		return open_tls(c, u);
	}
	r = resolve_host(u->host, u->port, addrs, &n);
	if (r < 0)
		return r;
	c->local = false;
	for (size_t i = 0; i < n; i++) {
		r = connect_to(c, (const struct sockaddr *)&addrs[i].addr,
			       addrs[i].len, deadline_ns);
		if (r == 0)
			return 0;
	}
	return r;
}

static void put_head(struct buf *b, const struct server_url *u,
		     const char *api_key, const struct conn_request *rq)
{
	const char *trace = getenv("TRACEPARENT");

	buf_printf(b, "%s %s%s HTTP/1.1\r\nHost: ", rq->method, u->prefix,
		   rq->target);
	if (u->path[0])
		buf_puts(b, "agentsh");
	else if (strchr(u->host, ':'))
		buf_printf(b, "[%s]:%u", u->host, (unsigned int)u->port);
	else
		buf_printf(b, "%s:%u", u->host, (unsigned int)u->port);
	buf_puts(b, "\r\nUser-Agent: agentsh/" AGENTSH_VERSION "\r\n");
	if (rq->body.n)
		buf_puts(b, "Content-Type: application/json\r\n");
	if (rq->body.n || strcmp(rq->method, "GET") != 0)
		buf_printf(b, "Content-Length: %zu\r\n", rq->body.n);
	if (api_key && api_key[0] && !strpbrk(api_key, "\r\n"))
		buf_printf(b, "X-API-Key: %s\r\n", api_key);
	if (trace && trace[0] && !strpbrk(trace, "\r\n"))
		buf_printf(b, "Traceparent: %s\r\n", trace);
	buf_put_str(b, rq->headers);
	if (str_find(rq->headers, STR("Upgrade:")) < 0)
		buf_puts(b, "Connection: close\r\n");
	buf_puts(b, "\r\n");
	buf_put_str(b, rq->body);
}

int conn_send(struct conn *c, const struct server_url *u, const char *api_key,
	      const struct conn_request *rq, uint64_t deadline_ns)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	size_t done = 0, n_fds = c->local ? rq->n_fds : 0;

	c->method = rq->method;
	put_head(&b, u, api_key, rq);
	if (b.error)
		return b.error;
	while (done < b.len) {
		ssize_t n;
		int r;

		if (n_fds)
			n = fd_send(c->fd, b.data, b.len, rq->fds, n_fds,
				    MSG_NOSIGNAL);
		else
			n = send(c->fd, b.data + done, b.len - done,
				 MSG_NOSIGNAL);
		if (n < 0 && !n_fds)
			n = -errno;
		if (n == -EINTR)
			continue;
		if (n == -EAGAIN) {
			r = conn_poll(c->fd, POLLOUT, deadline_ns);
			if (r < 0)
				return r;
			continue;
		}
		if (n < 0)
			return (int)n;
		c->sent = true;
		n_fds = 0;
		done += (size_t)n;
	}
	return 0;
}

int conn_feed(struct conn *c)
{
	for (;;) {
		char *room = buf_reserve(&c->in, 65536);
		ssize_t n;
		int r;

		if (!room)
			return c->in.error;
		n = recv(c->fd, room, 65536, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return -errno;
		if (n == 0) {
			/* A body without a length ends with the connection. */
			if (c->state == CONN_BODY &&
			    c->framing == HTTP1_BODY_UNTIL_CLOSE) {
				c->state = CONN_DONE;
				return 1;
			}
			return -ECONNRESET;
		}
		c->in.len += (size_t)n;
		c->in.data[c->in.len] = '\0';
		r = conn_parse(c);
		if (r != 0)
			return r;
	}
}

int conn_wait(struct conn *c, uint64_t deadline_ns)
{
	for (;;) {
		int r = conn_feed(c);

		if (r != 0)
			return r > 0 ? 0 : r;
		r = conn_poll(c->fd, POLLIN, deadline_ns);
		if (r < 0)
			return r;
	}
}
