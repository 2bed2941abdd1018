/* SPDX-License-Identifier: MIT */
/*
 * tunnel.c - bytes both ways, after a look at the first ones
 *
 * The first bytes of the client are held back until they are seen to be a TLS
 * ClientHello or not. In a ClientHello the server name must be the host the
 * tunnel was asked for: otherwise an allowed name opens a way to whatever else
 * the same server front serves. Without server name it must be a tunnel to an
 * address. A second ClientHello, after a HelloRetryRequest, is looked at in the
 * same way. With encrypted ClientHello the outer name counts: a front whose
 * name is allowed is allowed. Requests in plain HTTP are read like those of an
 * own connection (direct.h): each must be for the host of the tunnel. Other
 * protocols pass: host and port were judged, and ssh over port 443 is a thing;
 * but on port 80, as with own connections, nothing is at home but HTTP.
 *
 * The host's bytes are never held back (ssh and smtp servers speak first).
 * What goes on for long is led from socket to socket by the kernel (splice.c).
 * Each direction is closed by itself. A reset on one side is a reset on the
 * other, after what arrived before it.
 */
#include <errno.h>

#include "netproxy/conn_priv.h"
#include "netproxy/first.h"
#include "netproxy/hello.h"
#include "netproxy/timers.h"

/* How long bytes that could begin anything wait for more. */
#define UNCLEAR_NS TIMER_NS(300000000ULL)

static void refuse_hello(struct conn *c, struct str sni,
			 struct net_answer answer)
{
	struct gate_request r = {
		.type = STR("net_connect"),
		.host = buf_str(&c->request.host),
		.port = c->request.port,
		.addr = &c->upstream_addr,
		.method = buf_str(&c->request.method),
		.sni = sni,
		.client_port = c->client_port,
	};

	answer.allowed = false;
	(void)gate_record(c->table->gate, &r, &answer); /* refused anyway */
	stream_abort(&c->upstream);
	hello_put_denied(&c->client.out);
	stream_flush(&c->client);
	conn_enter(c, CONN_LINGER);
}

/* May this name be asked of the host of the tunnel? */
static bool name_fits(struct conn *c, struct str name, struct net_answer *ret)
{
	struct str host = buf_str(&c->request.host);

	*ret = (struct net_answer){ .builtin = "net-floor-server-name" };
	if (c->entry == ENTRY_DIRECT && name.n &&
	    names_has(c->table->names, &c->upstream_addr, name)) {
		*ret = gate_decide(c->table->gate, name, &c->upstream_addr,
				   c->request.port);
		return ret->allowed ||
		       (conn_permits(c, ret) && str_eq(name, host));
	}
	if (!c->request.is_addr)
		return str_eq(name, host);
	if (name.n == 0)
		return true;
	/* allowed by address; a rule may still speak against the name */
	*ret = gate_decide(c->table->gate, name, &c->upstream_addr,
			   c->request.port);
	return conn_permits(c, ret);
}

static bool opens_tls(const struct conn *c, struct str host)
{
	return host.n && gate_intercepts(c->table->gate, host, c->request.port);
}

/* Neither a name nor the host of a request can be read from it. */
static void refuse_unread(struct conn *c)
{
	refuse_hello(c, STR_NONE,
		     (struct net_answer){ .builtin =
						  "net-floor-client-hello" });
}

/* A ClientHello has begun. True when it may go on. */
static bool peek_hello(struct conn *c)
{
	struct hello hello = { .name = BUF_INIT };
	struct net_answer answer = { .builtin = "net-floor-client-hello" };
	int r = hello_parse(buf_str(&c->client.in), &hello);
	bool fits = false;

	if (r == -EAGAIN && !c->client.eof)
		return false;
	if (r == 1)
		fits = name_fits(c, buf_str(&hello.name), &answer);
	if (fits && c->sni) {
		if (conn_rewrite_sni(
			    c, hello.name.len ? buf_str(&hello.name)
					      : buf_str(&c->request.host)) < 0)
			c->client.failed = true;
		buf_done(&hello.name);
		c->peeking = false;
		return !c->client.failed;
	}
	if (fits && opens_tls(c, buf_str(&hello.name))) {
		conn_intercept(c, buf_str(&hello.name));
		fits = false;
		r = 0;
	} else if (fits && opens_tls(c, buf_str(&c->request.host))) {
		conn_intercept(c, buf_str(&c->request.host));
		fits = false;
		r = 0;
	}
	if (!fits && r)
		refuse_hello(c, buf_str(&hello.name), answer);
	buf_done(&hello.name);
	c->peeking = false;
	c->again = fits;
	c->judged = hello.len;
	return fits;
}

/* The client's requests are read from here on, and each is judged. */
static void read_requests(struct conn *c)
{
	c->origin = c->upstream_keep = true;
	conn_enter(c, CONN_HEAD);
}

/* HTTP/2 in the clear: where plain HTTP is at home it can only be a way around,
 * and so is what does not look like a request; elsewhere it is gRPC's. */
static bool is_request(const struct conn *c, enum first what)
{
	return !c->request.is_addr &&
	       (what == FIRST_HTTP || c->request.port == 80);
}

/* True when the first bytes may go on. */
static bool peek(struct conn *c)
{
	struct str in = buf_str(&c->client.in);
	enum first what = first_bytes(in);

	if (in.n == 0)
		return false;
	if (what == FIRST_HELLO)
		return peek_hello(c);
	if (what == FIRST_UNCLEAR && !c->client.eof) {
		if (c->judged != in.n) /* more of it than before */
			(void)loop_timer_arm(c->timer, UNCLEAR_NS);
		c->judged = in.n;
		return false;
	}
	c->peeking = false;
	c->judged = 0;
	(void)loop_timer_arm(c->timer, 0);
	if (what == FIRST_NO_SNI || opens_tls(c, buf_str(&c->request.host)))
		refuse_unread(c);
	else if (is_request(c, what))
		read_requests(c);
	else
		return true;
	return false;
}

/* A client that types slowly is not held; what it begins is seen in time. */
void tunnel_waited(struct conn *c)
{
	if (!c->peeking)
		return;
	c->peeking = false;
	if (opens_tls(c, buf_str(&c->request.host)))
		refuse_unread(c);
	else if (is_request(c, FIRST_OTHER))
		read_requests(c);
	else
		c->watching = true;
}

/* True when what has arrived may follow what went on already. */
static bool watch(struct conn *c)
{
	struct str in = buf_str(&c->client.in);
	enum first what;

	if (in.n == 0)
		return true;
	buf_put(&c->begun, in.p, MIN(in.n, (size_t)FIRST_MAX));
	what = first_bytes(buf_str(&c->begun));
	if (c->begun.error || what == FIRST_HELLO || what == FIRST_NO_SNI ||
	    is_request(c, what)) {
		refuse_unread(c);
		return false;
	}
	c->watching = what == FIRST_UNCLEAR;
	return true;
}

/* The same for a second hello. True when nothing is left to look at. */
static bool peek_again(struct conn *c)
{
	struct stream *from = &c->client;
	struct hello hello = { .name = BUF_INIT };
	struct net_answer answer = { .builtin = "net-floor-client-hello" };
	size_t skip = 0;
	int r;

	c->judged -= stream_move(from, &c->upstream, c->judged);
	if (c->judged)
		return false;
	r = hello_follows(buf_str(&from->in), &skip);
	if (r == 1)
		r = hello_parse(str_skip(buf_str(&from->in), skip), &hello);
	if (r == 0 || (r == -EAGAIN && from->eof)) {
		c->again = false;
		return true;
	}
	if (r == 1 && name_fits(c, buf_str(&hello.name), &answer)) {
		c->judged = skip + hello.len;
		c->judged -= stream_move(from, &c->upstream, c->judged);
	} else if (r != -EAGAIN) {
		refuse_hello(c, buf_str(&hello.name), answer);
	}
	buf_done(&hello.name);
	return false;
}

static bool may_pass(struct conn *c)
{
	if (c->peeking && !peek(c))
		return c->client.eof && c->client.in.len == 0;
	if (c->watching && !watch(c))
		return false;
	while (c->again && c->state == CONN_TUNNEL) {
		size_t before = c->client.in.len;

		if (peek_again(c))
			return true;
		if (c->client.in.len == before)
			return false;
	}
	return !c->again;
}

static void pass(struct conn *c, struct stream *from, struct stream *to,
		 struct splice **s)
{
	while (stream_move(from, to, SIZE_MAX) > 0)
		;
	if (from->n_in >= CONN_SPLICE_FROM)
		(void)conn_splice(c, from, s, UINT64_MAX);
	if (from->eof && from->in.len == 0 && !splice_held(*s) &&
	    !from->reset && !to->shut_when_flushed)
		stream_shutdown(to);
}

/* Everything of a stream that was reset has gone on. */
static bool reset_passed(const struct stream *from, const struct stream *to,
			 const struct splice *s)
{
	return from->reset && from->in.len == 0 && to->out.len == 0 &&
	       !splice_held(s);
}

int tunnel_run(struct conn *c)
{
	struct stream *a = &c->client, *b = &c->upstream;

	if (may_pass(c))
		pass(c, a, b, &c->up);
	if (c->state != CONN_TUNNEL)
		return 0;
	pass(c, b, a, &c->down);
	if (a->failed || b->failed || reset_passed(a, b, c->up) ||
	    reset_passed(b, a, c->down))
		return -ECONNRESET;
	return a->shut && b->shut;
}
