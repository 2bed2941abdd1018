/* SPDX-License-Identifier: MIT */
/*
 * conn.h - one HTTP exchange with the server
 *
 * A connection serves one request and is then closed: the server is local, a
 * connection costs microseconds, and nothing can be left over from an earlier
 * answer. The descriptor is non-blocking; who has a loop of its own (exec with
 * a terminal) polls conn.fd and calls conn_feed(), all others conn_wait().
 */
#ifndef CLI_CONN_H
#define CLI_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fd.h"
#include "base/http1.h"
#include "base/str.h"
#include "cli/url.h"

#define CONN_BODY_MAX (256UL << 20)

struct conn_request {
	const char *method;
	const char *target; /* path and query */
	struct str body;    /* JSON when n > 0 */
	struct str headers; /* complete extra lines, each with \r\n */
	const int *fds;     /* sent with the first byte; unix sockets only */
	size_t n_fds;
};

/* Bytes of the body as they come. A negative value stops the exchange. */
typedef int conn_body_fn(void *arg, struct str data);

enum conn_state {
	CONN_HEAD = 0,
	CONN_BODY,
	CONN_DONE
};

struct conn {
	int fd;     /* owned */
	bool local; /* a unix socket: descriptors can be passed */
	/* Some of the request may have reached the server: a request that is
	 * not idempotent must not be sent again. */
	bool sent;
	const char *method; /* of the request; borrowed */
	enum conn_state state;
	struct buf in; /* raw bytes not yet understood */
	/* answer; status 101: `in` holds what followed */
	int status;
	char status_line[64]; /* "404 Not Found" */
	char accept_key[64];  /* Sec-WebSocket-Accept */
	enum http1_body framing;
	uint64_t remaining;
	struct http1_chunked chunked;
	struct buf body; /* used when on_body is NULL */
	conn_body_fn *on_body;
	void *arg;
};

#define CONN_INIT ((struct conn){ .fd = -1 })

void conn_done(struct conn *c);
#define _cleanup_conn_ _cleanup_(conn_done)

/*
 * Connects within timeout_ns: a loopback URL tries the rendezvous socket of
 * its port first. Return: 0 or -errno (-ECONNREFUSED, -ENOENT: nobody there).
 */
int conn_open(struct conn *c, const struct server_url *u, uint64_t deadline_ns);
/* Writes the whole request. 0 or -errno; c->sent tells what may be out. */
int conn_send(struct conn *c, const struct server_url *u, const char *api_key,
	      const struct conn_request *rq, uint64_t deadline_ns);
/*
 * Reads what is there. Return: 1 answer complete, 0 more to come,
 * -ECONNRESET closed early, -EBADMSG not HTTP, -EFBIG, or on_body's value.
 */
int conn_feed(struct conn *c);
/* conn_feed() until done; deadline 0 = none. 0, -ETIMEDOUT or as above. */
int conn_wait(struct conn *c, uint64_t deadline_ns);

/* Parses what `in` holds; for tests and for bytes read elsewhere. */
int conn_parse(struct conn *c);

/* Waits for events on fd until the deadline. 0 or -ETIMEDOUT. */
int conn_poll(int fd, short events, uint64_t deadline_ns);

#endif
