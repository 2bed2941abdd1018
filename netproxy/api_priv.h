/* SPDX-License-Identifier: MIT */
/*
 * api_priv.h - one connection to what the proxy serves by itself; for api*.c
 */
#ifndef NETPROXY_API_PRIV_H
#define NETPROXY_API_PRIV_H

#include <openssl/types.h>

#include "core/op.h"
#include "netproxy/api.h"
#include "netproxy/redact.h"
#include "netproxy/service.h"
#include "netproxy/sse.h"
#include "netproxy/sse_text.h"
#include "netproxy/swap.h"
#include "netproxy/usage.h"

#define API_ANSWER_KEPT (8U << 20) /* of an answer, to read its usage */

enum api_state {
	API_HEAD = 0, /* a request head, or between two requests */
	API_ASK,      /* a person is asked whether it may go on */
	API_BODY,
	API_DIAL,
	API_ANSWER,
	API_LINGER, /* last bytes to the client, then close */
};

enum api_kind {
	API_LLM = 0,
	API_SERVICE,
};

/* How much of one body is still to come. */
struct api_body {
	enum http1_body kind;
	uint64_t left;
	struct http1_chunked chunked;
	bool done;
};

/* One request and its answer. */
struct exchange {
	enum api_kind kind;
	enum dialect dialect;
	const struct provider *to;     /* NULL: not routed */
	struct services *table;        /* owned reference, for the next one */
	const struct service *service; /* API_SERVICE */
	struct net_answer verdict;
	bool denied, whole_path;
	const char *approval; /* "shadow", "enforced" or NULL */
	struct ask *ask;      /* its question, while there is one */
	size_t head_size;     /* of the request, in client.in */
	bool wants_continue;
	bool secret; /* buffers hold a brokered one: zeroed before they go */
	struct scrub scrub;
	char id[16];
	struct buf method, path; /* path: at the host, with query */
	struct buf codings;      /* Content-Encoding of the request */
	struct buf fields;       /* header lines to send, each with CRLF */
	struct buf logged;       /* JSON object of headers, secrets masked */
	struct buf in;           /* request body as it came */
	struct buf out;          /* head and body as they are sent */
	struct api_body request, answer;
	EVP_MD_CTX *sum;  /* of what came so far; NULL before the first */
	size_t body_size; /* sent */
	char body_hash[65];
	struct redact_result redacted;
	bool http10, client_keep, upstream_keep, retried, forwarded, recorded;
	bool answer_seen, chunked_out, is_events, is_json, is_text, encoded;
	uint64_t in_before; /* bytes the upstream had sent before this */
	unsigned int status;
	uint64_t answer_size;
	struct buf answer_logged; /* JSON object of headers */
	struct buf kept;          /* a JSON answer, to read its usage */
	struct buf stored;        /* of an answer, for llm_storage */
	unsigned int retry_after; /* seconds; 0: asking again is no use */
	struct sse sse;
	struct usage usage;
	struct dlp_stream *filter;
	struct sse_text *texts; /* of events that are filtered */
	int64_t began_ns;       /* wall clock */
	uint64_t began_mono;
};

struct api_conn {
	struct api *api;
	struct api_conn *next, **link;
	enum api_state state;
	struct stream client;
	struct upstream *up;
	struct dial *dial;
	struct loop_source *timer;
	uint64_t last_active;
	char *host;           /* owned: whose place we take; else NULL */
	uint16_t client_port; /* whose request it is, for the server */
	struct exchange x;
};

/* api.c */
void api_enter(struct api_conn *c, enum api_state state);
/* An answer of our own, in the shape of the dialect's errors; the connection
 * ends with it. type: "invalid_request_error", ... */
void api_refuse(struct api_conn *c, unsigned int status, const char *type,
		const char *message);
/* Dials or takes an idle connection, then sends x.out. */
void api_connect(struct api_conn *c);
void exchange_done(struct exchange *x);

/* api_request.c: true if something was done and there may be more. */
bool api_read_head(struct api_conn *c);
bool api_read_body(struct api_conn *c);
/* The head is accepted: goes on with the body. */
void api_begin_body(struct api_conn *c);

/* api.c: does what can be done now; may free c. */
void api_run(struct api_conn *c);

/* api_service.c: requests for services; no-ops for others. */
bool api_route_service(struct api_conn *c, const struct http1_head *head);
/* The same on a connection that a command thinks is the host's. */
void api_route_host(struct api_conn *c, const struct http1_head *head);
/* Judges it; false: refused, and on record, or a person is asked first. */
bool api_accept_service(struct api_conn *c, const struct http1_head *head);
/* Puts a header field with the secret in; false: it is put as it is. */
bool api_put_field(struct exchange *x, struct str name, struct str value);
/* Before the first of them: what holds the secret will leave no trace. */
void api_keep_secret(struct exchange *x);
void api_inject(struct exchange *x);
/* x.path to x.out, with the secret if it may be in the query. */
void api_put_path(struct exchange *x);
/* 1: the body with the secret is in out; 0: it stays; -errno. */
int api_swap_body(const struct exchange *x, struct str body, struct buf *out);
/* What is no finding: the phantom. */
struct str api_spare(const struct exchange *x);
/* The secret becomes the phantom again: in the body, false if there is none; in
 * other text. */
bool api_scrub(struct exchange *x, struct str data, bool end, struct buf *out);
void api_scrub_text(const struct exchange *x, struct str text, struct buf *out);

/* api_answer.c: 0, or -errno: the answer is unusable or ended early. */
int api_run_answer(struct api_conn *c);

/* api_head.c: x.path, and a field's value, without secrets; findings are
 * counted in x.redacted. No-ops for what is no language model's. */
void api_clean_path(struct api_conn *c);
void api_put_value(struct api_conn *c, struct str name, struct str value,
		   struct buf *out);

/* api_store.c: llm_storage.store_bodies; no-ops without it. */
void api_store_request(struct api_conn *c, struct str body);
void api_store_feed(struct api_conn *c, struct str data);
void api_store_answer(struct api_conn *c);

/* api_log.c */
/* Puts the request on record; false: it must not go on. */
bool api_log_request(struct api_conn *c);
/* The end of a recorded request, however it ended. */
void api_log_answer(struct api_conn *c);
/* A header list as JSON object, secrets masked. */
void api_log_headers(const struct api *a, const struct http1_head *h,
		     struct buf *out);
int api_log_open(struct api *a);

#endif
