/* SPDX-License-Identifier: MIT */
/*
 * pem.c - private keys, with their bodies
 *
 * "-----BEGIN ... PRIVATE KEY-----" (PEM, OpenSSH, PGP, SSH2) to its end line, or
 * PuTTY's file to its last one; line ends may be escaped. Where the end is not
 * in reach what looks like a body is dropped until something else comes.
 */
#include <string.h>

#include "dlp/priv.h"

#define HEAD_MAX  96U
#define BODY_MIN  40U /* less is a mention of a key, not one */
#define BEGIN     "-----BEGIN "
#define BEGIN_SSH "---- BEGIN " /* RFC 4716 */
#define PUTTY     "PuTTY-User-Key-File-"
#define PUTTY_END "Private-MAC: "

static struct str text_at(const struct dlp_view *v, size_t i, size_t max)
{
	return str_from_n((const char *)v->p + i, MIN(v->n - i, max));
}

/* Return: the byte behind the head; 0 for none; -1 for more. */
static ptrdiff_t head_end(const struct dlp_view *v, size_t start)
{
	struct str t = text_at(v, start, HEAD_MAX);
	ptrdiff_t key, end;
	bool ssh;

	if (t.p[0] == 'P') {
		size_t n = MIN(t.n, strlen(PUTTY));

		if (memcmp(t.p, PUTTY, n) != 0)
			return 0;
		if (n < strlen(PUTTY))
			return v->end ? 0 : -1;
		return (ptrdiff_t)(start + n);
	}
	if (t.n < strlen(BEGIN))
		return v->end ? 0 : -1;
	ssh = str_starts(t, STR(BEGIN_SSH));
	if (!ssh && !str_starts(t, STR(BEGIN)))
		return 0;
	t = str_skip(t, strlen(BEGIN));
	key = str_find(t, STR("PRIVATE KEY"));
	end = str_find(t, ssh ? STR(" ----") : STR("-----"));
	if (end < 0)
		return t.n + strlen(BEGIN) < HEAD_MAX && !v->end ? -1 : 0;
	if (key < 0 || key > end)
		return 0;
	return (ptrdiff_t)(start + strlen(BEGIN)) + end + 5;
}

/* How much of a body stands there, before `to`: base64, and line ends. */
static size_t body_length(const struct dlp_engine *e, const struct dlp_view *v,
			  size_t i, size_t to)
{
	size_t n = 0, stop = MIN(to, i + 4 * BODY_MIN);

	for (; i < stop && dlp_is(e, v->p[i], DLP_C_KEY); i++)
		n += v->p[i] != '-' && dlp_is(e, v->p[i], DLP_C_BASE64);
	return n;
}

/*
 * Where the mark is in the n bytes from i on, counted from there; -1 for
 * nowhere. Heads without an end share what was found out before.
 */
static ptrdiff_t find_mark(struct dlp_scan *s, const struct dlp_view *v,
			   struct str mark, size_t i, size_t n)
{
	size_t from = i, stop = i + n;
	ptrdiff_t at;

	if (n < mark.n)
		return -1;
	if (s->no_mark.kind == mark.p[0] + (char)mark.n &&
	    s->no_mark.begin <= i && i <= s->no_mark.end)
		from = MIN(s->no_mark.end, stop);
	else
		s->no_mark.begin = i;
	s->no_mark.kind = (char)(mark.p[0] + (char)mark.n);
	at = str_find(text_at(v, from, stop - from), mark);
	s->no_mark.end =
		MAX(from, at < 0 ? stop - mark.n + 1 : from + (size_t)at);
	return at < 0 ? -1 : (ptrdiff_t)(from + (size_t)at - i);
}

/* Index behind the end line; 0 if it is not among the next bytes. */
static size_t key_end(struct dlp_scan *s, const struct dlp_view *v,
		      size_t start, size_t body, size_t *ret_line)
{
	bool putty = v->p[start] == 'P';
	struct str t = text_at(v, body, DLP_MATCH_MAX - (body - start));
	bool ssh = v->p[start + 4] == ' ';
	struct str mark = putty ? STR(PUTTY_END)
			  : ssh ? STR("---- END ")
				: STR("-----END ");
	ptrdiff_t at = find_mark(s, v, mark, body, t.n), close;

	if (at < 0)
		return 0;
	*ret_line = body + (size_t)at;
	t = str_skip(t, (size_t)at + mark.n);
	if (putty) {
		size_t n = 0;

		while (n < t.n && n < 64 &&
		       dlp_is(s->e, (unsigned char)t.p[n], DLP_C_HEX))
			n++;
		return n < t.n || v->end ? body + (size_t)at + mark.n + n : 0;
	}
	close = str_find(str_from_n(t.p, MIN(t.n, (size_t)HEAD_MAX)),
			 ssh ? STR(" ----") : STR("-----"));
	return close < 0 ? 0 : body + (size_t)at + mark.n + (size_t)close + 5;
}

enum dlp_answer dlp_pem_match(struct dlp_scan *s, const struct dlp_view *v,
			      size_t start, struct dlp_match *ret)
{
	const struct dlp_engine *e = s->e;
	ptrdiff_t head = head_end(v, start);
	size_t body = (size_t)head, end, line = v->n;

	/* Of "---- BEGIN" a stream has passed on the dashes. */
	ret->start = ret->idle =
		v->n - start > 4 && v->p[start + 4] == ' ' ? start + 5 : start;
	if (head <= 0)
		return head < 0 ? DLP_MORE : DLP_MISS;
	/* A body that is none says so soon. */
	if ((v->end || v->n - body >= 4 * BODY_MIN) &&
	    body_length(e, v, body, v->n) < BODY_MIN)
		return DLP_MISS;
	end = key_end(s, v, start, body, &line);
	if (end == 0 && !v->end && v->n - start < DLP_MATCH_MAX)
		return DLP_MORE;
	ret->type = e->pem;
	if (end) {
		ret->end = end;
		return body_length(e, v, body, end ? line : v->n) >= BODY_MIN
			       ? DLP_HIT
			       : DLP_MISS;
	}
	if (body_length(e, v, body, end ? line : v->n) < BODY_MIN)
		return DLP_MISS;
	ret->end = body;
	ret->swallow = DLP_SWALLOW_PEM;
	return DLP_HIT;
}
