/* SPDX-License-Identifier: MIT */
/*
 * stream.c - a text that comes in pieces
 */
#include <errno.h>
#include <stdlib.h>

#include "dlp/priv.h"

struct dlp_stream {
	const struct dlp_engine *engine;
	struct dlp_sink sink;
	struct buf pending;
};

int dlp_stream_new(const struct dlp_engine *e, const struct dlp_sink *sink,
		   struct dlp_stream **ret)
{
	struct dlp_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->engine = e;
	s->sink = *sink;
	*ret = s;
	return 0;
}

struct dlp_stream *dlp_stream_free(struct dlp_stream *s)
{
	if (!s)
		return NULL;
	buf_done(&s->pending);
	free(s);
	return NULL;
}

int dlp_stream_feed(struct dlp_stream *s, struct str bytes)
{
	buf_put_str(&s->pending, bytes);
	return s->pending.error;
}

int dlp_stream_flush(struct dlp_stream *s, enum dlp_flush how)
{
	return how == DLP_FLUSH_LONG ? dlp_stream_finish(s) : 0;
}

int dlp_stream_finish(struct dlp_stream *s)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	int r = dlp_redact(s->engine, buf_str(&s->pending), &out, &s->sink);

	if (r < 0)
		return r;
	s->sink.out(s->sink.arg, buf_str(&out));
	buf_reset(&s->pending);
	return 0;
}

size_t dlp_stream_held(const struct dlp_stream *s)
{
	return s->pending.len;
}
