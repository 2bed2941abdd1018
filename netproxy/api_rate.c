/* SPDX-License-Identifier: MIT */
/*
 * api_rate.c - how often a session may ask, and for how many tokens
 *
 * Two buckets that fill by the minute. What an answer costs is known when it is
 * over: it is taken then, below zero if need be, and the next request waits.
 */
#include "netproxy/api.h"

#define MINUTE_NS 60000000000ULL

void api_rate_init(struct api_rate *r, int64_t per_minute, int64_t burst,
		   uint64_t now)
{
	*r = (struct api_rate){ .per_minute = MAX(per_minute, (int64_t)0),
				.at = now };
	r->burst = burst > 0 ? burst : r->per_minute;
	r->level = (double)r->burst;
}

static void fill(struct api_rate *r, uint64_t now)
{
	double more = (double)(now - r->at) * (double)r->per_minute /
		      (double)MINUTE_NS;

	r->at = now;
	r->level = MIN(r->level + more, (double)r->burst);
}

unsigned int api_rate_wait(struct api_rate *r, int64_t want, uint64_t now)
{
	double missing;

	if (r->per_minute == 0)
		return 0;
	fill(r, now);
	missing = (double)want - r->level;
	if (missing <= 0)
		return 0;
	return (unsigned int)(missing * 60 / (double)r->per_minute) + 1;
}

void api_rate_take(struct api_rate *r, int64_t n, uint64_t now)
{
	if (r->per_minute == 0)
		return;
	fill(r, now);
	r->level -= (double)n;
}
