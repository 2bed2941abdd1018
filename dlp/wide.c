/* SPDX-License-Identifier: MIT */
/*
 * wide.c - text in UTF-16, of either byte order
 *
 * Of Latin text every second byte is zero. What is found is written back in
 * the same way. A long run is taken in pieces that overlap; a finding belongs
 * to the piece that it begins in.
 */
#include <errno.h>
#include <stdlib.h>

#include "dlp/inner.h"

#define WIDE_STEP    4096U /* characters */
#define WIDE_OVERLAP 2048U

struct run {
	size_t start, n; /* n characters */
	bool big;        /* the zero comes first */
};

size_t dlp_wide_before(const struct dlp_scan *s, const struct dlp_view *v,
		       size_t i, size_t max)
{
	size_t from = i;

	if (i < 2 || (v->p[i - 1] && v->p[i - 2]))
		return i;
	while (from > s->wide_from && i - from < max &&
	       (v->p[from - 1] == 0 ? from == i || v->p[from] != 0
				    : dlp_is_text(v->p[from - 1]) &&
					      (from == i || v->p[from] == 0)))
		from--;
	return from;
}

/* The character at i, or -1 if there is none. */
static int character(const struct dlp_view *v, size_t i, bool big)
{
	const unsigned char *p = v->p + i;

	if (p[big ? 0 : 1] != 0 || !dlp_is_text(p[big ? 1 : 0]))
		return -1;
	return p[big ? 1 : 0];
}

/* The run around t. Where both orders could be, as in the middle of other
 * bytes, the zeros come last. */
static struct run find_run(const struct dlp_scan *s, const struct dlp_view *v,
			   size_t t)
{
	size_t zero = t, i;
	struct run x = { 0 };

	while (zero >= s->wide_from + 2 && t - zero < DLP_BACK &&
	       v->p[zero - 2] == 0 && dlp_is_text(v->p[zero - 1]))
		zero -= 2;
	x.big = zero == s->wide_from || !dlp_is_text(v->p[zero - 1]);
	x.start = zero - !x.big;
	for (i = x.start; i + 2 <= v->n && x.n < WIDE_STEP + WIDE_OVERLAP;
	     i += 2, x.n++)
		if (character(v, i, x.big) < 0)
			break;
	return x;
}

static void put_wide(const struct buf *plain, bool big, struct buf *out)
{
	for (size_t i = 0; i < plain->len; i++) {
		if (big)
			buf_putc(out, '\0');
		buf_putc(out, plain->data[i]);
		if (!big)
			buf_putc(out, '\0');
	}
	out->error = out->error ? out->error : plain->error;
}

enum dlp_answer dlp_wide_match(struct dlp_scan *s, const struct dlp_view *v,
			       size_t t, struct dlp_match *ret)
{
	struct run x = find_run(s, v, t);
	bool whole = x.n < WIDE_STEP + WIDE_OVERLAP;
	_cleanup_free_ char *plain = NULL;
	struct dlp_edit d = { .n = x.n,
			      .accept = whole ? x.n : (size_t)WIDE_STEP };

	ret->start = x.start;
	ret->idle = v->n;
	if (s->depth >= DLP_MAX_DEPTH)
		return DLP_MISS;
	if (whole && x.start + 2 * x.n + 2 > v->n && !v->end)
		return DLP_MORE;
	s->wide_from = x.start + 2 * (whole ? x.n : (size_t)WIDE_STEP);
	plain = malloc(x.n + 1);
	for (size_t i = 0; plain && i < x.n; i++)
		plain[i] = (char)character(v, x.start + 2 * i, x.big);
	d.plain = plain;
	if (!plain || dlp_edit_scan(s, &d) < 0)
		s->error = -ENOMEM;
	if (d.found) {
		ret->start = x.start + 2 * d.from;
		ret->end = x.start + 2 * d.to;
		ret->type = d.type;
		put_wide(&d.out, x.big, &ret->text);
	}
	buf_done(&d.out);
	return d.found ? DLP_HIT : DLP_MISS;
}
