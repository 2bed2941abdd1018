/* SPDX-License-Identifier: MIT */
/*
 * fuzz_dlp_scan.c - secrets in arbitrary bytes, cut anywhere
 *
 * The first byte says how the rest is cut. What comes out of a stream is what
 * comes out of the whole, and all forms of the first pass find the same.
 */
#include <assert.h>
#include <stdlib.h>

#include "dlp/priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dlp_custom customs[] = {
	{ STR("ticket"), STR_NONE, STR("TICKET-[0-9]{2,6}\\b"), DLP_REDACT },
	{ STR("line"), STR_NONE, STR("(?m)^pin: [^\n]+$"), DLP_LOG },
};

static struct dlp_engine *engine(enum dlp_pass pass)
{
	struct dlp_settings s = { .custom = customs,
				  .n_custom = ARRAY_LEN(customs) };
	_cleanup_buf_ struct buf err = BUF_INIT;
	struct dlp_engine *e = NULL;

	if (dlp_engine_new(&s, &err, &e) < 0)
		abort();
	e->tr.pass = MIN(pass, e->tr.pass);
	return e;
}

static void on_out(void *arg, struct str bytes)
{
	buf_put_str(arg, bytes);
}

static void stream(const struct dlp_engine *e, struct str in, size_t step,
		   struct buf *out)
{
	struct dlp_sink sink = { .out = on_out, .arg = out };
	_cleanup_dlp_stream_ struct dlp_stream *s = NULL;
	int r = dlp_stream_new(e, &sink, &s);

	assert(r == 0);
	while (in.n) {
		size_t n = MIN(step, in.n);

		r = dlp_stream_feed(s, str_from_n(in.p, n));
		assert(r == 0);
		assert(dlp_stream_held(s) < 2 * DLP_MATCH_MAX);
		in = str_skip(in, n);
		step = step * 5 % 97 + 1;
	}
	r = dlp_stream_finish(s);
	assert(r == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dlp_engine *simd, *narrow, *portable;
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT, c = BUF_INIT;
	_cleanup_buf_ struct buf d = BUF_INIT;
	struct str in;

	if (size < 2)
		return 0;
	if (!simd) {
		simd = engine(DLP_PASS_AVX512);
		narrow = engine(DLP_PASS_AVX2);
		portable = engine(DLP_PASS_PORTABLE);
	}
	in = str_from_n((const char *)data + 1, size - 1);
	assert(dlp_redact(simd, in, &a, NULL) >= 0);
	assert(dlp_redact(portable, in, &b, NULL) >= 0);
	assert(str_eq(buf_str(&a), buf_str(&b)));
	assert(dlp_redact(narrow, in, &d, NULL) >= 0);
	assert(str_eq(buf_str(&a), buf_str(&d)));
	stream(simd, in, data[0] + 1U, &c);
	assert(str_eq(buf_str(&a), buf_str(&c)));
	return 0;
}
