/* SPDX-License-Identifier: MIT */
/*
 * fixture.h - engines and findings for the tests of dlp/
 */
#ifndef TESTS_DLP_FIXTURE_H
#define TESTS_DLP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dlp/dlp.h"

#define MAX_FOUND 64

struct found {
	size_t n;
	struct dlp_finding at[MAX_FOUND];
	struct buf out;
};

static inline void on_found(void *arg, const struct dlp_finding *f)
{
	struct found *to = arg;

	if (to->n < MAX_FOUND) {
		to->at[to->n] = *f;
		to->at[to->n].replacement = STR_NONE;
	}
	to->n++;
}

static inline void on_out(void *arg, struct str bytes)
{
	buf_put_str(&((struct found *)arg)->out, bytes);
}

static inline struct dlp_engine *engine_of(const struct dlp_settings *s)
{
	_cleanup_buf_ struct buf err = BUF_INIT;
	struct dlp_engine *e = NULL;

	assert_int_equal(dlp_engine_new(s, &err, &e), 0);
	return e;
}

static inline void find_in(const struct dlp_engine *e, struct str text,
			   struct found *ret)
{
	struct dlp_sink sink = { .found = on_found, .arg = ret };

	int n;

	ret->n = 0;
	n = dlp_find(e, text, &sink);
	assert_int_equal(n, (int)ret->n);
}

static inline void expect_redacted(const struct dlp_engine *e, const char *in,
				   const char *want)
{
	_cleanup_buf_ struct buf out = BUF_INIT;

	assert_true(dlp_redact(e, str_from(in), &out, NULL) >= 0);
	assert_string_equal(buf_cstr(&out), want);
}

/* Through a stream, cut before every index of cuts. */
static inline void stream_through(const struct dlp_engine *e, struct str text,
				  const size_t *cuts, size_t n_cuts,
				  struct found *ret)
{
	struct dlp_sink sink = { .found = on_found, .out = on_out, .arg = ret };
	_cleanup_dlp_stream_ struct dlp_stream *s = NULL;
	size_t at = 0;

	ret->n = 0;
	buf_reset(&ret->out);
	assert_int_equal(dlp_stream_new(e, &sink, &s), 0);
	for (size_t i = 0; i <= n_cuts; i++) {
		size_t to = i < n_cuts ? cuts[i] : text.n;

		assert_int_equal(
			dlp_stream_feed(s, str_from_n(text.p + at, to - at)),
			0);
		at = to;
	}
	assert_int_equal(dlp_stream_finish(s), 0);
}

#endif
