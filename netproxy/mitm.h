/* SPDX-License-Identifier: MIT */
/*
 * mitm.h - certificates in place of hosts whose TLS the policy wants opened
 *
 * The CA is the session's own: made when its proxy starts, its key only ever in
 * this process's memory. Commands are told to trust it by environment; nothing
 * else on the machine does. Or it is the operator's, from files.
 */
#ifndef NETPROXY_MITM_H
#define NETPROXY_MITM_H

#include <openssl/types.h>

#include "netproxy/stream.h"

#define MITM_MAX_LEAVES 1024

struct mitm;

/* cert, key: files (mitm_ca.h); cert "" = a CA of the session's own. 0, or
 * -errno, with words in err where it is the files. */
int mitm_new(const char *cert, const char *key, struct buf *err,
	     struct mitm **ret);
struct mitm *mitm_free(struct mitm *m); /* NULL is fine */
/*
 * Writes DIR/ca.pem, the CA, and DIR/bundle.pem, the system's CAs with it.
 * 0 or -errno.
 */
int mitm_write_trust(const struct mitm *m, const char *dir);
/*
 * The server side of TLS on s, in place of host (canonical); first: what the
 * client has sent already. 0 or -ENOMEM.
 */
int mitm_accept(struct mitm *m, struct stream *s, const char *host,
		struct str first);

#endif
