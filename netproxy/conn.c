/* SPDX-License-Identifier: MIT */
/*
 * conn.c - one client connection of the proxy
 *
 *	FIRST --letter--> HEAD --CONNECT--> DIAL --200--> TUNNEL --> closed
 *	      |           HEAD --http://--> DIAL --> EXCHANGE --kept--> HEAD
 *	      |           HEAD --bad, denied--> LINGER --> closed
 *	      --0x05----> SOCKS_HELLO --> SOCKS_REQUEST --> DIAL --> TUNNEL
 *	      --0x00----> DIRECT --> DIAL --> TUNNEL (see direct.c)
 *	captured -----------------> DIAL --> TUNNEL (see direct.c)
 *
 * A time-out guards only what a client could hold open for nothing: a request
 * that does not come, and the end of a refused one. Tunnels and exchanges have
 * none (a stream may be silent for hours); dead peers are found by TCP
 * keep-alive.
 */
#include "netproxy/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "confine/netns.h"
#include "core/event.h"
#include "netproxy/conn_priv.h"
#include "netproxy/mitm.h"
#include "netproxy/socks.h"
#include "netproxy/timers.h"
#include "netproxy/tls.h"

#define REQUEST_TIMEOUT_NS TIMER_NS(60000000000ULL)
#define LINGER_TIMEOUT_NS  TIMER_NS(2000000000ULL)

static void on_stream(struct stream *s, void *arg);
static void conn_run(struct conn *c);

int conn_record(struct conn *c, const struct net_answer *a,
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
		.redirect = c->redirect,
	};

	return gate_record(c->table->gate, &r, a);
}

void conn_record_malformed(struct conn *c)
{
	const struct net_answer a = { .builtin = "net-floor-malformed" };

	(void)conn_record(c, &a, NULL);
}

bool conn_permits(const struct conn *c, const struct net_answer *a)
{
	return a->allowed || (c->approved && !a->builtin &&
			      a->verdict.kind == VERDICT_APPROVE &&
			      a->verdict.rule == c->approved);
}

bool conn_within_rate(struct conn *c)
{
	const struct net_answer a = { .builtin = "net-rate-limit" };

	if (rate_take(&c->table->rate, buf_str(&c->request.host),
		      loop_now(c->table->dialer.loop)))
		return true;
	(void)conn_record(c, &a, NULL); /* refused either way */
	return false;
}

void conn_drop_upstream(struct conn *c)
{
	struct stream *u = &c->upstream;

	if (stream_is_open(u) && c->state == CONN_HEAD && c->upstream_host &&
	    c->upstream_keep && !u->eof && !u->failed && !u->hung_up &&
	    !u->in.len && !u->out.len)
		pool_put(&c->table->pool, str_from(c->upstream_host),
			 c->upstream_port, &c->upstream_addr,
			 stream_release(u));
	stream_close(u);
}

/* How much went through a tunnel. */
static void record_end(struct conn *c)
{
	const struct gate *g = c->table->gate;
	_cleanup_buf_ struct buf remote = BUF_INIT;
	struct event e = {
		.type = STR("net_close"),
		.depth = -1,
		.session_id = str_from(g->session_id),
		.source = STR("netproxy"),
		.domain = buf_str(&c->request.host),
	};

	buf_put_str(&remote, buf_str(&c->request.host));
	buf_printf(&remote, ":%u", (unsigned int)c->request.port);
	e.remote = buf_str(&remote);
	event_add_int(&e, "bytes_sent", (int64_t)c->upstream.n_out);
	event_add_int(&e, "bytes_received", (int64_t)c->upstream.n_in);
	event_add_int(&e, "client_port", c->client_port);
	(void)sink_emit(g->sink, &e); /* it is over either way */
}

void conn_free(struct conn *c)
{
	if (c->state == CONN_TUNNEL)
		record_end(c);
	dial_cancel(c->dial);
	(void)loop_remove(c->timer);
	conn_drop_upstream(c);
	stream_close(&c->client);
	(void)splice_close(c->up);
	(void)splice_close(c->down);
	request_done(&c->request);
	buf_done(&c->head_out);
	buf_done(&c->begun);
	free(c->upstream_host);
	free(c->sni);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->table->n--;
	free(c);
}

void conn_abort(struct conn *c)
{
	if (c->state == CONN_TUNNEL)
		record_end(c);
	c->state = CONN_LINGER;
	stream_abort(&c->client);
	stream_abort(&c->upstream);
	conn_free(c);
}

void conn_to_api(struct conn *c)
{
	struct buf first = c->client.in;
	int fd;

	c->client.in = BUF_INIT;
	fd = stream_release(&c->client);
	c->client.failed = true;
	api_take(c->table->api, fd, c->client_port, buf_str(&first));
	buf_done(&first);
}

void conn_intercept(struct conn *c, struct str host)
{
	struct buf first = c->client.in;
	int upstream = stream_release(&c->upstream), fd;

	c->client.in = BUF_INIT;
	fd = stream_release(&c->client);
	c->client.failed = true;
	api_intercept(c->table->api, fd, c->client_port, buf_str(&first), host,
		      upstream, &c->upstream_addr);
	buf_done(&first);
}

int conn_rewrite_sni(struct conn *c, struct str host)
{
	struct api *a = c->table->api;
	_cleanup_free_ char *name = str_dup(host);
	struct buf first = c->client.in;
	int r = name ? api_wake(a) : -ENOMEM;

	c->client.in = BUF_INIT;
	if (r == 0)
		r = mitm_accept(a->mitm, &c->client, name, buf_str(&first));
	if (r == 0)
		r = tls_connect(a->tls, &c->upstream, c->sni, NULL);
	buf_done(&first);
	if (r == 0) /* what was read waits in memory */
		stream_pull(&c->client);
	if (r == 0) /* begins the handshake: the host may speak first */
		stream_pull(&c->upstream);
	return r;
}

void conn_enter(struct conn *c, enum conn_state state)
{
	uint64_t limit = 0;

	if (state == CONN_LINGER)
		limit = LINGER_TIMEOUT_NS;
	else if (state < CONN_DIAL)
		limit = REQUEST_TIMEOUT_NS;
	c->state = state;
	(void)loop_timer_arm(c->timer, limit);
	/* nothing of it is needed while a tunnel is silent */
	if (state == CONN_TUNNEL && c->client.in.len == 0)
		buf_done(&c->client.in);
	if (state == CONN_LINGER)
		stream_shutdown(&c->client);
}

int conn_open_upstream(struct conn *c, int fd)
{
	free(c->upstream_host);
	c->upstream_host = str_dup(buf_str(&c->request.host));
	c->upstream_port = c->request.port;
	if (!c->upstream_host) {
		(void)close(fd);
		return -ENOMEM;
	}
	stream_adopt(&c->upstream, c->client.loop, fd, on_stream, c);
	return 0;
}

/* --- long ways without us ------------------------------------------------ */

/*
 * What waits in the sockets of a fast sender is in no cache any more when it is
 * read: a few hundred KB are enough where there is no distance to bridge, and
 * a third faster. The client is always on this host.
 */
static void narrow(const struct conn *c)
{
	const int send = 128 << 10, receive = 256 << 10;

	(void)setsockopt(c->client.fd, SOL_SOCKET, SO_SNDBUF, &send,
			 sizeof(send));
	if (addr_classify(&c->upstream_addr) == ADDR_LOOPBACK)
		(void)setsockopt(c->upstream.fd, SOL_SOCKET, SO_RCVBUF,
				 &receive, sizeof(receive));
}

uint64_t conn_splice(struct conn *c, struct stream *from, struct splice **s,
		     uint64_t max)
{
	struct stream *to = from == &c->client ? &c->upstream : &c->client;

	if (from->in.len || to->out.len || from->io || to->io || c->no_splice)
		return 0;
	if (!*s) {
		c->no_splice = splice_open(s) < 0;
		from->raw = *s != NULL;
		if (*s && to == &c->client)
			narrow(c);
	}
	return *s ? splice_move(*s, from, to, max) : 0;
}

void conn_end_splice(struct stream *from, struct splice **s)
{
	from->raw = false;
	*s = splice_close(*s);
}

/* --- the dial ------------------------------------------------------------ */

static void answer_http(struct conn *c, const struct dial_result *r, int error)
{
	_cleanup_buf_ struct buf body = BUF_INIT;

	if (error == 0 && c->request.connect) {
		buf_puts(&c->client.out,
			 "HTTP/1.1 200 Connection Established\r\n\r\n");
	} else if (error == -EACCES) {
		gate_explain(c->table->gate, buf_str(&c->request.host),
			     c->request.port, &r->answer, &body);
		exchange_reply(c, 403, buf_cstr(&body));
	} else if (error == -ENOBUFS) {
		exchange_reply(c, 503, "not recorded, so refused\n");
	} else if (error) {
		buf_printf(&body, "cannot reach %s: %s\n",
			   buf_cstr(&c->request.host),
			   error == -ENOENT ? "no such name"
					    : strerror(-error));
		exchange_reply(c, error == -ETIMEDOUT ? 504 : 502,
			       buf_cstr(&body));
	}
}

static void answer(struct conn *c, const struct dial_result *r, int error)
{
	if (c->entry == ENTRY_SOCKS && !c->origin)
		socks_put_reply(socks_reply_from_error(error), &c->client.out);
	else if (c->entry == ENTRY_DIRECT && !c->origin)
		c->client.failed = direct_answer(c, error) < 0;
	else
		answer_http(c, r, error);
	/* one that failed is reset: an end of file would look like success */
	if (error && c->state != CONN_LINGER && !c->client.failed)
		conn_enter(c, CONN_LINGER);
}

/* A redirect of the policy chose where to. */
static void record_redirect(struct conn *c, const struct dial_result *r)
{
	const struct gate *g = c->table->gate;
	_cleanup_buf_ struct buf place = BUF_INIT;
	struct gate_request q = { .host = buf_str(&c->request.host),
				  .port = c->request.port,
				  .client_port = c->client_port };
	struct policy_divert d;

	buf_put_str(&place, q.host);
	buf_printf(&place, ":%u", (unsigned int)q.port);
	if (r->redirect && !place.error &&
	    policy_connect_divert(g->policy, buf_str(&place), &d)) {
		gate_record_redirect(g, STR("connect_redirect"), &q, &d);
		if (d.sni.n && g->intercept)
			c->sni = str_dup(d.sni);
	}
	if (!r->redirect && r->has_addr && !c->request.is_addr &&
	    gate_diverts(g, q.host, &r->addr) &&
	    policy_dns_divert(g->policy, q.host, &d))
		gate_record_redirect(g, STR("dns_redirect"), &q, &d);
}

static void on_dialled(void *arg, const struct dial_result *r)
{
	struct conn *c = arg;
	int error = r->error, recorded;

	if (direct_dial_again(c, error))
		return;
	c->redirect = r->redirect;
	c->approved = r->approved;
	recorded = conn_record(c, &r->answer, r->has_addr ? &r->addr : NULL);
	c->redirect = NULL;
	record_redirect(c, r);
	if (recorded < 0) {
		if (!error)
			(void)close(r->fd);
		error = -ENOBUFS;
	} else if (!error) {
		c->upstream_addr = r->addr;
		error = conn_open_upstream(c, r->fd);
	}
	answer(c, r, error);
	stream_flush(&c->client);
	if (!error) { /* while the client reads that */
		stream_set_reset(c->upstream.fd, true);
		stream_keep_alive(c->upstream.fd);
	}
	if (!error && direct_reads_http(c)) {
		c->origin = c->upstream_keep = true;
		conn_enter(c, CONN_HEAD);
	} else if (!error && c->request.connect) {
		c->peeking = true;
		conn_enter(c, CONN_TUNNEL);
	} else if (!error) {
		exchange_begin(c);
	}
	stream_flush(&c->client);
	conn_run(c);
}

void conn_dial(struct conn *c)
{
	const struct request *r = &c->request;
	/* a command's own connection goes where it said, whatever its name */
	bool literal = r->is_addr || (c->entry == ENTRY_DIRECT && !c->renamed);

	conn_enter(c, CONN_DIAL);
	if (dial_start(&c->table->dialer, buf_str(&r->host),
		       literal ? &r->addr : NULL, r->port, on_dialled, c,
		       &c->dial) < 0)
		conn_enter(c, CONN_LINGER);
}

/* --- what the client says first ------------------------------------------ */

static bool read_first(struct conn *c)
{
	unsigned char first;

	if (c->client.in.len == 0)
		return false;
	first = (unsigned char)c->client.in.data[0];
	if (first == SOCKS_VERSION) {
		c->entry = ENTRY_SOCKS;
		conn_enter(c, CONN_SOCKS_HELLO);
	} else if (first == SOCKS_OLD_VERSION) {
		c->request.connect = true;
		conn_record_malformed(c);
		socks_put_old_refusal(&c->client.out);
		conn_enter(c, CONN_LINGER);
	} else if (first == 0) {
		c->entry = ENTRY_DIRECT;
		conn_enter(c, CONN_DIRECT);
	} else {
		conn_enter(c, CONN_HEAD);
	}
	return true;
}

static bool read_socks_hello(struct conn *c)
{
	bool ok = false;
	ssize_t n = socks_parse_greeting(buf_str(&c->client.in), &ok);

	if (n == -EAGAIN)
		return false;
	buf_puts(&c->client.out, "\5");
	buf_putc(&c->client.out, ok ? 0 : (char)0xff);
	stream_flush(&c->client);
	if (n > 0)
		buf_consume(&c->client.in, (size_t)n);
	conn_enter(c, n > 0 && ok ? CONN_SOCKS_REQUEST : CONN_LINGER);
	return true;
}

static bool read_socks_request(struct conn *c)
{
	enum socks_reply reply = SOCKS_FAILURE;
	ssize_t n;

	request_done(&c->request);
	n = socks_parse_request(buf_str(&c->client.in), &c->request, &reply);
	if (n == -EAGAIN)
		return false;
	if (n > 0)
		buf_consume(&c->client.in, (size_t)n);
	if (n < 0 || reply != SOCKS_OK)
		conn_record_malformed(c);
	else if (!conn_within_rate(c))
		reply = SOCKS_NOT_ALLOWED;
	if (n < 0 || reply != SOCKS_OK) {
		socks_put_reply(reply, &c->client.out);
		stream_flush(&c->client);
		conn_enter(c, CONN_LINGER);
	} else {
		conn_dial(c);
	}
	return true;
}

/* --- the machine --------------------------------------------------------- */

static void exchange_failed(struct conn *c)
{
	/* half an answer went out: only closing is honest */
	if (c->response_seen) {
		c->client.failed = true;
		return;
	}
	stream_close(&c->upstream);
	exchange_reply(c, 502, "bad answer from the host\n");
}

/* One step; true if another may be possible. */
static bool step(struct conn *c)
{
	enum conn_state before = c->state;

	switch (c->state) {
	case CONN_FIRST:
		return read_first(c);
	case CONN_HEAD:
		/* an idle upstream has nothing to say */
		if (c->upstream.eof || c->upstream.in.len)
			stream_close(&c->upstream);
		return exchange_read_head(c);
	case CONN_SOCKS_HELLO:
		return read_socks_hello(c);
	case CONN_SOCKS_REQUEST:
		return read_socks_request(c);
	case CONN_DIRECT:
		return direct_read(c);
	case CONN_EXCHANGE:
		if (exchange_run(c) < 0)
			exchange_failed(c);
		return c->state != before;
	case CONN_LINGER:
		buf_done(&c->client.in);
		return false;
	case CONN_TUNNEL:
	case CONN_DIAL:
		break;
	}
	return false;
}

static bool is_over(const struct conn *c)
{
	bool silent = c->client.eof && c->client.out.len == 0;

	return c->client.failed || c->client.reset ||
	       (silent && (c->state < CONN_DIAL || c->state == CONN_LINGER));
}

static int set_interest(struct conn *c)
{
	bool room_up = c->upstream.out.len < STREAM_BUFFER &&
		       !splice_held(c->up);
	bool room_down = c->client.out.len < STREAM_BUFFER &&
			 !splice_held(c->down);
	bool wait = c->state == CONN_DIAL ||
		    (c->state >= CONN_EXCHANGE && c->state != CONN_LINGER &&
		     !room_up);

	c->upstream.waiting = splice_held(c->up);
	c->client.waiting = splice_held(c->down);
	if (stream_want(&c->client, !wait) < 0 ||
	    stream_want(&c->upstream, room_down) < 0)
		return -ENOMEM;
	return 0;
}

/* Does what can be done now; may free c. */
static void conn_run(struct conn *c)
{
	bool tunnel;
	int r = 0;

	do {
		while (!c->client.failed && step(c))
			;
		tunnel = c->state == CONN_TUNNEL;
		if (tunnel)
			r = tunnel_run(c);
		/* it was seen to carry requests: they are read */
	} while (tunnel && r == 0 && c->state == CONN_HEAD);
	if (!tunnel && is_over(c))
		r = c->client.failed ? -ECONNRESET : 1;
	if (r == 0)
		r = set_interest(c);
	if (r < 0)
		conn_abort(c);
	else if (r > 0)
		conn_free(c);
}

static void on_stream(struct stream *s, void *arg)
{
	(void)s;
	conn_run(arg);
}

static void on_timeout(struct loop *l, void *arg)
{
	struct conn *c = arg;

	(void)l;
	if (c->state != CONN_TUNNEL) {
		conn_free(c);
		return;
	}
	tunnel_waited(c);
	conn_run(c);
}

static struct conn *conn_new(struct conn_table *t)
{
	struct conn *c = t->n < CONN_MAX ? calloc(1, sizeof(*c)) : NULL;

	if (!c)
		return NULL;
	c->table = t;
	c->client.fd = c->upstream.fd = -1;
	if (loop_add_timer(t->dialer.loop, REQUEST_TIMEOUT_NS, on_timeout, c,
			   &c->timer) < 0) {
		free(c);
		return NULL;
	}
	c->next = t->first;
	c->link = &t->first;
	if (c->next)
		c->next->link = &c->next;
	t->first = c;
	t->n++;
	return c;
}

static struct conn *take_client(struct conn_table *t, int fd, uint16_t port)
{
	struct conn *c = conn_new(t);

	if (!c) {
		(void)close(fd);
		return NULL;
	}
	c->client_port = port;
	stream_adopt(&c->client, t->dialer.loop, fd, on_stream, c);
	return c;
}

void conn_accept(struct conn_table *t, int fd, uint16_t client_port)
{
	struct conn *c = take_client(t, fd, client_port);

	if (!c)
		return;
	stream_pull(&c->client); /* see listener.c: mostly it is there */
	conn_run(c);
}

void conn_accept_captured(struct conn_table *t, int fd, uint16_t client_port)
{
	struct conn *c = take_client(t, fd, client_port);
	struct addr addr;
	uint16_t port;

	if (!c)
		return;
	if (netns_wanted(c->client.fd, &addr, &port) < 0)
		c->client.failed = true;
	else
		direct_begin(c, &addr, port);
	conn_run(c);
}

void conn_judge_again(struct conn_table *t)
{
	pool_clear(&t->pool);
	for (struct conn *c = t->first, *next; c; c = next) {
		struct net_answer a;

		next = c->next;
		if (c->state != CONN_TUNNEL && c->state != CONN_EXCHANGE)
			continue;
		a = gate_decide(t->gate, buf_str(&c->request.host),
				&c->upstream_addr, c->request.port);
		/* rules have other numbers now */
		if (a.allowed || (c->approved && !a.builtin &&
				  a.verdict.kind == VERDICT_APPROVE))
			continue;
		(void)conn_record(c, &a, &c->upstream_addr); /* closed anyway */
		conn_abort(c);
	}
}

void conn_close_all(struct conn_table *t)
{
	while (t->first)
		conn_free(t->first);
	pool_clear(&t->pool);
}
