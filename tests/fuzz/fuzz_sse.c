/* SPDX-License-Identifier: MIT */
/*
 * fuzz_sse.c - events of arbitrary bytes, cut in two anywhere, and their usage
 *
 * The first byte says where to cut; the events are those of the whole, and so
 * is what stands in place of secrets that they hand out in pieces.
 */
#include <assert.h>
#include <stdlib.h>

#include "netproxy/sse.h"
#include "netproxy/sse_text.h"
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

static void filter(const struct dlp_engine *e, struct str in, size_t cut,
		   struct buf *out)
{
	struct sse_text *s = NULL;
	int r = sse_text_new(e, NULL, &s);

	assert(r == 0);
	r = sse_text_feed(s, str_from_n(in.p, cut), false, out);
	assert(r == 0);
	r = sse_text_feed(s, str_skip(in, cut), true, out);
	assert(r == 0);
	(void)sse_text_free(s);
}

static void check_filter(struct str in, size_t cut)
{
	static struct dlp_engine *e;
	const struct dlp_settings all = { 0 };
	_cleanup_buf_ struct buf whole = BUF_INIT, parts = BUF_INIT;

	if (!e) {
		_cleanup_buf_ struct buf err = BUF_INIT;

		if (dlp_engine_new(&all, &err, &e) < 0)
			abort();
	}
	filter(e, in, 0, &whole);
	filter(e, in, cut, &parts);
	assert(str_eq(buf_str(&whole), buf_str(&parts)));
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
	check_filter(in, cut);
	return 0;
}
