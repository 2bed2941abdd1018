/* SPDX-License-Identifier: MIT */
/*
 * socks.h - the two client messages of SOCKS5 (RFC 1928); pure
 *
 * Only CONNECT and only "no authentication". A domain name goes through
 * host_canonical() like every other, so a NUL or any other byte that a later
 * reader could take for an end is refused here.
 *
 * Parsers return bytes consumed, -EAGAIN or -EBADMSG.
 */
#ifndef NETPROXY_SOCKS_H
#define NETPROXY_SOCKS_H

#include <sys/types.h>

#include "netproxy/request.h"

#define SOCKS_VERSION     5
#define SOCKS_OLD_VERSION 4

/* RFC 1928 section 6 */
enum socks_reply {
	SOCKS_OK = 0,
	SOCKS_FAILURE = 1,
	SOCKS_NOT_ALLOWED = 2,
	SOCKS_NET_UNREACHABLE = 3,
	SOCKS_HOST_UNREACHABLE = 4,
	SOCKS_REFUSED = 5,
	SOCKS_TIMED_OUT = 6,
	SOCKS_BAD_COMMAND = 7,
	SOCKS_BAD_ADDRESS = 8,
};

/* *ret_ok: the client offers to go on without authentication. */
ssize_t socks_parse_greeting(struct str in, bool *ret_ok);
/*
 * Fills *ret as a CONNECT (release with request_done in any case); *ret_reply
 * is SOCKS_OK, or what to answer before closing.
 */
ssize_t socks_parse_request(struct str in, struct request *ret,
			    enum socks_reply *ret_reply);
/* Answer to a request; the bound address is given as 0.0.0.0:0. */
void socks_put_reply(enum socks_reply reply, struct buf *out);
/* Reply for the error of a dial (negative errno). */
enum socks_reply socks_reply_from_error(int error);
/* Version 4 has no names that everybody sends: it is not spoken here. */
void socks_put_old_refusal(struct buf *out);

#endif
