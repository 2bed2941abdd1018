/* SPDX-License-Identifier: MIT */
/*
 * resolve.h - one look-up of one name, asynchronous (c-ares on our loop)
 *
 * Only canonical names that the policy has already allowed come here.
 * `localhost` is answered without asking anybody. Answers are bounded, and kept
 * for their time to live (at most RESOLVE_KEEP_S) so that DNS stub and proxy
 * use the same ones.
 */
#ifndef NETPROXY_RESOLVE_H
#define NETPROXY_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/loop.h"
#include "base/str.h"

#define RESOLVE_MAX_ADDRS 16
#define RESOLVE_KEPT      128 /* answers */
#define RESOLVE_KEEP_S    60
/* names that somebody may be asked for */
#define RESOLVE_BURST      200
#define RESOLVE_PER_SECOND 50

struct resolver;
struct resolve_query;

/* error: 0 with n > 0 addresses, or -errno (-ENOENT: no such name). ttl: how
 * many seconds they may be used. */
typedef void resolve_fn(void *arg, int error, const struct addr *addrs,
			size_t n, uint32_t ttl);

int resolver_new(struct loop *loop, struct resolver **ret);
struct resolver *resolver_free(struct resolver *r);

/*
 * fn is called exactly once from the loop, never from within this call, unless
 * the query is cancelled. *ret is valid until then. 0 or -errno (fn is not
 * called).
 */
int resolve_start(struct resolver *r, struct str host, resolve_fn *fn,
		  void *arg, struct resolve_query **ret);
/* Counts one more name; false: there were too many. */
bool resolve_within_rate(struct resolver *r);
/* The same, but for names whose answer is known. */
bool resolve_may_ask(struct resolver *r, struct str host);
/* fn will not be called any more; NULL is a no-op. */
void resolve_cancel(struct resolve_query *q);

#endif
