/* SPDX-License-Identifier: MIT */
/*
 * conn.c - one client connection of the explicit proxy
 *
 *	HEAD --CONNECT--> DIAL --200--> TUNNEL --both ends done--> closed
 *	HEAD --http://--> DIAL --head--> EXCHANGE --kept alive--> HEAD
 *	HEAD --bad/denied--> reply, then HEAD or closed
 *
 * Every request on a kept-alive connection is parsed and judged by itself; the
 * upstream connection is used again only for the same host and port. A body is
 * passed on by its framing, never "until the next request looks like one".
 * After a malformed head the connection is closed: what follows cannot be
 * trusted to begin a request.
 */
#include "netproxy/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/http1.h"
#include "netproxy/request.h"
#include "netproxy/stream.h"

#define HEAD_TIMEOUT_NS 60000000000ULL /* a client that sends no head */

enum conn_state {
	CONN_HEAD = 0,
	CONN_DIAL,
	CONN_EXCHANGE,
	CONN_TUNNEL,
	CONN_FLUSH, /* last bytes to the client, then close */
};

/* How much of one direction's body is still to come. */
struct body {
	enum http1_body kind;
	uint64_t left;
	struct http1_chunked chunked;
	bool done;
};

struct conn {
	struct conn_table *table;
	struct conn *next, **link;
	enum conn_state state;
	struct stream client, upstream;
	uint16_t client_port;
	struct request request;
	char *upstream_key;      /* "host:port" of the open upstream; owned */
	struct buf head_out;     /* request head waiting for the dial */
	struct http1_head *head; /* owned scratch */
	struct dial *dial;
	struct loop_source *timer;
	struct body to_up, to_client;
	bool response_seen, client_keep, upstream_keep;
};

static void conn_free(struct conn *c)
{
	dial_cancel(c->dial);
	(void)loop_remove(c->timer);
	stream_close(&c->client);
	stream_close(&c->upstream);
	request_done(&c->request);
	buf_done(&c->head_out);
	free(c->upstream_key);
	free(c->head);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->table->n--;
	free(c);
}

static void body_begin(struct body *b, enum http1_body kind, uint64_t length)
{
	*b = (struct body){ .kind = kind, .left = length };
	b->done = kind == HTTP1_BODY_NONE ||
		  (kind == HTTP1_BODY_LENGTH && length == 0);
}

/* Moves body bytes that have arrived. 0, or -EBADMSG for broken chunks. */
static int body_move(struct body *b, struct stream *from, struct stream *to)
{
	while (!b->done && from->in.len && to->out.len < STREAM_BUFFER) {
		size_t n = from->in.len;

		if (b->kind == HTTP1_BODY_LENGTH) {
			n = stream_move(from, to, (size_t)MIN(n, b->left));
			b->left -= n;
			b->done = b->left == 0;
		} else if (b->kind == HTTP1_BODY_CHUNKED) {
			struct str data;
			ssize_t used = http1_chunked_decode(&b->chunked,
							    buf_str(&from->in),
							    &data, &b->done);

			if (used == -EAGAIN)
				return 0;
			if (used <= 0)
				return -EBADMSG;
			/* checked framing, passed on as it came */
			n = stream_move(from, to, (size_t)used);
		} else {
			n = stream_move(from, to, n);
		}
		if (n == 0)
			return 0;
	}
	return 0;
}

static void reply(struct conn *c, unsigned int status, const char *body,
		  bool keep)
{
	buf_printf(&c->client.out,
		   "HTTP/1.1 %u %s\r\nContent-Type: text/plain\r\n"
		   "Content-Length: %zu\r\nConnection: %s\r\n\r\n%s",
		   status, http1_reason(status), strlen(body),
		   keep ? "keep-alive" : "close", body);
	stream_flush(&c->client);
	c->state = keep ? CONN_HEAD : CONN_FLUSH;
}

static void reply_denied(struct conn *c, const struct gate_answer *a)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct str rule = gate_rule(c->table->gate, a);

	/* the first line is what agentsh's users look for */
	buf_puts(&body, "blocked by policy\n");
	buf_printf(&body, "rule=" STR_FMT " host=%s:%u\n", STR_ARG(rule),
		   buf_cstr(&c->request.host), (unsigned int)c->request.port);
	reply(c, 403, buf_cstr(&body), false);
}

static int record(struct conn *c, const struct gate_answer *a,
		  const struct addr *addr)
{
	struct gate_request r = {
		.type = c->request.connect ? STR("net_connect")
					   : STR("net_http_request"),
		.host = buf_str(&c->request.host),
		.port = c->request.port,
		.addr = addr,
		.method = buf_str(&c->request.method),
		.path = buf_str(&c->request.path),
		.client_port = c->client_port,
	};

	return gate_record(c->table->gate, &r, a);
}

static void on_stream(struct stream *s, void *arg);
static void conn_run(struct conn *c);

static void on_dialled(void *arg, const struct dial_result *r)
{
	struct conn *c = arg;
	int recorded;

	recorded = record(c, &r->answer, r->has_addr ? &r->addr : NULL);
	if (r->error == -EACCES) {
		reply_denied(c, &r->answer);
	} else if (r->error || recorded < 0) {
		if (r->fd >= 0)
			(void)close(r->fd);
		reply(c, recorded < 0 ? 503 : 502,
		      recorded < 0 ? "not recorded, so refused\n"
				   : "cannot reach the host\n",
		      false);
	} else if (stream_open(&c->upstream, c->client.loop, r->fd, on_stream,
			       c) < 0) {
		reply(c, 503, "out of memory\n", false);
	} else if (c->request.connect) {
		buf_puts(&c->client.out,
			 "HTTP/1.1 200 Connection Established\r\n\r\n");
		stream_flush(&c->client);
		c->state = CONN_TUNNEL;
	} else {
		c->state = CONN_EXCHANGE;
		buf_put(&c->upstream.out, c->head_out.data, c->head_out.len);
		stream_flush(&c->upstream);
	}
	buf_done(&c->head_out);
	conn_run(c);
}

static char *make_key(const struct request *r)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "%s:%u", buf_cstr(&r->host), (unsigned int)r->port);
	return buf_take(&b);
}

/* An idle upstream of the same place may be used again, judged anew. */
static bool reuse_upstream(struct conn *c, const char *key)
{
	struct gate_answer a;

	if (!stream_is_open(&c->upstream) || !c->upstream_key ||
	    strcmp(key, c->upstream_key) != 0 || c->upstream.eof ||
	    c->upstream.failed || c->upstream.in.len)
		return false;
	a = gate_decide(c->table->gate, buf_str(&c->request.host),
			c->request.is_addr ? &c->request.addr : NULL,
			c->request.port);
	return a.allowed && record(c, &a, NULL) == 0;
}

static void begin_request(struct conn *c, const struct http1_head *head)
{
	struct request *r = &c->request;
	char *key = make_key(r);

	if (!key) {
		reply(c, 503, "out of memory\n", false);
		return;
	}
	body_begin(&c->to_up, head->body, head->content_length);
	c->response_seen = false;
	c->client_keep = head->keep_alive && !r->upgrade;
	if (!r->connect)
		request_emit(r, head, c->client_keep, &c->head_out);
	if (head->expect_continue && !c->to_up.done) {
		buf_puts(&c->client.out, "HTTP/1.1 100 Continue\r\n\r\n");
		stream_flush(&c->client);
	}
	if (!r->connect && reuse_upstream(c, key)) {
		free(key);
		c->state = CONN_EXCHANGE;
		buf_put(&c->upstream.out, c->head_out.data, c->head_out.len);
		buf_done(&c->head_out);
		stream_flush(&c->upstream);
		return;
	}
	stream_close(&c->upstream);
	free(c->upstream_key);
	c->upstream_key = key;
	c->state = CONN_DIAL;
	if (dial_start(&c->table->dialer, buf_str(&r->host),
		       r->is_addr ? &r->addr : NULL, r->port, on_dialled, c,
		       &c->dial) < 0)
		reply(c, 503, "out of memory\n", false);
}

/* True if a head was complete and dealt with. */
static bool read_head(struct conn *c)
{
	ssize_t n = http1_parse_request(buf_str(&c->client.in), c->head);
	int status;

	if (n == -EAGAIN)
		return false;
	if (n < 0) {
		reply(c, 400, "malformed request\n", false);
		return true;
	}
	request_done(&c->request);
	status = request_parse(c->head, &c->request);
	if (status) {
		reply(c, (unsigned int)status, "malformed request target\n",
		      false);
		return true;
	}
	(void)loop_timer_arm(c->timer, 0);
	begin_request(c, c->head);
	/* what follows the head is body or, after CONNECT, tunnel bytes */
	buf_consume(&c->client.in, (size_t)n);
	return true;
}

/* Parses response heads (1xx are passed on) until the final one. */
static int read_response(struct conn *c)
{
	while (!c->response_seen) {
		struct http1_head *h = c->head;
		ssize_t n = http1_parse_response(buf_str(&c->upstream.in),
						 buf_str(&c->request.method),
						 h);

		if (n == -EAGAIN)
			return c->upstream.eof ? -EBADMSG : 0;
		if (n < 0)
			return -EBADMSG;
		c->upstream_keep = h->keep_alive &&
				   h->body != HTTP1_BODY_UNTIL_CLOSE;
		if (h->body == HTTP1_BODY_UNTIL_CLOSE)
			c->client_keep = false;
		response_emit(h, c->client_keep, &c->client.out);
		body_begin(&c->to_client, h->body, h->content_length);
		buf_consume(&c->upstream.in, (size_t)n);
		if (h->status == 101) {
			c->state = CONN_TUNNEL;
			return 0;
		}
		c->response_seen = h->status >= 200;
	}
	return 0;
}

static int run_exchange(struct conn *c)
{
	int r = body_move(&c->to_up, &c->client, &c->upstream);

	if (r == 0)
		r = read_response(c);
	if (r < 0 || c->state == CONN_TUNNEL)
		return r;
	if (!c->response_seen)
		return c->upstream.failed ? -EPIPE : 0;
	r = body_move(&c->to_client, &c->upstream, &c->client);
	if (r < 0)
		return r;
	stream_flush(&c->client);
	if (c->to_client.kind == HTTP1_BODY_UNTIL_CLOSE && c->upstream.eof &&
	    c->upstream.in.len == 0)
		c->to_client.done = true;
	if (!c->to_client.done)
		return c->upstream.eof && c->upstream.in.len == 0 ? -EPIPE : 0;
	/* an answer before the whole request was sent ends the connection */
	if (!c->to_up.done)
		c->client_keep = false;
	if (!c->upstream_keep)
		stream_close(&c->upstream);
	c->state = c->client_keep ? CONN_HEAD : CONN_FLUSH;
	return 0;
}

/* True when both directions are over. */
static bool run_tunnel(struct conn *c)
{
	struct stream *a = &c->client, *b = &c->upstream;

	(void)stream_move(a, b, SIZE_MAX);
	(void)stream_move(b, a, SIZE_MAX);
	if (a->eof && a->in.len == 0 && !b->shut_when_flushed)
		stream_shutdown(b);
	if (b->eof && b->in.len == 0 && !a->shut_when_flushed)
		stream_shutdown(a);
	return (a->shut && b->shut) || a->failed || b->failed;
}

/* Does what can be done now; may free c. */
static void conn_run(struct conn *c)
{
	enum conn_state before;
	int r = 0;

	if (c->client.failed) {
		conn_free(c);
		return;
	}
	do {
		before = c->state;
		if (before == CONN_HEAD && !read_head(c))
			break;
		if (c->state == CONN_EXCHANGE)
			r = run_exchange(c);
		if (r < 0) {
			/* half an answer went out: only closing is honest */
			if (c->response_seen) {
				conn_free(c);
				return;
			}
			stream_close(&c->upstream);
			reply(c, 502, "bad answer from the host\n", false);
			r = 0;
		}
	} while (c->state != before);
	if ((c->state == CONN_TUNNEL && run_tunnel(c)) ||
	    (c->state == CONN_FLUSH && c->client.out.len == 0) ||
	    (c->state == CONN_HEAD && c->client.eof)) {
		if (c->state == CONN_FLUSH)
			stream_shutdown(&c->client);
		conn_free(c);
		return;
	}
	if (c->state == CONN_HEAD)
		(void)loop_timer_arm(c->timer, HEAD_TIMEOUT_NS);
	stream_want(&c->client, c->state != CONN_FLUSH &&
					c->state != CONN_DIAL &&
					c->upstream.out.len < STREAM_BUFFER);
	stream_want(&c->upstream, c->client.out.len < STREAM_BUFFER);
}

static void on_stream(struct stream *s, void *arg)
{
	(void)s;
	conn_run(arg);
}

static void on_head_timeout(struct loop *l, void *arg)
{
	struct conn *c = arg;

	(void)l;
	if (c->state == CONN_HEAD)
		conn_free(c);
}

void conn_accept(struct conn_table *t, int fd)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	struct addr addr;
	struct conn *c;
	const int one = 1;

	c = t->n < CONN_MAX ? calloc(1, sizeof(*c)) : NULL;
	if (!c) {
		(void)close(fd);
		return;
	}
	c->table = t;
	c->upstream.fd = -1;
	c->next = t->head;
	c->link = &t->head;
	if (c->next)
		c->next->link = &c->next;
	t->head = c;
	t->n++;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (getpeername(fd, (struct sockaddr *)&peer, &n) == 0)
		(void)addr_from_sockaddr(&peer, n, &addr, &c->client_port);
	c->head = calloc(1, sizeof(*c->head));
	if (!c->head || loop_add_timer(t->dialer.loop, HEAD_TIMEOUT_NS,
				       on_head_timeout, c, &c->timer) < 0) {
		(void)close(fd);
		c->client.fd = -1;
		conn_free(c);
		return;
	}
	if (stream_open(&c->client, t->dialer.loop, fd, on_stream, c) < 0) {
		conn_free(c);
		return;
	}
	stream_want(&c->client, true);
}

void conn_close_all(struct conn_table *t)
{
	while (t->head)
		conn_free(t->head);
}
