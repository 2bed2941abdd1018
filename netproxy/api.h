/* SPDX-License-Identifier: MIT */
/*
 * api.h - what the proxy serves by itself: language models, declared services
 *
 * Requests in origin form ("POST /v1/messages"), which a proxy gets from nobody
 * who takes it for one, are for here:
 *
 *	/llm/NAME/...	the provider of that name
 *	/svc/NAME/...	the policy's http_service of that name
 *	others		the provider the headers speak of
 *
 * A request is read whole, its body decoded and edited, put on record, and sent
 * to its host over verified TLS. The answer is passed on as it comes.
 */
#ifndef NETPROXY_API_H
#define NETPROXY_API_H

#include "base/http1.h"
#include "base/json.h"
#include "dlp/dlp.h"
#include "netproxy/ask.h"
#include "netproxy/creds.h"
#include "netproxy/dial.h"
#include "netproxy/mitm.h"
#include "netproxy/provider.h"
#include "netproxy/upstream.h"

#define API_MAX_CONNS 1024

/* A bucket that fills by the minute; per_minute 0: there is no limit. */
struct api_rate {
	int64_t per_minute, burst;
	double level;
	uint64_t at; /* when it had that much, monotonic ns */
};

/* burst 0: as much as fills within a minute. */
void api_rate_init(struct api_rate *r, int64_t per_minute, int64_t burst,
		   uint64_t now);
/* Seconds until want may be taken, 0 for now. */
unsigned int api_rate_wait(struct api_rate *r, int64_t want, uint64_t now);
/* What is taken may be more than there is. */
void api_rate_take(struct api_rate *r, int64_t n, uint64_t now);

#define API_MAX_BODY (64U << 20) /* of a request, encoded and decoded */

struct api_conn;
struct services;

struct api {
	struct loop *loop; /* borrowed, as the next two */
	const struct dialer *dialer;
	const struct gate *gate;
	struct asker *asker; /* borrowed, too */
	bool enabled;
	struct tls_client *tls;
	struct upstream_pool pool;
	struct providers providers;
	struct dlp_engine *dlp; /* NULL: nothing is looked for */
	struct dlp_tokens *tokens;
	bool scrub;                /* answers of language models too */
	struct services *services; /* owned reference */
	struct creds creds;
	struct mitm *mitm; /* NULL: no TLS is opened */
	/* of the session; 0 = no limit */
	int64_t max_requests, max_tokens;
	int64_t n_requests, n_tokens;
	bool awake;     /* what only requests need is there */
	char *ca;       /* owned; NULL = the system's */
	char *dlp_json; /* owned; NULL = off */
	char *log_path; /* owned; NULL = none */
	char *dir;      /* owned: the session's; NULL = none */
	bool store;     /* bodies are kept there */
	int64_t store_days, store_mb;
	unsigned int n_stored;
	/* the DLP engine for what is kept: as dlp, or its own */
	struct dlp_engine *dlp_stored;
	struct dlp_engine *dlp_answers; /* for services; made when needed */
	struct api_rate requests, tokens_used;
	int log_fd;
	uint64_t next_id;
	struct api_conn *first;
	size_t n;
	struct http1_head head; /* scratch of the parsers, within one call */
};

/*
 * Settings, all optional:
 *	"llm"	{"providers": {NAME: URL}, "ca": PATH, "log": PATH,
 *		"dir": PATH of the session's files, "store": BOOL, "store_days",
 *		"store_mb": whether and how long bodies are kept there,
 *		"scrub": BOOL, "max_requests", "max_tokens",
 *		"requests", "tokens": what the session has used already,
 *		"rpm", "request_burst", "tpm", "token_burst": by the minute,
 *		"trust": PATH to make, to open TLS at all}
 *	"dlp"	text for dlp_engine_from_json()
 * Without "llm" nothing is served. loop, dialer and gate are set. Return: 0;
 * -errno with words for the operator in err, and then nothing is served.
 */
int api_init(struct api *a, const struct json *settings, struct buf *err);
/* What only requests and TLS need is made now. 0 or -errno, logged. */
int api_wake(struct api *a);
void api_done(struct api *a);
/* The gate has a (new) policy. phantoms: as services_new(). 0 or -ENOMEM. */
int api_set_policy(struct api *a, const struct json *phantoms);
/*
 * The same for TLS that a command opened to a host whose service says
 * "intercept" (gate_intercepts()): we answer in the host's place. fd and
 * upstream are taken; upstream: connected to the host, or -1.
 */
void api_intercept(struct api *a, int fd, uint16_t client_port,
		   struct str first, struct str host, int upstream,
		   const struct addr *addr);
/* Takes fd and what was read from it. */
void api_take(struct api *a, int fd, uint16_t client_port, struct str first);

#endif
