/* SPDX-License-Identifier: MIT */
/*
 * sse.h - server-sent events as their bytes come
 */
#ifndef CLI_SSE_H
#define CLI_SSE_H

#include "base/str.h"

#define SSE_FRAME_MAX (16UL << 20)

/* event is "" when the frame names none. Negative stops the stream. */
typedef int sse_frame_fn(void *arg, struct str event, struct str data);

struct sse {
	struct buf in; /* an unfinished line */
	struct buf data;
	char event[32];
	sse_frame_fn *fn;
	void *arg;
};

void sse_done(struct sse *s);
/* 0, -EFBIG for a frame over SSE_FRAME_MAX, or fn's value. */
int sse_feed(struct sse *s, struct str bytes);

#endif
