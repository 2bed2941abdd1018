/* SPDX-License-Identifier: MIT */
/*
 * fuzz_sse.c - events of arbitrary bytes, cut in two anywhere, and their usage
 *
 * The first byte says where to cut; the events are those of the whole.
 */
#include <assert.h>

#include "netproxy/sse.h"
#include "netproxy/usage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	size_t events, bytes;
	struct usage usage;
};

static void on_event(void *arg, struct str name, struct str data)
{
	struct seen *s = arg;

	s->events++;
	s->bytes += name.n + data.n;
	usage_take(&s->usage, data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = { 0 }, parts = { 0 };
	struct sse a = { 0 }, b = { 0 };
	struct str in;
	size_t cut;

	if (size == 0)
		return 0;
	in = str_from_n((const char *)data + 1, size - 1);
	cut = in.n * data[0] / 255;
	sse_feed(&a, in, on_event, &whole);
	sse_feed(&b, str_from_n(in.p, cut), on_event, &parts);
	sse_feed(&b, str_skip(in, cut), on_event, &parts);
	assert(whole.events == parts.events && whole.bytes == parts.bytes);
	assert(usage_total(&whole.usage) == usage_total(&parts.usage));
	assert(usage_total(&whole.usage) >= 0);
	sse_done(&a);
	sse_done(&b);
	return 0;
}
