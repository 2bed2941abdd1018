/* SPDX-License-Identifier: MIT */
/*
 * direct.c - connections that a command made by itself
 *
 * The tracer has connected the command's socket to us and says where it wanted
 * to go (core/direct.h). It is judged by the address, and by each name that
 * our DNS stub gave this address for; then that address is dialled. A blocking
 * connect() succeeds or fails as the dial does. A non-blocking one is answered
 * when it is judged; should the dial fail the connection is reset. In a TLS
 * ClientHello must be an allowed name that was looked up to this address
 * (tunnel.c), unless a rule allows the address itself. On port 80 requests are
 * read, and the Host of each must be such a name.
 *
 * In a captured namespace (capture.h) there is no tracer between: the kernel
 * has accepted the connection already, so what is refused is reset. Whoever
 * connected will not try another address of the name by itself then; we do.
 */
#include "core/direct.h"

#include <errno.h>
#include <string.h>

#include "netproxy/conn_priv.h"
#include "netproxy/stub.h"

/* With asking: what an approval would allow counts. */
static bool could_be(const struct conn *c, struct str host, bool asking)
{
	const struct request *r = &c->request;
	struct net_answer a =
		gate_decide(c->table->gate, host, &r->addr, r->port);

	return asking ? ask_net_may(c->table->dialer.asker, &a) : a.allowed;
}

static bool choose(struct conn *c, bool asking)
{
	struct request *r = &c->request;
	const char *name;

	if (!c->renamed && could_be(c, buf_str(&r->host), asking))
		return true;
	for (size_t i = 0; (name = names_get(c->table->names, &r->addr, i));
	     i++) {
		struct str host = str_from(name);

		if (!could_be(c, host, asking))
			continue;
		buf_reset(&r->host);
		buf_put_str(&r->host, host);
		r->is_addr = false;
		return true;
	}
	return false;
}

/* Finds the name by which the address may be talked to, else the address.
 * True if it may, at once or after an approval. */
static bool choose_name(struct conn *c)
{
	struct request *r = &c->request;

	buf_reset(&r->host);
	addr_format(&r->addr, &r->host);
	r->is_addr = true;
	c->renamed = stub_is_stand_in(&r->addr);
	return choose(c, /* asking */ false) || choose(c, /* asking */ true);
}

static void say(struct conn *c, int error)
{
	if (error == -ENOENT || error < -255)
		error = -EHOSTUNREACH;
	buf_putc(&c->client.out, (char)(unsigned char)-error);
	stream_flush(&c->client);
}

static bool refuse(struct conn *c, int error)
{
	say(c, error);
	conn_enter(c, CONN_LINGER);
	return true;
}

static int take_target(struct conn *c, const struct addr *addr, uint16_t port)
{
	struct request *r = &c->request;
	bool allowed;

	r->addr = *addr;
	r->port = port;
	r->connect = true;
	buf_puts(&r->method, "connect");
	allowed = choose_name(c);
	if (r->host.error || r->method.error)
		return -ENOMEM;
	return allowed;
}

bool direct_read(struct conn *c)
{
	struct direct d;
	struct addr addr;
	ssize_t n = direct_decode(buf_str(&c->client.in), &d);
	int allowed;

	if (n == -EAGAIN)
		return false;
	if (n < 0) {
		conn_record_malformed(c);
		return refuse(c, -EPROTO);
	}
	if (d.port == 0)
		return refuse(c, -ECONNREFUSED);
	buf_consume(&c->client.in, (size_t)n);
	memcpy(addr.b, d.addr, sizeof(addr.b));
	allowed = take_target(c, &addr, d.port);
	if (allowed < 0)
		return refuse(c, allowed);
	if (!conn_within_rate(c))
		return refuse(c, -EACCES);
	c->answered = d.early && allowed;
	if (c->answered)
		say(c, 0);
	conn_dial(c);
	return true;
}

void direct_begin(struct conn *c, const struct addr *addr, uint16_t port)
{
	c->entry = ENTRY_DIRECT;
	c->captured = c->answered = true;
	if (take_target(c, addr, port) < 0 || !conn_within_rate(c))
		c->client.failed = true;
	else
		conn_dial(c);
}

bool direct_dial_again(struct conn *c, int error)
{
	if (!c->captured || c->renamed || c->request.is_addr || !error ||
	    error == -EACCES)
		return false;
	c->renamed = true;
	conn_dial(c);
	return true;
}

bool direct_reads_http(const struct conn *c)
{
	return c->entry == ENTRY_DIRECT && !c->origin &&
	       c->request.port == 80 && !c->request.is_addr;
}

bool direct_takes_request(struct conn *c)
{
	struct request *r = &c->request;

	/* inside a tunnel, or a name that had no address then */
	if (c->entry != ENTRY_DIRECT || c->renamed)
		return str_eq_c(buf_str(&r->host), c->upstream_host);
	r->addr = c->upstream_addr;
	return names_has(c->table->names, &r->addr, buf_str(&r->host));
}

int direct_answer(struct conn *c, int error)
{
	if (c->answered)
		return error;
	say(c, error);
	return 0;
}
