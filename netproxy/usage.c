/* SPDX-License-Identifier: MIT */
/*
 * usage.c - the tokens an answer of a language model service speaks of
 *
 *	Anthropic	usage{input_tokens, output_tokens,
 *			cache_read_input_tokens, cache_creation_input_tokens,
 *			cache_creation{ephemeral_5m_input_tokens, ..1h..}}
 *			in the answer, in message_start.message, in message_delta
 *	Chat		usage{prompt_tokens, completion_tokens,
 *			prompt_tokens_details{cached_tokens},
 *			completion_tokens_details{reasoning_tokens}}
 *	Responses	usage{input_tokens, output_tokens,
 *			input_tokens_details{cached_tokens},
 *			output_tokens_details{reasoning_tokens}}
 *			in the answer, in response.completed.response
 *
 * OpenAI counts cached tokens within the input, Anthropic beside it; here they
 * are beside it.
 */
#include "netproxy/usage.h"

#include "base/json.h"

#define MAX_TOKENS 1000000000000LL

static void take_count(const struct json *obj, const char *key, int64_t *ret)
{
	int64_t v = json_get_i64(obj, key, -1);

	if (v >= 0 && v <= MAX_TOKENS)
		*ret = v;
}

static void take_openai(struct usage *u, const struct json *o)
{
	const struct json *in = json_get(o, "prompt_tokens_details");
	const struct json *out = json_get(o, "completion_tokens_details");
	int64_t cached = 0;

	if (!in)
		in = json_get(o, "input_tokens_details");
	if (!out)
		out = json_get(o, "output_tokens_details");
	take_count(o, "prompt_tokens", &u->input);
	take_count(o, "completion_tokens", &u->output);
	take_count(out, "reasoning_tokens", &u->reasoning);
	take_count(in, "cached_tokens", &cached);
	if (cached > 0 && cached <= u->input) {
		u->cache_read = cached;
		u->input -= cached;
	}
}

static void take_usage(struct usage *u, const struct json *o)
{
	const struct json *created = json_get(o, "cache_creation");

	if (!o || o->type != JSON_OBJECT)
		return;
	u->present = true;
	take_count(o, "input_tokens", &u->input);
	take_count(o, "output_tokens", &u->output);
	take_count(o, "cache_read_input_tokens", &u->cache_read);
	take_count(o, "cache_creation_input_tokens", &u->cache_write);
	take_count(created, "ephemeral_5m_input_tokens", &u->cache_write_5m);
	take_count(created, "ephemeral_1h_input_tokens", &u->cache_write_1h);
	take_openai(u, o);
}

void usage_take(struct usage *u, struct str json)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(64U << 20);
	struct json *v;

	/* most events of a stream have none: do not parse them */
	if (!json.n || !memmem(json.p, json.n, "\"usage\"", 7) ||
	    json_parse(&a, json, &v) < 0)
		return;
	take_usage(u, json_get(v, "usage"));
	take_usage(u, json_get(json_get(v, "message"), "usage"));
	take_usage(u, json_get(json_get(v, "response"), "usage"));
}

int64_t usage_total(const struct usage *u)
{
	return u->input + u->output + u->cache_read + u->cache_write;
}
