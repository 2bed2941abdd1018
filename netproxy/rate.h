/* SPDX-License-Identifier: MIT */
/*
 * rate.h - how many requests a session may make in a minute
 *
 * Buckets of tokens: one for all, one for each domain that has a limit of its
 * own. A request takes one from each that is its; where one is empty it takes
 * none. An idle bucket fills up to its burst.
 */
#ifndef NETPROXY_RATE_H
#define NETPROXY_RATE_H

#include "base/json.h"
#include "base/str.h"

#define RATE_MAX_DOMAINS 256U

struct rate_bucket {
	uint64_t rpm, burst; /* rpm 0 = no limit */
	uint64_t tokens;     /* in sixty billionths: ns times rpm */
	uint64_t filled_at;
};

struct rate_domain {
	char *host; /* owned; canonical, without "*." */
	bool below; /* "*.host": names below it, not itself */
	struct rate_bucket bucket;
};

struct rate {
	struct rate_bucket all;
	struct rate_domain *domains; /* owned */
	size_t n;
};

/*
 * limits: { "rpm", "burst", "domains": [{ "host", "rpm", "burst" }] }, or NULL
 * for none. The first domain that fits counts. now: monotonic ns. 0 or -errno
 * (-EINVAL: what the server should have refused).
 */
int rate_init(struct rate *r, const struct json *limits, uint64_t now);
void rate_done(struct rate *r);
/* True, and counted, if the session may make a request to host now. */
bool rate_take(struct rate *r, struct str host, uint64_t now);

#endif
