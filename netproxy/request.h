/* SPDX-License-Identifier: MIT */
/*
 * request.h - what a proxy request asks for, in one spelling; pure
 *
 * The authority is taken from the request target only, and Host is written
 * from it; in a CONNECT a Host that says something else makes the request bad.
 * What goes upstream is written anew from the parsed head, never the client's
 * bytes.
 */
#ifndef NETPROXY_REQUEST_H
#define NETPROXY_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/http1.h"
#include "base/str.h"

struct request {
	bool connect;     /* CONNECT host:port */
	struct buf host;  /* canonical; owned */
	struct addr addr; /* if is_addr */
	bool is_addr;
	uint16_t port;
	struct buf method; /* owned */
	struct buf path;   /* origin form, at least "/"; owned */
	bool upgrade;      /* asks for websocket */
};

void request_done(struct request *r);

/*
 * Fills *ret (release with request_done in any case). Return: 0 or an HTTP
 * status: 400 malformed, 501 a scheme or form that is not served.
 */
int request_parse(const struct http1_head *head, struct request *ret);
/* The same for a client that knows of no proxy: path in the target, authority
 * in Host, with this port when it names none. */
int request_parse_origin(const struct http1_head *head, struct str host,
			 uint16_t port, struct request *ret);

/* True for a field that is about one connection only (RFC 9110 section 7.6.1),
 * or that the Connection header nominates. */
bool request_is_hop_by_hop(const struct http1_head *head, struct str name);
/* The head to send upstream: origin form, Host from the target, hop-by-hop
 * fields dropped, connection kept open if keep. */
void request_emit(const struct request *r, const struct http1_head *head,
		  bool keep, struct buf *out);
/* The head to send to the client for an upstream response; plain: a chunked
 * body will be sent without chunks, up to the end of the connection. */
void response_emit(const struct http1_head *head, bool keep, bool plain,
		   struct buf *out);

#endif
