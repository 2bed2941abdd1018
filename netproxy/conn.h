/* SPDX-License-Identifier: MIT */
/*
 * conn.h - the client connections of the proxy
 */
#ifndef NETPROXY_CONN_H
#define NETPROXY_CONN_H

#include <stddef.h>

#include "base/http1.h"
#include "netproxy/api.h"
#include "netproxy/dial.h"
#include "netproxy/gate.h"
#include "netproxy/names.h"
#include "netproxy/pool.h"
#include "netproxy/rate.h"

#define CONN_MAX 8192 /* open client connections */

struct conn;

/* Every connection of this process; owned by main. */
struct conn_table {
	struct dialer dialer;
	const struct gate *gate;
	const struct names *names;
	struct api *api; /* for requests in origin form */
	struct pool pool;
	struct rate rate;
	struct http1_head head; /* scratch of the parsers, within one call */
	struct conn *first;
	size_t n;
};

/* Takes fd, accepted by listener.c; port: the client's. Over CONN_MAX it is
 * closed. */
typedef void conn_accept_fn(struct conn_table *t, int fd, uint16_t port);
conn_accept_fn conn_accept;
/* The same for one of a captured namespace (capture.h): its own address is
 * where the command wanted to go. */
conn_accept_fn conn_accept_captured;
/* After a change of policy: closes what it no longer allows. */
void conn_judge_again(struct conn_table *t);
void conn_close_all(struct conn_table *t);

#endif
