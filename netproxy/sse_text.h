/* SPDX-License-Identifier: MIT */
/*
 * sse_text.h - secrets that a stream of events hands out in pieces
 *
 * A model's answer comes as events with a few letters each, and a key in it as
 * a dozen of them. The texts of one block of content are put behind each other
 * and looked at as one; what may still become a secret is held back, and comes
 * with the next event of the block or before the one that ends it, as a copy of
 * the last one with the rest of the text. Events are never held, and stay the
 * bytes they were where nothing was held or found. What a signature covers
 * (thinking) is not touched.
 *
 *	Anthropic	content_block_delta: text, partial_json
 *	Chat		choices[].delta: content, refusal, reasoning_content,
 *			tool_calls[].function.arguments; choices[].text
 *	Responses	response.*.delta
 */
#ifndef NETPROXY_SSE_TEXT_H
#define NETPROXY_SSE_TEXT_H

#include "base/str.h"
#include "dlp/dlp.h"

#define SSE_TEXT_MAX_BLOCKS 64U /* at once; others are passed as they are */

struct sse_text;

/* The engine and the tokens (may be NULL) are borrowed. Return: 0, -ENOMEM. */
int sse_text_new(const struct dlp_engine *e, struct dlp_tokens *tokens,
		 struct sse_text **ret);
struct sse_text *sse_text_free(struct sse_text *s); /* wipes; returns NULL */
/*
 * Appends to out all events that end in bytes; an event longer than
 * SSE_MAX_EVENT as it is. end: what is left, too. Return: 0, -ENOMEM.
 */
int sse_text_feed(struct sse_text *s, struct str bytes, bool end,
		  struct buf *out);

#endif
