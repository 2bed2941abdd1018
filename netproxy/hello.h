/* SPDX-License-Identifier: MIT */
/*
 * hello.h - the server name in a TLS ClientHello (RFC 8446, RFC 6066); pure
 *
 * The hello may be spread over several records. What cannot be read in one way
 * only (two names, a name that is an address, lengths that disagree) is bad.
 */
#ifndef NETPROXY_HELLO_H
#define NETPROXY_HELLO_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"

#define HELLO_MAX 32768 /* bytes until the end of the hello */

struct hello {
	struct buf name; /* canonical; empty without SNI; owned */
	bool ech;        /* encrypted_client_hello: name is the outer one */
	size_t len;      /* bytes of its records */
};

/* First byte of a TLS handshake record. */
static inline bool hello_begins(struct str in)
{
	return in.n > 0 && (unsigned char)in.p[0] == 0x16;
}

/* ret->name must be initialised. What follows the hello's last record is not
 * looked at. Return: 1 complete, -EAGAIN, -EBADMSG. */
int hello_parse(struct str in, struct hello *ret);
/*
 * What a client says after its first hello: 1 this may be another one (after a
 * HelloRetryRequest), 0 it is not and none can follow, -EAGAIN too little to
 * tell. *ret_skip: bytes before it that may go on in any case.
 */
int hello_follows(struct str in, size_t *ret_skip);

/* The alert that tells a client it was refused (access_denied). */
void hello_put_denied(struct buf *out);

#endif
