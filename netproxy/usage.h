/* SPDX-License-Identifier: MIT */
/*
 * usage.h - the tokens an answer of a language model service speaks of; pure
 *
 * Anthropic (Messages, also as events), OpenAI (Chat Completions, Responses,
 * Embeddings, also as events) and what imitates them.
 */
#ifndef NETPROXY_USAGE_H
#define NETPROXY_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct usage {
	bool present;
	int64_t input, output;           /* tokens; input without cached */
	int64_t cache_read, cache_write; /* of the prompt */
	int64_t cache_write_5m, cache_write_1h;
	int64_t reasoning; /* of the output */
};

/*
 * Takes what one JSON object says, a whole answer or one event; later words
 * replace earlier ones. Bytes that are no JSON are ignored.
 */
void usage_take(struct usage *u, struct str json);
/* All the service counts for a request. */
int64_t usage_total(const struct usage *u);

#endif
