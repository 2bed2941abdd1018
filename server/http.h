/* SPDX-License-Identifier: MIT */
/*
 * http.h - the HTTP engine: listeners, connections, answers, streams
 *
 * A connection handles one request at a time:
 *
 *	READ ──head, body──▶ HANDLER ──http_reply──▶ WRITE ──keep-alive──▶ READ
 *	                        ├─http_stream_begin──▶ STREAM ──end──▶ WRITE
 *	                        └─http_upgrade──▶ RAW (both ways, until closed)
 *
 * A handler answers at once or later. Until it has answered it may be told
 * that the client went away (http_on_gone); afterwards, or after that call,
 * it must not use the connection. Everything runs on the loop's thread.
 */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/http1.h"
#include "base/loop.h"
#include "base/str.h"

struct http_server;
struct http_conn;

struct http_request {
	const struct http1_head *head;
	struct str method, path, query; /* path still percent-encoded */
	struct str body;
}; /* borrowed for the duration of the handler's call */

typedef void http_handler_fn(struct http_conn *c, const struct http_request *rq,
			     void *arg);
typedef void http_gone_fn(void *arg);
/*
 * Bytes of an upgraded connection, which fn may change in place.
 * Return: consumed, or -errno to close.
 */
typedef ssize_t http_raw_fn(void *arg, char *p, size_t n);

struct http_options {
	struct loop *loop; /* borrowed */
	uint64_t max_body;
	/* ns; 0 = 30 s for a whole request, 5 min without progress of an
	 * answer that is complete. Streams and upgrades have no limit. */
	uint64_t read_timeout, write_timeout;
	http_handler_fn *handler;
	void *arg;
};

/* o is copied; nothing is listened on yet. 0 or -ENOMEM. */
int http_server_new(const struct http_options *o, struct http_server **ret);
/* Closes listeners and connections (gone callbacks are made). */
struct http_server *http_server_free(struct http_server *s);
/* Takes a listening non-blocking socket. local: unix socket of ours. */
int http_server_listen(struct http_server *s, int fd, bool local);
/*
 * The same for connections that are decrypted elsewhere: fn is lent each and
 * answers with a stream socket to use in its place, or -errno to refuse it.
 */
typedef int http_via_fn(void *arg, int tcp);
int http_server_listen_via(struct http_server *s, int fd, http_via_fn *fn,
			   void *arg);
/* Stops accepting; what is connected goes on. */
void http_server_stop_accepting(struct http_server *s);

/* ---- the peer ---- */

struct http_peer {
	bool local;   /* unix socket: pid and uid are the kernel's word */
	bool checked; /* in_session has been established */
	bool in_session;
	bool early;        /* came, or may have, while the server was busy */
	bool stranger;     /* another user of this machine, over TCP */
	char session[129]; /* of a peer in a session, if known */
	pid_t pid;
	uid_t uid;
	int fd; /* the connection; borrowed */
};
struct http_peer *http_peer(struct http_conn *c);
/*
 * Callers that must not be mistaken for others are about (busy), or have just
 * gone. What they sent may still wait to be read, so connections that are there
 * when they go stay marked as early.
 */
void http_server_busy(struct http_server *s, bool busy);
/*
 * Descriptors that came with the request, at most 3; the caller owns them
 * then. Return: how many.
 */
size_t http_take_fds(struct http_conn *c, int fds[3]);

/* ---- answers ---- */

/*
 * A request is answered once, by one of these, http_stream_begin() or
 * http_upgrade(); a second answer is dropped. What is given is copied.
 */

/* content_type NULL: none. A 204 has no body. */
void http_reply(struct http_conn *c, unsigned int status,
		const char *content_type, struct str body);
/* A JSON body; the newline that ends it is added here. */
void http_reply_json(struct http_conn *c, unsigned int status,
		     const struct buf *body);
/* {"error": text} */
void http_reply_error(struct http_conn *c, unsigned int status, const char *fmt,
		      ...) _printf_(3, 4);
/* Called once if the client leaves before the answer; NULL fn clears. */
void http_on_gone(struct http_conn *c, http_gone_fn *fn, void *arg);

/* ---- streams ---- */

/* 200, then chunks (to HTTP/1.0: until the connection is closed). */
void http_stream_begin(struct http_conn *c, const char *content_type);
/* 0, or -ENOBUFS when the backlog is full (nothing was queued). */
int http_stream_write(struct http_conn *c, struct str data);
/* The connection may then bring its next request. */
void http_stream_end(struct http_conn *c);
/* Bytes waiting for the client. */
size_t http_backlog(const struct http_conn *c);
/* Called when the backlog has drained. */
void http_on_drain(struct http_conn *c, http_gone_fn *fn, void *arg);

/* ---- upgraded connections ---- */

/* head: complete response head. From then on bytes go to fn. */
void http_upgrade(struct http_conn *c, struct str head, http_raw_fn *fn,
		  void *arg);
/* 0, -EPIPE (not upgraded, or gone), -ENOBUFS (nothing was queued). */
int http_raw_write(struct http_conn *c, struct str data);
/* Flushes and closes. */
void http_raw_close(struct http_conn *c);

/* ---- small helpers ---- */

/* Decodes %XX and, in queries, '+'; -EINVAL for bad escapes or NUL. */
int http_unescape(struct str s, bool plus, struct buf *out);
/* Value of a query parameter, decoded; "" if absent. */
int http_query_get(struct str query, const char *name, struct buf *out);

#endif
