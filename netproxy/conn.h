/* SPDX-License-Identifier: MIT */
/*
 * conn.h - one client connection of the explicit proxy
 */
#ifndef NETPROXY_CONN_H
#define NETPROXY_CONN_H

#include <stddef.h>

#include "netproxy/dial.h"
#include "netproxy/gate.h"

#define CONN_MAX 8192 /* open client connections */

struct conn;

/* Every connection of this process; owned by main. */
struct conn_table {
	struct dialer dialer;
	const struct gate *gate;
	struct conn *head;
	size_t n;
};

/* Takes fd. Over CONN_MAX it is closed. */
void conn_accept(struct conn_table *t, int fd);
void conn_close_all(struct conn_table *t);

#endif
