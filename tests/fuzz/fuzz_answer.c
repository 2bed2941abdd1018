/* SPDX-License-Identifier: MIT */
/*
 * fuzz_answer.c - what a server may send to the command line
 *
 * An HTTP answer is parsed whole and in pieces of 7 bytes, which must come to
 * the same; its body is then taken for an event stream, for websocket frames
 * and for an ExecResponse.
 */
#include <assert.h>
#include <stdint.h>

#include "cli/exec.h"
#include "cli/sse.h"
#include "cli/websocket.h"
#include "cli/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int parse(struct conn *c, struct str in, size_t step)
{
	int r = 0;

	c->method = "GET";
	while (r == 0 && in.n) {
		size_t n = MIN(in.n, step);

		buf_put(&c->in, in.p, n);
		in = str_skip(in, n);
		r = conn_parse(c);
	}
	return r;
}

static int on_frame(void *arg, struct str event, struct str data)
{
	(void)arg;
	assert(event.n < 32);
	return data.n > 1000 ? -1 : 0;
}

static void render(struct str body)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(8U << 20);
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json *v = NULL;

	if (json_parse(&a, body, &v) < 0)
		return;
	(void)exec_is_response(v);
	assert(exec_status(v) >= 0 && exec_status(v) < 256);
	exec_guidance(v, &b);
	yaml_put(&b, v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_from_n((const char *)data, size);
	_cleanup_conn_ struct conn whole = CONN_INIT, parts = CONN_INIT;
	struct sse sse = { .fn = on_frame };
	struct ws_frame f;
	ssize_t n;
	int r = parse(&whole, in, size);

	assert(parse(&parts, in, 7) == r || r < 0);
	if (r >= 0) {
		assert(whole.status == parts.status);
		assert(str_eq(buf_str(&whole.body), buf_str(&parts.body)));
	}
	render(buf_str(&whole.body));
	(void)sse_feed(&sse, buf_str(&whole.body));
	sse_done(&sse);
	in = buf_str(&whole.body);
	while ((n = websocket_parse(in, &f)) > 0) {
		assert((size_t)n <= in.n && f.payload.n <= (size_t)n);
		in = str_skip(in, (size_t)n);
	}
	return 0;
}
