/* SPDX-License-Identifier: MIT */
/*
 * conn_priv.h - one client connection; for conn.c, exchange.c, tunnel.c,
 * direct.c
 */
#ifndef NETPROXY_CONN_PRIV_H
#define NETPROXY_CONN_PRIV_H

#include "netproxy/conn.h"
#include "netproxy/request.h"
#include "netproxy/splice.h"
#include "netproxy/stream.h"

/* Bytes; few are sooner copied than led around. */
#define CONN_SPLICE_FROM (256U << 10)

enum conn_state {
	CONN_FIRST = 0, /* no byte yet: which protocol? */
	CONN_HEAD,      /* an HTTP request head, or between two requests */
	CONN_SOCKS_HELLO,
	CONN_SOCKS_REQUEST,
	CONN_DIRECT, /* the tracer says where a connect() wanted to go */
	CONN_DIAL,
	CONN_EXCHANGE,
	CONN_TUNNEL,
	CONN_LINGER, /* last bytes to the client, then close */
};

enum conn_entry {
	ENTRY_HTTP = 0,
	ENTRY_SOCKS,
	ENTRY_DIRECT
};

/* How much of one direction's body is still to come. */
struct body {
	enum http1_body kind;
	uint64_t left;
	struct http1_chunked chunked;
	bool done;
	bool unwrap; /* chunked in, plain out: the client speaks HTTP/1.0 */
};

struct conn {
	struct conn_table *table;
	struct conn *next, **link;
	enum conn_state state;
	enum conn_entry entry;
	struct stream client, upstream;
	uint16_t client_port;
	struct request request;
	/* what the open upstream is */
	char *upstream_host; /* owned */
	uint16_t upstream_port;
	struct addr upstream_addr;
	struct buf head_out; /* request head: waits for the dial, and is kept
			      * while it may have to be sent again */
	struct dial *dial;
	const char *redirect; /* while a redirected dial is recorded */
	char *sni; /* owned: the name that a redirect's target is told; or NULL */
	struct loop_source *timer;
	struct body to_up, to_client;
	uint64_t in_before; /* bytes the upstream had sent before this request */
	bool response_seen, client_keep, upstream_keep, reused, http10;
	/* of a tunnel that carries much, by direction; NULL = copied */
	struct splice *up, *down; /* owned */
	bool no_splice;           /* there are no pipes to be had */
	bool peeking;  /* tunnel: the client's first bytes are not judged yet */
	bool watching; /* tunnel: they went on, and are still not clear */
	struct buf begun;  /* while watching: what went on */
	bool again;        /* tunnel: another ClientHello could follow */
	size_t judged;     /* tunnel: bytes of the client that may go on */
	bool answered;     /* the tracer had its answer before the dial */
	bool captured;     /* by the namespace: nobody waits for an answer */
	bool renamed;      /* own connection that is dialled by its name */
	uint32_t approved; /* rule: somebody said yes to it; 0 = none */
	bool origin;       /* HTTP without a proxy: authority is in Host */
};

/* conn.c */
void conn_free(struct conn *c);
/* Ends both sides so that neither takes it for a proper end. */
void conn_abort(struct conn *c);
/* The client's connection goes to what we serve ourselves; c is to be freed. */
void conn_to_api(struct conn *c);
/* The same for a tunnel whose TLS to host is opened. */
void conn_intercept(struct conn *c, struct str host);
/* TLS from the client ends here, as host; c->sni is spoken to by TLS of our own.
 * 0 or -errno. */
int conn_rewrite_sni(struct conn *c, struct str host);
/* Changes the state, and the timer with it. */
void conn_enter(struct conn *c, enum conn_state state);
/* Judges, resolves, dials request.host; answers the client by its protocol. */
void conn_dial(struct conn *c);
/* False, on record: the session has made too many requests. */
bool conn_within_rate(struct conn *c);
int conn_record(struct conn *c, const struct net_answer *a,
		const struct addr *addr);
/* What cannot be read, or in two ways: refused either way, and on record. */
void conn_record_malformed(struct conn *c);
/* True if the answer permits, with the approval that c has. */
bool conn_permits(const struct conn *c, const struct net_answer *a);
/* Takes fd, connected to request.host and port. */
int conn_open_upstream(struct conn *c, int fd);
/*
 * Leads up to max bytes from one of c's streams to the other; *s is c->up or
 * c->down, made when there is none. How much was taken: 0 also where it cannot
 * be done, or not yet.
 */
uint64_t conn_splice(struct conn *c, struct stream *from, struct splice **s,
		     uint64_t max);
/* Reads from again as usual. Nothing is held. */
void conn_end_splice(struct stream *from, struct splice **s);
/* Leaves the upstream to the pool, or closes it. */
void conn_drop_upstream(struct conn *c);

/* exchange.c: HTTP. True if something was done and there may be more. */
void exchange_reply(struct conn *c, unsigned int status, const char *body);
bool exchange_read_head(struct conn *c);
/* The dial for a plain request succeeded. */
void exchange_begin(struct conn *c);
/* 0, or -errno: the upstream's answer is unusable. */
int exchange_run(struct conn *c);

/* tunnel.c: 1 when both directions have ended, -ECONNRESET when one broke. */
int tunnel_run(struct conn *c);
/* The client had its time to say what it begins. */
void tunnel_waited(struct conn *c);

/* direct.c */
bool direct_read(struct conn *c);
/* The connection was captured on its way to addr and port. */
void direct_begin(struct conn *c, const struct addr *addr, uint16_t port);
/* A captured connection's dial failed: tries the name's other addresses. True
 * if it was started. */
bool direct_dial_again(struct conn *c, int error);
/* The requests on a new own connection are read: it is plain HTTP by name. */
bool direct_reads_http(const struct conn *c);
/* Such a request may go on: its host was looked up to this address, and it is
 * made one for this address; or it is the host of the tunnel that it is in. */
bool direct_takes_request(struct conn *c);
/* Tells the tracer how the dial ended; error if that is too late. */
int direct_answer(struct conn *c, int error);

#endif
