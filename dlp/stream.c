/* SPDX-License-Identifier: MIT */
/*
 * stream.c - a text that comes in pieces
 *
 * The pieces are put behind each other in a window that a scan walks over.
 * What is decided goes out and stays in the window for a while, as what comes
 * next may depend on what was before it. When the window is full its beginning
 * is dropped; what a scan can keep back always fits.
 */
#include <errno.h>
#include <stdlib.h>

#include "dlp/priv.h"

#define WINDOW_MIN 4096U
#define WINDOW_MAX 65536U

_Static_assert(WINDOW_MAX >= 2 * (DLP_MATCH_MAX + DLP_CONTEXT),
	       "a window holds what a scan keeps back, and more");

struct dlp_stream {
	struct dlp_scan scan;
	struct dlp_sink sink;
	unsigned char *window; /* owned; NULL: not needed yet */
	size_t size, n;
	bool begin;
};

int dlp_stream_new(const struct dlp_engine *e, const struct dlp_sink *sink,
		   struct dlp_stream **ret)
{
	struct dlp_stream *s = malloc(sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->sink = *sink;
	dlp_scan_init(&s->scan, e, &s->sink);
	s->scan.stream = true;
	s->window = NULL;
	s->size = s->n = 0;
	s->begin = true;
	*ret = s;
	return 0;
}

struct dlp_stream *dlp_stream_free(struct dlp_stream *s)
{
	if (!s)
		return NULL;
	dlp_scan_done(&s->scan);
	if (s->window) /* there were secrets in it */
		explicit_bzero(s->window, s->size);
	free(s->window);
	free(s);
	return NULL;
}

static void forget(struct dlp_stream *s)
{
	size_t keep = MIN(s->scan.floor, s->scan.pos);

	if (keep <= DLP_CONTEXT)
		return;
	keep -= DLP_CONTEXT;
	memmove(s->window, s->window + keep, s->n - keep);
	s->n -= keep;
	s->begin = false;
	dlp_scan_shift(&s->scan, keep);
}

/* Room for some of want bytes. */
static int make_room(struct dlp_stream *s, size_t want)
{
	size_t size = MAX(s->size, (size_t)WINDOW_MIN);
	unsigned char *p;

	if (s->size - s->n >= MIN(want, (size_t)WINDOW_MIN / 4))
		return 0;
	if (s->n)
		forget(s);
	while (size < WINDOW_MAX && size - s->n < want)
		size *= 2;
	if (size == s->size)
		return 0;
	p = malloc(size);
	if (!p)
		return -ENOMEM;
	if (s->n)
		memcpy(p, s->window, s->n);
	if (s->window)
		explicit_bzero(s->window, s->size);
	free(s->window);
	s->window = p;
	s->size = size;
	return 0;
}

static void put_out(struct dlp_stream *s, size_t to)
{
	struct str text = { (const char *)s->window + s->scan.floor,
			    to - s->scan.floor };

	if (to <= s->scan.floor)
		return;
	s->scan.floor = to;
	s->sink.out(s->sink.arg, text);
}

static int run(struct dlp_stream *s, bool end, bool idle)
{
	struct dlp_view v = {
		.p = s->window, .n = s->n, .begin = s->begin, .end = end
	};
	size_t hold, soft;

	hold = dlp_scan_run(&s->scan, &v, &soft);
	if (idle && s->scan.has_pending) {
		dlp_scan_settle(&s->scan, &v);
		hold = dlp_scan_run(&s->scan, &v, &soft);
	}
	if (s->scan.error < 0)
		return s->scan.error;
	put_out(s, idle ? MAX(soft, hold) : hold);
	return 0;
}

int dlp_stream_feed(struct dlp_stream *s, struct str bytes)
{
	int r = s->scan.error;

	if (s->scan.e->n_types == 0) {
		if (bytes.n)
			s->sink.out(s->sink.arg, bytes);
		return 0;
	}
	while (r == 0 && bytes.n) {
		size_t n;

		r = make_room(s, bytes.n);
		if (r < 0)
			break;
		n = MIN(bytes.n, s->size - s->n);
		if (n == 0)
			return -ENOBUFS; /* cannot be: see the assertion */
		memcpy(s->window + s->n, bytes.p, n);
		s->n += n;
		bytes = str_skip(bytes, n);
		r = run(s, /* end */ false, /* idle */ false);
	}
	return r;
}

int dlp_stream_flush(struct dlp_stream *s, enum dlp_flush how)
{
	if (s->n == 0 || s->scan.error < 0)
		return s->scan.error;
	s->scan.retry_at = 0;
	return run(s, how == DLP_FLUSH_LONG, /* idle */ true);
}

int dlp_stream_finish(struct dlp_stream *s)
{
	return dlp_stream_flush(s, DLP_FLUSH_LONG);
}

size_t dlp_stream_held(const struct dlp_stream *s)
{
	return s->n - s->scan.floor;
}
