/* SPDX-License-Identifier: MIT */
/*
 * tls.h - TLS on a stream: to a verified host, or in place of one
 *
 * A connection to a host is good for nothing until its certificate chain and
 * its name are verified; there is no switch that leaves that out.
 */
#ifndef NETPROXY_TLS_H
#define NETPROXY_TLS_H

#include <openssl/types.h>

#include "base/addr.h"
#include "base/cleanup.h"
#include "netproxy/stream.h"

struct tls_client; /* whom we trust */
struct tls;        /* of one stream */

/*
 * ca: file with PEM certificates, or directory with hashed names; "" = the
 * system's, which is looked for now and read when it is first needed.
 * Return: 0; -errno with words for the operator in err.
 */
int tls_client_new(const char *ca, struct tls_client **ret, struct buf *err);
struct tls_client *tls_client_free(struct tls_client *c);

/*
 * The client side on s, which is connected to host (canonical; addr if it is
 * an address, else NULL). The handshake runs as bytes are written.
 */
int tls_connect(struct tls_client *c, struct stream *s, const char *host,
		const struct addr *addr);
/* The server side, with this certificate. first: what the client has sent
 * already. */
int tls_accept(SSL_CTX *ctx, struct stream *s, struct str first, X509 *cert,
	       EVP_PKEY *key);
/* Why it failed, for messages; "" if it did not, or s has no TLS. */
const char *tls_error(const struct stream *s);
/* True once the handshake is done. */
bool tls_is_up(const struct stream *s);

#endif
