/* SPDX-License-Identifier: MIT */
/*
 * exchange.c - HTTP/1.x requests and their answers
 *
 * Every request on a kept-alive connection is parsed and judged by itself; the
 * upstream connection is used again only for the same host and port. A body is
 * passed on by its framing, never "until the next request looks like one", and
 * chunks are written anew. After a malformed head the connection is closed:
 * what follows cannot be trusted to begin a request.
 *
 * A kept upstream may have been closed by the host just when the request is
 * sent. A request without body that got no byte of answer from a kept upstream
 * is sent once more, on a new one.
 */
#include <errno.h>
#include <stdlib.h>

#include "netproxy/conn_priv.h"

static void body_begin(struct body *b, enum http1_body kind, uint64_t length)
{
	*b = (struct body){ .kind = kind, .left = length };
	b->done = kind == HTTP1_BODY_NONE ||
		  (kind == HTTP1_BODY_LENGTH && length == 0);
}

/* Decodes what has arrived and writes the data as chunks of our own. */
static int move_chunked(struct body *b, struct stream *from, struct stream *to)
{
	struct str data;
	ssize_t used = http1_chunked_decode(&b->chunked, buf_str(&from->in),
					    &data, &b->done);

	if (used == -EAGAIN)
		return 0;
	if (used <= 0)
		return -EBADMSG;
	if (data.n && !b->unwrap)
		buf_printf(&to->out, "%zx\r\n", data.n);
	buf_put_str(&to->out, data);
	if (data.n && !b->unwrap)
		buf_puts(&to->out, "\r\n");
	if (b->done && !b->unwrap)
		buf_puts(&to->out, "0\r\n\r\n");
	buf_consume(&from->in, (size_t)used);
	return to->out.error ? to->out.error : 1;
}

/* Moves body bytes that have arrived. 0, or -errno for broken chunks. */
static int body_move(struct body *b, struct stream *from, struct stream *to)
{
	int r = 1;

	while (r == 1 && !b->done && from->in.len &&
	       to->out.len < STREAM_BUFFER) {
		size_t n = from->in.len;

		if (b->kind == HTTP1_BODY_CHUNKED) {
			r = move_chunked(b, from, to);
			continue;
		}
		if (b->kind == HTTP1_BODY_LENGTH)
			n = (size_t)MIN(n, b->left);
		n = stream_move(from, to, n);
		r = n > 0;
		if (b->kind == HTTP1_BODY_LENGTH) {
			b->left -= n;
			b->done = b->left == 0;
		}
	}
	if (b->kind == HTTP1_BODY_CHUNKED)
		stream_flush(to);
	return MIN(r, 0);
}

/* The same without looking at it, where much is still to come. */
static void body_splice(struct conn *c, struct body *b, struct stream *from,
			struct splice **s)
{
	bool counted = b->kind == HTTP1_BODY_LENGTH;
	uint64_t much = counted ? b->left : from->n_in, n;

	if (b->done || b->kind == HTTP1_BODY_CHUNKED ||
	    (!*s && much < CONN_SPLICE_FROM))
		return;
	n = conn_splice(c, from, s, counted ? b->left : UINT64_MAX);
	if (counted)
		b->left -= n;
}

/* Moves what has arrived. 0, or -errno for broken chunks. */
static int body_run(struct conn *c, struct body *b, struct stream *from,
		    struct splice **s)
{
	struct stream *to = from == &c->client ? &c->upstream : &c->client;
	int r = body_move(b, from, to);

	if (r == 0)
		body_splice(c, b, from, s);
	if (*s && b->kind == HTTP1_BODY_LENGTH)
		b->done = b->left == 0 && !splice_held(*s);
	if (*s && b->done)
		conn_end_splice(from, s);
	return r;
}

void exchange_reply(struct conn *c, unsigned int status, const char *body)
{
	buf_printf(&c->client.out,
		   "HTTP/1.1 %u %s\r\nContent-Type: text/plain\r\n"
		   "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
		   status, http1_reason(status), strlen(body),
		   str_eq(buf_str(&c->request.method), STR("HEAD")) ? ""
								    : body);
	stream_flush(&c->client);
	conn_end_splice(&c->client, &c->up);
	conn_enter(c, CONN_LINGER);
}

/* An upstream that is left over from an earlier request to the place. It is
 * judged anew, with the address it is connected to. */
static bool reuse_upstream(struct conn *c)
{
	struct request *r = &c->request;
	struct str host = buf_str(&r->host);
	struct net_answer a;
	int fd;

	if (stream_is_open(&c->upstream)) {
		if (c->upstream_host && c->upstream_port == r->port &&
		    str_eq_c(host, c->upstream_host) && !c->upstream.eof &&
		    !c->upstream.failed && !c->upstream.in.len)
			goto judge;
		conn_drop_upstream(c);
	}
	c->approved = 0; /* was for the one before */
	fd = pool_take(&c->table->pool, host, r->port, &c->upstream_addr);
	if (fd < 0)
		return false;
	if (conn_open_upstream(c, fd) < 0)
		return false;
	stream_set_reset(c->upstream.fd, true);
judge:
	a = gate_decide(c->table->gate, host, &c->upstream_addr, r->port);
	a.allowed = conn_permits(c, &a);
	if (a.allowed && conn_record(c, &a, &c->upstream_addr) == 0)
		return true;
	conn_drop_upstream(c); /* the dial finds and records the denial */
	return false;
}

void exchange_begin(struct conn *c)
{
	c->in_before = c->upstream.n_in;
	buf_put(&c->upstream.out, c->head_out.data, c->head_out.len);
	if (!c->reused)
		buf_done(&c->head_out);
	conn_enter(c, CONN_EXCHANGE);
	stream_flush(&c->upstream);
}

static void begin_request(struct conn *c, const struct http1_head *head)
{
	struct request *r = &c->request;

	c->response_seen = false;
	c->http10 = head->minor == 0;
	c->client_keep = head->keep_alive && !r->upgrade;
	buf_done(&c->head_out);
	if (!conn_within_rate(c)) {
		exchange_reply(c, 429,
			       "blocked by policy\n"
			       "rule=net-rate-limit: too many requests\n");
		return;
	}
	if (r->connect) {
		conn_drop_upstream(c);
		conn_dial(c);
		return;
	}
	if (gate_intercepts(c->table->gate, buf_str(&r->host), r->port)) {
		exchange_reply(c, 403,
			       "blocked by policy\n"
			       "use https:// for this host\n");
		return;
	}
	body_begin(&c->to_up, head->body, head->content_length);
	request_emit(r, head, c->client_keep, &c->head_out);
	if (c->head_out.error || r->path.error || r->method.error) {
		exchange_reply(c, 503, "out of memory\n");
		return;
	}
	c->reused = reuse_upstream(c);
	if (c->reused)
		exchange_begin(c);
	else
		conn_dial(c);
}

/* A name that was not looked up to the address of the connection. */
static void refuse_host(struct conn *c)
{
	const struct net_answer a = { .builtin = "net-floor-server-name" };
	_cleanup_buf_ struct buf body = BUF_INIT;

	(void)conn_record(c, &a, &c->upstream_addr); /* refused either way */
	gate_explain(c->table->gate, buf_str(&c->request.host), c->request.port,
		     &a, &body);
	exchange_reply(c, 403, buf_cstr(&body));
}

static void refuse_malformed(struct conn *c, unsigned int status,
			     const char *why)
{
	if (c->origin && c->upstream_host && !c->request.host.len) {
		buf_puts(&c->request.host, c->upstream_host);
		c->request.port = c->upstream_port;
	}
	conn_record_malformed(c);
	exchange_reply(c, status, why);
}

bool exchange_read_head(struct conn *c)
{
	struct http1_head *head = &c->table->head;
	ssize_t n = http1_parse_request(buf_str(&c->client.in), head);
	int status;

	if (n == -EAGAIN)
		return false;
	request_done(&c->request);
	c->request = (struct request){ .host = BUF_INIT };
	if (n > 0 && c->table->api->enabled && !c->origin &&
	    head->target.p[0] == '/') {
		conn_to_api(c);
		return false;
	}
	if (n < 0) {
		refuse_malformed(c, n == -E2BIG ? 431 : 400,
				 "malformed request\n");
		return true;
	}
	status = c->origin ? request_parse_origin(head,
						  str_from(c->upstream_host),
						  c->upstream_port, &c->request)
			   : request_parse(head, &c->request);
	if (status) {
		refuse_malformed(c, (unsigned int)status,
				 "malformed request target\n");
		return true;
	}
	if (c->origin && !direct_takes_request(c))
		refuse_host(c);
	else
		begin_request(c, head);
	/* what follows the head is body or, after CONNECT, tunnel bytes */
	buf_consume(&c->client.in, (size_t)n);
	return true;
}

/* Passes response heads on, 1xx ones too, until the final one. */
static int read_response(struct conn *c)
{
	while (!c->response_seen) {
		struct http1_head *h = &c->table->head;
		ssize_t n = http1_parse_response(buf_str(&c->upstream.in),
						 buf_str(&c->request.method),
						 h);
		bool plain;

		if (n == -EAGAIN)
			return c->upstream.eof ? -EBADMSG : 0;
		if (n < 0 || (h->status == 101 && !c->request.upgrade))
			return -EBADMSG;
		plain = c->http10 && h->body == HTTP1_BODY_CHUNKED;
		c->upstream_keep = h->keep_alive &&
				   h->body != HTTP1_BODY_UNTIL_CLOSE;
		if (h->body == HTTP1_BODY_UNTIL_CLOSE || plain)
			c->client_keep = false;
		if (h->status >= 200 || !c->http10)
			response_emit(h, c->client_keep, plain, &c->client.out);
		body_begin(&c->to_client, h->body, h->content_length);
		c->to_client.unwrap = plain;
		buf_consume(&c->upstream.in, (size_t)n);
		buf_done(&c->head_out);
		if (h->status == 101) {
			conn_enter(c, CONN_TUNNEL);
			return 0;
		}
		c->response_seen = h->status >= 200;
	}
	return 0;
}

/* The host closed a kept connection before it saw the request. */
static bool try_again(struct conn *c)
{
	struct stream *u = &c->upstream;

	if (!c->reused || c->response_seen || u->n_in > c->in_before ||
	    !(u->eof || u->failed) || c->to_up.kind != HTTP1_BODY_NONE)
		return false;
	c->reused = false;
	stream_close(u);
	conn_dial(c);
	return true;
}

/*
 * Servers that expect no body with a method may take it for the next request,
 * and their answer to it would be there for whoever gets the connection next.
 */
static bool body_is_odd(const struct conn *c)
{
	static const char *const usual[] = { "POST", "PUT", "PATCH" };

	if (c->to_up.kind == HTTP1_BODY_NONE)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		if (str_eq_c(buf_str(&c->request.method), usual[i]))
			return false;
	return true;
}

static int finish(struct conn *c)
{
	stream_flush(&c->client);
	conn_end_splice(&c->upstream, &c->down);
	conn_end_splice(&c->client, &c->up);
	/* an answer before the whole request was sent ends the connection */
	if (!c->to_up.done) {
		c->client_keep = false;
		c->upstream_keep = false;
	}
	if (body_is_odd(c))
		c->upstream_keep = false;
	if (!c->upstream_keep)
		stream_close(&c->upstream);
	conn_enter(c, c->client_keep ? CONN_HEAD : CONN_LINGER);
	return 0;
}

int exchange_run(struct conn *c)
{
	struct stream *u = &c->upstream;
	int r = body_run(c, &c->to_up, &c->client, &c->up);

	if (r == 0 && !c->to_up.done && c->client.eof && !c->client.in.len &&
	    !splice_held(c->up))
		r = -EPIPE; /* half a request */
	if (r < 0)
		return r;
	if (try_again(c))
		return 0;
	r = read_response(c);
	if (r < 0 || c->state == CONN_TUNNEL)
		return r;
	if (!c->response_seen)
		return u->failed ? -EPIPE : 0;
	r = body_run(c, &c->to_client, u, &c->down);
	if (r < 0)
		return r;
	stream_flush(&c->client);
	if (c->to_client.kind == HTTP1_BODY_UNTIL_CLOSE && u->eof &&
	    u->in.len == 0 && !u->reset && !splice_held(c->down))
		c->to_client.done = true;
	if (c->to_client.done)
		return finish(c);
	return u->eof && u->in.len == 0 && !splice_held(c->down) ? -EPIPE : 0;
}
