/* SPDX-License-Identifier: MIT */
/*
 * http.c - listeners and the reading side of connections
 *
 * A closed connection is unlinked at once and freed from a deferred call, so
 * that whoever is still on the stack may look at its state.
 */
#include "server/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "core/limits.h"
#include "server/http_conn.h"

_Static_assert(HTTP1_MAX_HEAD == LIMIT_HTTP_HEAD, "see base/http1.h");
_Static_assert(HTTP1_MAX_HEADERS == LIMIT_HTTP_HEADERS, "see base/http1.h");

#define READ_TIMEOUT_NS  (30ULL * 1000000000)
#define WRITE_TIMEOUT_NS (300ULL * 1000000000)
#define IDLE_TIMEOUT_NS  (120ULL * 1000000000)
#define ACCEPT_RETRY_NS  (100ULL * 1000000)
#define ACCEPT_ROUND     16U   /* connections before others have a turn */
#define ACCEPT_ALL       8192U /* more than wait at any time */
#define READ_CHUNK       16384
#define KEEP_BUFFER      4096

struct http_listener {
	struct http_server *server;
	struct http_listener *next;
	int fd;
	bool local;
	bool early;       /* not seen empty since the server was busy */
	http_via_fn *via; /* or NULL */
	void *via_arg;
	struct loop_source *io, *retry;
};

/* ---- life and death ---- */

static void conn_free(struct http_conn *c)
{
	buf_done(&c->in);
	buf_done(&c->out);
	buf_done(&c->chunked);
	free(c);
}

static void reap(struct loop *l, void *arg)
{
	struct http_server *s = arg;

	(void)l;
	s->reaping = false;
	while (s->dead) {
		struct http_conn *c = s->dead;

		s->dead = c->next;
		conn_free(c);
	}
}

static void close_fds(struct http_conn *c)
{
	for (size_t i = 0; i < c->n_fds; i++)
		(void)close(c->fds[i]);
	c->n_fds = 0;
}

static void tell_gone(struct http_conn *c)
{
	http_gone_fn *fn = c->gone;

	c->gone = NULL;
	c->drain = NULL;
	if (fn)
		fn(c->gone_arg);
}

void conn_close(struct http_conn *c)
{
	struct http_server *s = c->server;

	if (c->state == HTTP_CLOSED)
		return;
	c->state = HTTP_CLOSED;
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	s->n_conns--;
	c->io = loop_remove(c->io);
	c->timer = loop_remove(c->timer);
	(void)close(c->fd);
	if (c->tcp >= 0)
		(void)close(c->tcp);
	c->fd = c->tcp = -1;
	close_fds(c);
	c->next = s->dead;
	s->dead = c;
	if (!s->reaping)
		s->reaping = loop_defer(s->loop, reap, s) == 0;
	tell_gone(c);
}

static void set_interest(struct http_conn *c)
{
	uint32_t want = EPOLLRDHUP;

	if (c->state == HTTP_READ || c->state == HTTP_RAW)
		want |= EPOLLIN;
	if (c->out.len > 0)
		want |= EPOLLOUT;
	if (want == c->interest)
		return;
	c->interest = want;
	if (loop_mod_io(c->io, want) < 0)
		conn_close(c);
}

/* A request's time runs from its first byte: more bytes do not prolong it. */
static void arm_timer(struct http_conn *c)
{
	bool arriving = c->state == HTTP_READ && c->in.len > 0;
	uint64_t delay = 0;

	if (arriving && c->arriving)
		return;
	c->arriving = arriving;
	if (c->state == HTTP_READ)
		delay = c->in.len ? c->server->o.read_timeout : IDLE_TIMEOUT_NS;
	else if (c->state == HTTP_WRITE)
		delay = c->server->o.write_timeout;
	(void)loop_timer_arm(c->timer, delay);
}

static void on_timeout(struct loop *l, void *arg)
{
	(void)l;
	conn_close(arg);
}

/* ---- requests ---- */

static void refuse(struct http_conn *c, unsigned int status, const char *text)
{
	c->keep_alive = false;
	c->state = HTTP_HANDLER;
	http_reply_error(c, status, "%s", text);
}

static int read_head(struct http_conn *c)
{
	struct http1_head *h = &c->server->head;
	ssize_t n = http1_parse_request(buf_str(&c->in), h);

	if (n == -EAGAIN)
		return 0;
	if (n == -E2BIG) {
		refuse(c, 431, "request header too large");
		return -1;
	}
	if (n < 0) {
		refuse(c, 400, "malformed request");
		return -1;
	}
	c->keep_alive = h->keep_alive;
	c->http10 = h->minor == 0;
	c->is_head_method = str_eq_c(h->method, "HEAD");
	if (h->body == HTTP1_BODY_LENGTH &&
	    h->content_length > c->server->o.max_body) {
		refuse(c, 413, "request body too large");
		return -1;
	}
	c->head_len = (size_t)n;
	c->chunk = HTTP1_CHUNKED_INIT;
	c->body_read = 0;
	c->body_done = h->body == HTTP1_BODY_NONE;
	return 1;
}

static int read_chunks(struct http_conn *c)
{
	struct str data;
	bool done = false;

	while (!done) {
		struct str in =
			str_skip(buf_str(&c->in), c->head_len + c->body_read);
		ssize_t n = http1_chunked_decode(&c->chunk, in, &data, &done);

		if (n == -EAGAIN)
			return 0;
		if (n < 0) {
			refuse(c, 400, "malformed request body");
			return -1;
		}
		if (c->chunked.len + data.n > c->server->o.max_body) {
			refuse(c, 413, "request body too large");
			return -1;
		}
		buf_put_str(&c->chunked, data);
		c->body_read += (size_t)n;
	}
	c->body_done = true;
	return 1;
}

static int read_body(struct http_conn *c, struct str *ret)
{
	struct http1_head *h = &c->server->head;
	size_t have = c->in.len - c->head_len;

	*ret = STR_NONE;
	if (h->body == HTTP1_BODY_CHUNKED) {
		int r = c->body_done ? 1 : read_chunks(c);

		*ret = buf_str(&c->chunked);
		return r;
	}
	if (h->body != HTTP1_BODY_LENGTH)
		return 1;
	if (have < h->content_length)
		return 0;
	*ret = str_from_n(c->in.data + c->head_len, (size_t)h->content_length);
	c->body_read = (size_t)h->content_length;
	return 1;
}

/* Connections that got ready while a handler ran. */
static void kick(struct loop *l, void *arg)
{
	struct http_server *s = arg;
	struct http_conn *c = s->conns;

	(void)l;
	s->kicking = false;
	while (c) {
		if (!c->waits) {
			c = c->next;
			continue;
		}
		c->waits = false;
		conn_advance(c);
		c = s->conns; /* any of them may be gone */
	}
}

static void dispatch(struct http_conn *c, struct str body)
{
	struct http1_head *h = &c->server->head;
	struct http_request rq = {
		.head = h, .method = h->method, .path = h->target, .body = body
	};
	ptrdiff_t mark = str_index(h->target, '?');

	if (mark >= 0) {
		rq.path = str_from_n(h->target.p, (size_t)mark);
		rq.query = str_skip(h->target, (size_t)mark + 1);
	}
	c->state = HTTP_HANDLER;
	c->dispatching = c->server->in_handler = true;
	c->server->o.handler(c, &rq, c->server->o.arg);
	c->dispatching = c->server->in_handler = false;
	if (!c->server->kicking)
		c->server->kicking =
			loop_defer(c->server->loop, kick, c->server) == 0;
}

/* The request is handled: what follows it in the buffer is the next one. */
static void drop_request(struct http_conn *c)
{
	buf_consume(&c->in, c->head_len + c->body_read);
	c->head_len = c->body_read = 0;
	c->continued = false;
	buf_done(&c->chunked);
	if (c->in.len == 0 && c->in.size > KEEP_BUFFER)
		buf_done(&c->in);
	close_fds(c);
}

/* True when a request was dispatched or refused. */
static bool try_request(struct http_conn *c)
{
	struct str body;
	int r;

	if (c->in.len == 0)
		return false;
	/* A handler further up is still looking at the parsed head. */
	if (c->server->in_handler) {
		c->waits = true;
		return false;
	}
	/* The head is parsed again when the body is there: its views moved. */
	r = c->head_len ? (http1_parse_request(buf_str(&c->in),
					       &c->server->head) > 0)
			: read_head(c);
	if (r <= 0)
		return r < 0;
	r = read_body(c, &body);
	if (r < 0)
		return true;
	if (r == 0) {
		if (c->server->head.expect_continue && !c->continued)
			conn_queue(c, STR("HTTP/1.1 100 Continue\r\n\r\n"));
		c->continued = true;
		return false;
	}
	dispatch(c, body);
	if (c->state != HTTP_CLOSED)
		drop_request(c);
	return true;
}

static int flush(struct http_conn *c)
{
	while (c->out.len > 0) {
		ssize_t n = send(c->fd, c->out.data, c->out.len,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		buf_consume(&c->out, (size_t)n);
	}
	if (c->out.size > KEEP_BUFFER)
		buf_done(&c->out);
	return 0;
}

static bool feed_raw(struct http_conn *c)
{
	ssize_t n;

	if (c->in.len == 0 || !c->raw)
		return false;
	c->dispatching = true;
	n = c->raw(c->raw_arg, c->in.data, c->in.len);
	c->dispatching = false;
	if (c->state == HTTP_CLOSED)
		return false;
	if (n < 0) {
		(void)flush(c); /* the reason may be on its way */
		conn_close(c);
		return false;
	}
	buf_consume(&c->in, (size_t)n);
	return n > 0 && c->state == HTTP_RAW;
}

static void after_flush(struct http_conn *c)
{
	http_gone_fn *drain = c->drain;

	if (c->close_when_flushed ||
	    (c->state == HTTP_WRITE && !c->keep_alive)) {
		conn_close(c);
		return;
	}
	if (c->state == HTTP_WRITE)
		c->state = HTTP_READ;
	if (drain) {
		c->drain = NULL;
		drain(c->drain_arg);
	}
}

void conn_advance(struct http_conn *c)
{
	bool again = true;

	if (c->dispatching)
		return; /* the caller below goes on */
	while (again && c->state != HTTP_CLOSED) {
		again = false;
		if (flush(c) < 0) {
			conn_close(c);
			return;
		}
		if (c->out.len == 0)
			after_flush(c);
		if (c->state == HTTP_READ)
			again = try_request(c);
		else if (c->state == HTTP_RAW)
			again = feed_raw(c) || c->out.len > 0;
		if (again && c->out.len > 0 && c->interest & EPOLLOUT)
			again = false; /* the socket is full */
		if (c->state != HTTP_CLOSED)
			set_interest(c);
	}
	if (c->state != HTTP_CLOSED)
		arm_timer(c);
}

/* ---- sockets ---- */

static ssize_t receive(struct http_conn *c, char *p)
{
	int fds[3];
	size_t n_fds = ARRAY_LEN(fds);
	ssize_t n;

	if (!c->peer.local) {
		n = recv(c->fd, p, READ_CHUNK, MSG_DONTWAIT);
		return n < 0 ? -errno : n;
	}
	n = fd_recv(c->fd, p, READ_CHUNK, fds, &n_fds, MSG_DONTWAIT);
	for (size_t i = 0; n >= 0 && i < n_fds; i++) {
		if (c->n_fds < ARRAY_LEN(c->fds))
			c->fds[c->n_fds++] = fds[i];
		else
			(void)close(fds[i]);
	}
	return n;
}

/* 1 read something, 0 nothing now, -1 end or error */
static int fill(struct http_conn *c)
{
	char *p = buf_reserve(&c->in, READ_CHUNK);
	ssize_t n;

	if (!p) {
		c->in.error = 0; /* over the cap: what is there is judged */
		return c->in.len > 0 ? -1 : 0;
	}
	n = receive(c, p);
	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n <= 0)
		return -1;
	c->in.len += (size_t)n;
	c->in.data[c->in.len] = '\0';
	return 1;
}

static void on_conn(struct loop *l, int fd, uint32_t events, void *arg)
{
	struct http_conn *c = arg;
	int r = 1;

	(void)l;
	(void)fd;
	if (events & EPOLLIN && c->interest & EPOLLIN)
		r = fill(c);
	else if (events & (EPOLLHUP | EPOLLRDHUP))
		r = -1;
	if (r < 0 || events & EPOLLERR) {
		conn_close(c);
		return;
	}
	conn_advance(c);
}

static void identify_peer(struct http_conn *c, bool local)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);
	int one = 1;

	c->peer = (struct http_peer){ .local = local,
				      .fd = c->tcp >= 0 ? c->tcp : c->fd,
				      .uid = (uid_t)-1 };
	if (!local) {
		(void)setsockopt(c->peer.fd, IPPROTO_TCP, TCP_NODELAY, &one,
				 sizeof(one));
		return;
	}
	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0) {
		c->peer.pid = cred.pid;
		c->peer.uid = cred.uid;
	}
}

/* Takes fd, and tcp if it stands for another (-1), unless it fails. */
static int conn_new(const struct http_listener *ls, int fd, int tcp)
{
	struct http_server *s = ls->server;
	struct http_conn *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->server = s;
	c->fd = fd;
	c->tcp = tcp;
	c->in.cap = HTTP1_MAX_HEAD + (size_t)s->o.max_body + READ_CHUNK + 1;
	c->interest = EPOLLIN | EPOLLRDHUP;
	identify_peer(c, ls->local);
	c->peer.early = ls->early;
	r = loop_add_io(s->loop, fd, c->interest, on_conn, c, &c->io);
	if (r == 0)
		r = loop_add_timer(s->loop, s->o.read_timeout, on_timeout, c,
				   &c->timer);
	if (r < 0) {
		c->io = loop_remove(c->io);
		free(c);
		return r;
	}
	c->next = s->conns;
	c->link = &s->conns;
	if (c->next)
		c->next->link = &c->next;
	s->conns = c;
	s->n_conns++;
	return 0;
}

static void on_retry(struct loop *l, void *arg)
{
	struct http_listener *ls = arg;

	(void)l;
	(void)loop_mod_io(ls->io, EPOLLIN);
}

/* Takes conn unless it fails. */
static int accepted(struct http_listener *ls, int conn)
{
	int fd, r;

	if (!ls->via)
		return conn_new(ls, conn, -1);
	fd = ls->via(ls->via_arg, conn);
	if (fd < 0)
		return fd;
	r = conn_new(ls, fd, conn);
	if (r < 0)
		(void)close(fd);
	return r;
}

/* Commands reach us by TCP only: whoever rules them keeps a way in. */
static size_t room_for(const struct http_listener *ls)
{
	return ls->local ? LIMIT_HTTP_CLIENTS
			 : LIMIT_HTTP_CLIENTS - LIMIT_HTTP_CLIENTS / 8;
}

/*
 * Closes the TCP connection that is the oldest of those without a whole request:
 * who holds many open without asking anything keeps nobody out who asks.
 */
static bool make_room(struct http_server *s)
{
	struct http_conn *oldest = NULL;

	for (struct http_conn *c = s->conns; c; c = c->next)
		if (c->state == HTTP_READ && !c->peer.local && !c->waits &&
		    !c->dispatching)
			oldest = c; /* new ones come first */
	if (oldest)
		conn_close(oldest);
	return oldest != NULL;
}

static void accept_some(struct http_listener *ls, unsigned int most)
{
	for (unsigned int i = 0; i < most; i++) {
		int conn = accept4(ls->fd, NULL, NULL,
				   SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (conn < 0 && errno == EAGAIN)
			ls->early = ls->server->busy;

		/* Out of descriptors: the listener stays readable, so look
		 * away for a moment instead of spinning. */
		if (conn < 0 && (errno == EMFILE || errno == ENFILE ||
				 errno == ENOMEM || errno == ENOBUFS)) {
			(void)loop_mod_io(ls->io, 0);
			(void)loop_timer_arm(ls->retry, ACCEPT_RETRY_NS);
		}
		if (conn < 0)
			return;
		if ((ls->server->n_conns >= room_for(ls) &&
		     !make_room(ls->server)) ||
		    accepted(ls, conn) < 0)
			(void)close(conn);
	}
}

static void on_listener(struct loop *l, int fd, uint32_t events, void *arg)
{
	(void)l;
	(void)fd;
	(void)events;
	accept_some(arg, ACCEPT_ROUND);
}

void http_server_busy(struct http_server *s, bool busy)
{
	if (s->busy == busy)
		return;
	s->busy = busy;
	for (struct http_listener *ls = s->listeners; ls; ls = ls->next) {
		if (busy)
			ls->early = true;
		else
			accept_some(ls, ACCEPT_ALL);
	}
}

static int add_listener(struct http_server *s, int fd, bool local,
			struct http_listener **ret)
{
	struct http_listener *ls = calloc(1, sizeof(*ls));
	int r;

	if (!ls)
		return -ENOMEM;
	ls->server = s;
	ls->fd = fd;
	ls->local = local;
	ls->early = s->busy;
	r = loop_add_io(s->loop, fd, EPOLLIN, on_listener, ls, &ls->io);
	if (r == 0)
		r = loop_add_timer(s->loop, 0, on_retry, ls, &ls->retry);
	if (r < 0) {
		ls->io = loop_remove(ls->io);
		free(ls);
		return r;
	}
	ls->next = s->listeners;
	s->listeners = ls;
	*ret = ls;
	return 0;
}

int http_server_listen(struct http_server *s, int fd, bool local)
{
	struct http_listener *ls;

	return add_listener(s, fd, local, &ls);
}

int http_server_listen_via(struct http_server *s, int fd, http_via_fn *fn,
			   void *arg)
{
	struct http_listener *ls;
	int r = add_listener(s, fd, /* local */ false, &ls);

	if (r == 0) {
		ls->via = fn;
		ls->via_arg = arg;
	}
	return r;
}

void http_server_stop_accepting(struct http_server *s)
{
	while (s->listeners) {
		struct http_listener *ls = s->listeners;

		s->listeners = ls->next;
		ls->io = loop_remove(ls->io);
		ls->retry = loop_remove(ls->retry);
		(void)close(ls->fd);
		free(ls);
	}
}

int http_server_new(const struct http_options *o, struct http_server **ret)
{
	struct http_server *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->o = *o;
	if (!s->o.read_timeout)
		s->o.read_timeout = READ_TIMEOUT_NS;
	if (!s->o.write_timeout)
		s->o.write_timeout = WRITE_TIMEOUT_NS;
	s->loop = o->loop;
	*ret = s;
	return 0;
}

struct http_server *http_server_free(struct http_server *s)
{
	if (!s)
		return NULL;
	http_server_stop_accepting(s);
	while (s->conns)
		conn_close(s->conns);
	reap(s->loop, s);
	free(s);
	return NULL;
}
