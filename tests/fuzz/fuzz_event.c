/* SPDX-License-Identifier: MIT */
/*
 * fuzz_event.c - what a hostile worker may put into the ring
 *
 * An event that decodes also encodes, decodes to the same bytes again, and its
 * JSON is one well-formed line.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "core/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_json(const struct event *e)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(64U << 20);
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct json_writer w;
	struct json *tree;
	int r;

	json_writer_init(&w, &text, 0);
	event_to_json(e, &w);
	assert(text.error == 0);
	assert(str_index(buf_str(&text), '\n') < 0);
	r = json_parse(&a, buf_str(&text), &tree);
	/* Raw JSON near the depth limit exceeds it inside the object. */
	assert(r == 0 || r == -E2BIG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(16U << 20);
	_cleanup_arena_ struct arena b = ARENA_INIT(16U << 20);
	_cleanup_buf_ struct buf once = BUF_INIT;
	_cleanup_buf_ struct buf twice = BUF_INIT;
	static struct event e, again;

	if (event_decode(str_from_n((const char *)data, size), &a, &e) < 0)
		return 0;
	check_json(&e);
	e.timestamp_ns = e.timestamp_ns ? e.timestamp_ns : 1;
	if (event_encode(&e, &once) < 0)
		return 0;
	assert(event_decode(buf_str(&once), &b, &again) == 0);
	assert(event_encode(&again, &twice) == 0);
	assert(str_eq(buf_str(&once), buf_str(&twice)));
	return 0;
}
