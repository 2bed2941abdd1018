/* SPDX-License-Identifier: MIT */
/*
 * stats.h - counting a session's events
 */
#ifndef CLI_STATS_H
#define CLI_STATS_H

#include <stdint.h>

#include "base/json.h"

#define STATS_TYPES 128

struct stats {
	struct str session, state; /* borrowed */
	int64_t start_ns, uptime_sec;
	struct stats_type {
		struct str name; /* borrowed from the events */
		uint64_t n;
	} types[STATS_TYPES]; /* sorted by name once counted */
	size_t n_types;
	uint64_t allow, deny, prompt, total;
};

/* Counts a JSON array of events (or null). */
void stats_count(struct stats *s, const struct json *events);
void stats_text(const struct stats *s, struct buf *out);
void stats_json(const struct stats *s, struct buf *out);
/* "12s", "3m 4s", "1h 2m 3s". */
void stats_duration(struct buf *out, int64_t seconds);

#endif
