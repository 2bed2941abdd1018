/* SPDX-License-Identifier: MIT */
/*
 * http_conn.h - a connection, shared by http.c and http_reply.c only
 */
#ifndef SERVER_HTTP_CONN_H
#define SERVER_HTTP_CONN_H

#include "base/fd.h"
#include "server/http.h"

enum http_state {
	HTTP_READ = 0, /* waiting for a whole request */
	HTTP_HANDLER,  /* the handler has it */
	HTTP_STREAM,
	HTTP_WRITE, /* answered; flushing */
	HTTP_RAW,
	HTTP_CLOSED,
};

struct http_conn {
	struct http_server *server; /* borrowed */
	struct http_conn *next, **link;
	int fd;  /* owned */
	int tcp; /* owned: what fd stands for; -1 = fd itself */
	enum http_state state;
	struct loop_source *io, *timer;
	uint32_t interest;
	struct buf in, out;
	struct buf chunked; /* decoded body of a chunked request */
	struct http1_chunked chunk;
	size_t head_len;  /* 0 = the head is not complete yet */
	size_t body_read; /* raw bytes of the chunked body taken so far */
	bool body_done, keep_alive, http10, is_head_method, continued;
	bool close_when_flushed, dispatching;
	bool arriving; /* the timer runs for the request that is coming in */
	bool waits;    /* a request is here, but a handler is running */
	int fds[3];
	size_t n_fds;
	struct http_peer peer;
	http_gone_fn *gone, *drain;
	void *gone_arg, *drain_arg;
	http_raw_fn *raw;
	void *raw_arg;
};

struct http_server {
	struct loop *loop;
	struct http_options o;
	struct http_conn *conns, *dead;
	size_t n_conns;
	struct http_listener *listeners;
	bool reaping, in_handler, kicking;
	bool busy;              /* http_server_busy() */
	struct http1_head head; /* scratch of the request being looked at */
};

/* Sends what can be sent and goes on with the connection's state. */
void conn_advance(struct http_conn *c);
void conn_close(struct http_conn *c);
/* Puts bytes on the way without advancing. */
void conn_queue(struct http_conn *c, struct str data);

#endif
