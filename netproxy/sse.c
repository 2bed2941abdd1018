/* SPDX-License-Identifier: MIT */
/*
 * sse.c - server-sent events out of a stream of bytes
 */
#include "netproxy/sse.h"

void sse_done(struct sse *s)
{
	buf_done(&s->line);
	buf_done(&s->name);
	buf_done(&s->data);
}

static void end_event(struct sse *s, sse_fn *fn, void *arg)
{
	if (s->too_long)
		s->skipped++;
	else if (s->has_data)
		fn(arg, buf_str(&s->name), buf_str(&s->data));
	buf_reset(&s->name);
	buf_reset(&s->data);
	s->has_data = s->too_long = false;
}

/* "field: value"; other fields and comments say nothing to us. */
static void take_line(struct sse *s, struct str line, sse_fn *fn, void *arg)
{
	ptrdiff_t colon;
	struct str value;

	if (line.n == 0) {
		end_event(s, fn, arg);
		return;
	}
	colon = str_index(line, ':');
	if (colon <= 0 || s->too_long)
		return;
	value = str_skip(line, (size_t)colon + 1);
	if (value.n && value.p[0] == ' ')
		value = str_skip(value, 1);
	line.n = (size_t)colon;
	if (str_eq(line, STR("event"))) {
		buf_reset(&s->name);
		buf_put_str(&s->name, value);
	} else if (str_eq(line, STR("data"))) {
		if (s->has_data)
			buf_putc(&s->data, '\n');
		buf_put_str(&s->data, value);
		s->has_data = true;
	}
	s->too_long |= s->data.len > SSE_MAX_EVENT || s->data.error ||
		       s->name.error;
}

static void keep_rest(struct sse *s, struct str rest)
{
	if (s->line.len + rest.n > SSE_MAX_EVENT)
		s->too_long = true;
	else
		buf_put_str(&s->line, rest);
	s->too_long |= s->line.error != 0;
}

/* Index of the first line end in s, or -1. */
static ptrdiff_t line_end(struct str s)
{
	ptrdiff_t lf = str_index(s, '\n');
	ptrdiff_t cr =
		str_index(str_from_n(s.p, lf < 0 ? s.n : (size_t)lf), '\r');

	return cr >= 0 ? cr : lf;
}

void sse_feed(struct sse *s, struct str bytes, sse_fn *fn, void *arg)
{
	while (bytes.n) {
		ptrdiff_t end;

		if (s->after_cr && bytes.p[0] == '\n') {
			s->after_cr = false;
			bytes = str_skip(bytes, 1);
			continue;
		}
		s->after_cr = false;
		end = line_end(bytes);
		if (end < 0) {
			keep_rest(s, bytes);
			return;
		}
		s->after_cr = bytes.p[end] == '\r';
		if (s->line.len) {
			keep_rest(s, str_from_n(bytes.p, (size_t)end));
			take_line(s, buf_str(&s->line), fn, arg);
		} else {
			take_line(s, str_from_n(bytes.p, (size_t)end), fn, arg);
		}
		buf_reset(&s->line);
		bytes = str_skip(bytes, (size_t)end + 1);
	}
}
