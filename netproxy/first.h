/* SPDX-License-Identifier: MIT */
/*
 * first.h - what the first bytes of a tunnel's client begin
 */
#ifndef NETPROXY_FIRST_H
#define NETPROXY_FIRST_H

#include "base/str.h"

#define FIRST_MAX 4096U /* so many bytes always tell */

enum first {
	FIRST_UNCLEAR = 0, /* it depends on what follows */
	FIRST_OTHER,
	FIRST_HELLO,  /* a TLS record that holds a handshake message */
	FIRST_NO_SNI, /* what could hide a server name */
	FIRST_HTTP,   /* a request line of HTTP/1 or older */
	FIRST_HTTP2,  /* the preface of HTTP/2 in the clear */
};

/* Never FIRST_UNCLEAR for FIRST_MAX bytes or more. */
enum first first_bytes(struct str in);

#endif
