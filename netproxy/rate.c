/* SPDX-License-Identifier: MIT */
/*
 * rate.c - how many requests a session may make in a minute
 */
#include "netproxy/rate.h"

#include <errno.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/cleanup.h"

#define MINUTE  60000000000ULL /* ns: what one request costs, in tokens */
#define MAX_RPM 100000000LL

static int bucket_init(struct rate_bucket *b, const struct json *o,
		       uint64_t now)
{
	int64_t rpm = json_get_i64(o, "rpm", 0);
	int64_t burst = json_get_i64(o, "burst", 0);

	if (rpm < 0 || rpm > MAX_RPM || burst < 0 || burst > MAX_RPM)
		return -EINVAL;
	/* without a burst: what a second brings, one at least */
	if (burst == 0)
		burst = MAX(rpm / 60, (int64_t)1);
	*b = (struct rate_bucket){ .rpm = (uint64_t)rpm,
				   .burst = (uint64_t)burst,
				   .tokens = (uint64_t)burst * MINUTE,
				   .filled_at = now };
	return 0;
}

static bool has_one(struct rate_bucket *b, uint64_t now)
{
	uint64_t full = b->burst * MINUTE, passed = now - b->filled_at;

	if (!b->rpm)
		return true;
	if (passed >= full / b->rpm)
		b->tokens = full;
	else
		b->tokens = MIN(full, b->tokens + passed * b->rpm);
	b->filled_at = now;
	return b->tokens >= MINUTE;
}

static int add_domain(struct rate *r, const struct json *o, uint64_t now)
{
	_cleanup_buf_ struct buf name = BUF_INIT;
	struct rate_domain *d = &r->domains[r->n];
	struct str host = json_get_str(o, "host");
	struct addr ignored;

	*d = (struct rate_domain){ .below = str_starts(host, STR("*.")) };
	if (d->below)
		host = str_skip(host, 2);
	if (host_canonical(host, &name, &ignored) < 0)
		return -EINVAL;
	d->host = str_dup(buf_str(&name));
	if (!d->host)
		return -ENOMEM;
	r->n++;
	return bucket_init(&d->bucket, o, now);
}

int rate_init(struct rate *r, const struct json *limits, uint64_t now)
{
	const struct json *domains = json_get(limits, "domains");
	size_t n = 0;
	int error;

	*r = (struct rate){ .n = 0 };
	if (!limits)
		return 0;
	error = bucket_init(&r->all, limits, now);
	if (!domains || error < 0)
		return error;
	json_foreach(it, domains) n++;
	if (n > RATE_MAX_DOMAINS)
		return -EINVAL;
	r->domains = calloc(n + 1, sizeof(*r->domains));
	if (!r->domains)
		return -ENOMEM;
	json_foreach(it, domains)
	{
		if (error == 0)
			error = add_domain(r, it, now);
	}
	return error;
}

void rate_done(struct rate *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->domains[i].host);
	free(r->domains);
	*r = (struct rate){ .n = 0 };
}

static bool fits(const struct rate_domain *d, struct str host)
{
	struct str own = str_from(d->host);

	if (!d->below)
		return str_eq(host, own);
	return host.n > own.n + 1 && host.p[host.n - own.n - 1] == '.' &&
	       str_ends(host, own);
}

bool rate_take(struct rate *r, struct str host, uint64_t now)
{
	struct rate_bucket *own = NULL;

	for (size_t i = 0; i < r->n && !own; i++)
		if (fits(&r->domains[i], host))
			own = &r->domains[i].bucket;
	if (!has_one(&r->all, now) || (own && !has_one(own, now)))
		return false;
	if (r->all.rpm)
		r->all.tokens -= MINUTE;
	if (own && own->rpm)
		own->tokens -= MINUTE;
	return true;
}
