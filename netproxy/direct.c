/* SPDX-License-Identifier: MIT */
/*
 * direct.c - connections that a command made by itself
 *
 * The tracer has connected the command's socket to us and says where it wanted
 * to go (core/direct.h). It is judged by the address, and by each name that
 * our DNS stub gave this address for; then that address is dialled, and the
 * command's connect() succeeds or fails as the dial does. On port 80 the
 * requests are read, and each needs a Host that was looked up to this address
 * (or an address rule); elsewhere a TLS ClientHello needs such a name.
 */
#include "core/direct.h"

#include <errno.h>

#include "netproxy/conn_priv.h"

/* Finds the name by which the address may be talked to, else the address. */
static void choose_name(struct conn *c)
{
	struct request *r = &c->request;
	const char *name;

	buf_reset(&r->host);
	addr_format(&r->addr, &r->host);
	r->is_addr = true;
	if (gate_decide(c->table->gate, buf_str(&r->host), &r->addr, r->port)
		    .allowed)
		return;
	for (size_t i = 0; (name = names_get(c->table->names, &r->addr, i));
	     i++) {
		struct str host = str_from(name);

		if (!gate_decide(c->table->gate, host, &r->addr, r->port)
			     .allowed)
			continue;
		buf_reset(&r->host);
		buf_put_str(&r->host, host);
		r->is_addr = false;
		return;
	}
}

bool direct_read(struct conn *c)
{
	struct request *r = &c->request;
	ssize_t n = direct_decode(buf_str(&c->client.in), r->addr.b, &r->port);

	if (n == -EAGAIN)
		return false;
	if (n < 0 || r->port == 0) {
		direct_answer(c, n < 0 ? -EPROTO : -ECONNREFUSED);
		conn_enter(c, CONN_LINGER);
		return true;
	}
	buf_consume(&c->client.in, (size_t)n);
	r->connect = true;
	buf_puts(&r->method, "connect");
	choose_name(c);
	if (r->host.error || r->method.error) {
		direct_answer(c, -ENOMEM);
		conn_enter(c, CONN_LINGER);
	} else {
		conn_dial(c);
	}
	return true;
}

void direct_answer(struct conn *c, int error)
{
	if (error == -ENOENT || error < -255)
		error = -EHOSTUNREACH;
	buf_putc(&c->client.out, (char)(unsigned char)-error);
	stream_flush(&c->client);
}
