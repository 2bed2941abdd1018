/* SPDX-License-Identifier: MIT */
/*
 * edge.h - an agentsh-edge of ours, which is started again when it dies
 */
#ifndef SERVER_EDGE_H
#define SERVER_EDGE_H

#include "base/str.h"

struct app;
struct edge;

/* What it says once it is up; "" when it has died and is up again. */
typedef void edge_fn(void *arg, struct str text);

/*
 * mode: "serve" or "post" (netproxy/edge.h), borrowed; settings: the JSON for
 * it. Waits until it is up. fn may be NULL. 0, or -errno with words for the
 * operator in err.
 */
int edge_start(struct app *app, const char *mode, struct str settings,
	       edge_fn *fn, void *arg, struct edge **ret, struct buf *err);
/* NULL is a no-op; returns NULL. It ends by itself, after what it was given. */
struct edge *edge_stop(struct edge *e);
/* One message with descriptors (borrowed). 0 or -errno; -EAGAIN: not up, busy */
int edge_send(struct edge *e, const int *fds, size_t n_fds);

/* server.tls: everything that comes to fd is decrypted. Takes fd. 0 or -errno
 * with words in err. */
int edge_listen(struct app *app, int fd, struct buf *err);

#endif
