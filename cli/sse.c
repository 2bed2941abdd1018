/* SPDX-License-Identifier: MIT */
/*
 * sse.c - server-sent events as their bytes come
 */
#include "cli/sse.h"

#include <errno.h>

void sse_done(struct sse *s)
{
	buf_done(&s->in);
	buf_done(&s->data);
}

/* "name: value" with the one optional blank. */
static bool field(struct str line, struct str name, struct str *ret)
{
	if (!str_starts(line, name))
		return false;
	line = str_skip(line, name.n);
	if (line.n && line.p[0] == ' ')
		line = str_skip(line, 1);
	*ret = line;
	return true;
}

static int take_line(struct sse *s, struct str line)
{
	struct str value;
	int r = 0;

	if (line.n == 0) {
		if (s->data.len)
			r = s->fn(s->arg, str_from(s->event),
				  buf_str(&s->data));
		s->event[0] = '\0';
		buf_reset(&s->data);
		return r;
	}
	if (field(line, STR("event:"), &value)) {
		value.n = MIN(value.n, sizeof(s->event) - 1);
		memcpy(s->event, value.n ? value.p : "", value.n);
		s->event[value.n] = '\0';
	} else if (field(line, STR("data:"), &value)) {
		if (s->data.len)
			buf_putc(&s->data, '\n');
		buf_put_str(&s->data, value);
	}
	if (s->data.len > SSE_FRAME_MAX)
		return -EFBIG;
	return s->data.error;
}

int sse_feed(struct sse *s, struct str bytes)
{
	struct str rest, line;
	size_t used = 0;
	int r = 0;

	buf_put_str(&s->in, bytes);
	if (s->in.error)
		return s->in.error;
	if (s->in.len > SSE_FRAME_MAX)
		return -EFBIG;
	rest = buf_str(&s->in);
	for (;;) {
		ptrdiff_t end = str_index(rest, '\n');

		if (end < 0 || r != 0)
			break;
		line = str_from_n(rest.p, (size_t)end);
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		rest = str_skip(rest, (size_t)end + 1);
		used += (size_t)end + 1;
		r = take_line(s, line);
	}
	buf_consume(&s->in, used);
	return r;
}
