/* SPDX-License-Identifier: MIT */
/*
 * decode.c - bytes escaped for a URL or a JSON string, and words with colours
 * in them
 *
 * A run with escapes in it is written plain and scanned as a text of its own, to
 * a depth of DLP_MAX_DEPTH.
 */
#include <errno.h>
#include <string.h>

#include "dlp/ascii.h"
#include "dlp/priv.h"

#define RUN_MAX 2048U

/* --- escapes ----------------------------------------------------------- */

struct unescaped {
	const struct dlp_view *v;
	size_t floor;
	size_t n;
	char text[RUN_MAX + DLP_BACK + 1];
	uint16_t at[RUN_MAX + DLP_BACK +
		    2]; /* where each byte was, from `from` */
	size_t from;
	bool found, quoted;
	size_t start, end;
	unsigned int type;
	struct buf out;
	size_t limit; /* the run ends here */
};

static int hex_pair(const unsigned char *p)
{
	int v = 0;

	for (unsigned int i = 0; i < 2; i++) {
		unsigned char c = p[i], low = c | 0x20;

		if (c >= '0' && c <= '9')
			v = v << 4 | (c - '0');
		else if (low >= 'a' && low <= 'f')
			v = v << 4 | (low - 'a' + 10);
		else
			return -1;
	}
	return v;
}

#define ESC     0x1b
#define CSI_MAX 24U

/*
 * The length of a terminal's control sequence ("ESC [ 1 ; 31 m") at p; 0 for
 * none, n when it may go on behind n.
 */
static size_t csi_length(const unsigned char *p, size_t n)
{
	size_t i = 2;

	if (p[0] != ESC || (n > 1 && p[1] != '['))
		return 0;
	while (i < n && i < CSI_MAX &&
	       (ascii_is(p[i], ASCII_DIGIT) || p[i] == ';' || p[i] == ':'))
		i++;
	if (i >= n)
		return n;
	return ascii_is(p[i], ASCII_ALPHA) ? i + 1 : 0;
}

#define ENTITY_MAX 9U /* "&#x00e9;" and one digit more */

/* The length of "&#103;" or "&#x67;" at p, for a byte; 0 for none. */
static size_t entity_length(const unsigned char *p, size_t n, char *ret)
{
	unsigned int base = n > 2 && (p[2] | 0x20) == 'x' ? 16 : 10, value = 0;
	size_t i = base == 16 ? 3 : 2, from = i;

	if (n < 4 || p[1] != '#')
		return 0;
	for (; i < MIN(n, (size_t)ENTITY_MAX); i++) {
		unsigned int low = p[i] | 0x20U;

		if (ascii_is(p[i], ASCII_DIGIT))
			value = value * base + (unsigned int)(p[i] - '0');
		else if (base == 16 && low >= 'a' && low <= 'f')
			value = value * base + low - 'a' + 10;
		else
			break;
	}
	if (i == from || i >= n || p[i] != ';' || value == 0 || value > 255)
		return 0;
	*ret = (char)value;
	return i + 1;
}

/* The length of "=3D" or of a line's end that stands for nothing, at p. */
static size_t quoted_length(const unsigned char *p, size_t n, char *ret)
{
	int c = n >= 3 ? hex_pair(p + 1) : -1;

	if (c >= 0) {
		*ret = (char)c;
		return 3;
	}
	if (n >= 2 && p[1] == '\n') {
		*ret = ESC;
		return 2;
	}
	if (n >= 3 && p[1] == '\r' && p[2] == '\n') {
		*ret = ESC;
		return 3;
	}
	return 1;
}

/*
 * Length of the escape at i, which ends before `end`, or 1 for none. It stands
 * for *ret; for nothing if it is longer and *ret is ESC. quoted: the text is
 * quoted-printable, so = escapes, too.
 */
static size_t escape_at(const struct dlp_view *v, size_t i, size_t end,
			bool quoted, char *ret)
{
	const unsigned char *p = v->p + i;
	size_t n = end - i;
	int c;

	*ret = (char)p[0];
	if (p[0] == ESC) {
		size_t length = csi_length(p, n);

		return length && length <= n ? length : 1;
	}
	if (quoted && p[0] == '=')
		return quoted_length(p, n, ret);
	if (n >= 3 && p[0] == '%') {
		c = hex_pair(p + 1);
		if (c >= 0) {
			*ret = (char)c;
			return 3;
		}
	}
	if (p[0] == '&') {
		size_t length = entity_length(p, n, ret);

		return length ? length : 1;
	}
	if (n >= 4 && p[0] == '\\' && p[1] == 'x') {
		c = hex_pair(p + 2);
		if (c >= 0) {
			*ret = (char)c;
			return 4;
		}
	}
	if (n >= 6 && memcmp(p, "\\u00", 4) == 0) {
		c = hex_pair(p + 4);
		if (c >= 0) {
			*ret = (char)c;
			return 6;
		}
	}
	if (n >= 2 && p[0] == '\\' && (p[1] == '/' || p[1] == '\\')) {
		*ret = (char)p[1];
		return 2;
	}
	return 1;
}

static void on_unescaped(void *arg, const struct dlp_finding *f)
{
	struct unescaped *u = arg;
	size_t from = u->from + u->at[f->offset], to;
	char c;

	to = u->from + u->at[MIN(u->n, f->offset + f->length) - 1];
	to += escape_at(u->v, to, u->limit, u->quoted, &c);
	from = MAX(from, u->floor);
	if (f->action == DLP_LOG || to <= from)
		return;
	if (!u->found) {
		u->found = true;
		u->start = u->end = from;
		u->type = f->type;
	}
	buf_put(&u->out, u->v->p + u->end, from - u->end);
	buf_put_str(&u->out, f->replacement);
	u->end = to;
}

static void unescape(struct unescaped *u, size_t end)
{
	size_t i = u->from;

	while (i < end) {
		/* What stands for nothing belongs to what is before it. */
		u->at[u->n] = (uint16_t)(i - u->from);
		size_t n = escape_at(u->v, i, end, u->quoted, &u->text[u->n]);

		u->n += n == 1 || u->text[u->n] != ESC;
		i += n;
	}
	u->limit = end;
}

/* A colour that does not change inside of a word; *ret_more: not known yet. */
static bool is_between_words(const struct dlp_scan *s, const struct dlp_view *v,
			     size_t t, bool *ret_more)
{
	size_t i = t, n;

	*ret_more = false;
	if (t == 0 || !dlp_is(s->e, v->p[t - 1], DLP_C_HELD))
		return true;
	while (i < v->n && v->p[i] == ESC) {
		n = csi_length(v->p + i, v->n - i);
		if (n == 0)
			return true;
		i += n;
	}
	*ret_more = i >= v->n && !v->end;
	return i >= v->n || !dlp_is(s->e, v->p[i], DLP_C_HELD);
}

/* "%204111": the digits of the escape are not the number's. */
static bool is_before_number(const struct dlp_view *v, size_t to)
{
	return to < v->n && ascii_is(v->p[to], ASCII_DIGIT);
}

/* No "=3D" and no end of a line within a word. */
static bool quotes_nothing(const struct dlp_scan *s, const struct dlp_view *v,
			   size_t t)
{
	size_t n = v->n - t, line = 2;
	const unsigned char *p = v->p + t;

	if (n < 4 && !v->end)
		return false; /* not known yet */
	if (n >= 3 && p[1] == '3')
		return p[2] != 'D';
	if (n >= 3 && p[1] == '\r')
		line = 3;
	return n <= line || p[line - 1] != '\n' || t == 0 ||
	       !dlp_is(s->e, v->p[t - 1], DLP_C_HELD) ||
	       !dlp_is(s->e, p[line], DLP_C_HELD);
}

/*
 * There is no escape, or what it stands for is nothing that a secret has in it:
 * a separator, as most are. A secret with a real escape in it has another
 * trigger there.
 */
static bool hides_nothing(const struct dlp_scan *s, const struct dlp_view *v,
			  size_t t)
{
	size_t n = 2;
	char c;

	if (v->p[t] == ESC) {
		bool more, between = is_between_words(s, v, t, &more);

		return between && !more;
	}
	if (v->p[t] == '=')
		return quotes_nothing(s, v, t);
	if (v->p[t] == '%')
		n = 3;
	else if (v->p[t] == '&')
		n = MIN(v->n - t, (size_t)ENTITY_MAX);
	else if (v->n - t >= 2 && v->p[t + 1] == 'u')
		n = 6;
	else if (v->n - t >= 2 && v->p[t + 1] == 'x')
		n = 4;
	if (v->n - t < n || (v->n - t == n && !v->end))
		return v->end;
	n = escape_at(v, t, t + n, false, &c);
	if (n == 1)
		return true;
	if (c == ' ')
		return !is_before_number(v, t + n);
	return !ascii_is((unsigned char)c, ASCII_ALNUM) &&
	       !memchr("-_.@:/+=~$|>%", c, 13);
}

enum dlp_answer dlp_escape_match(struct dlp_scan *s, const struct dlp_view *v,
				 size_t t, struct dlp_match *ret)
{
	__attribute__((uninitialized)) struct unescaped u;
	unsigned int class = v->p[t] == ESC   ? DLP_C_LINE
			     : v->p[t] == '=' ? DLP_C_LINES
					      : DLP_C_URL;
	size_t end = dlp_scan_span(s, v, class, t, RUN_MAX);
	size_t word = t;
	char c;

	u.v = v;
	u.from = t;
	u.n = 0;
	u.found = false;
	u.quoted = v->p[t] == '=';
	u.out = BUF_INIT;
	ret->start = ret->idle = t;
	if (s->depth >= DLP_MAX_DEPTH || hides_nothing(s, v, t))
		return DLP_MISS;
	while (u.from > 0 && t - u.from < DLP_BACK &&
	       dlp_is(s->e, v->p[u.from - 1], class))
		u.from--;
	while (word > u.from && dlp_is(s->e, v->p[word - 1], DLP_C_HELD))
		word--;
	ret->start = ret->idle = word;
	if (end == v->n && !v->end && end - t < RUN_MAX)
		return DLP_MORE;
	if (escape_at(v, t, end, u.quoted, &c) == 1)
		return DLP_MISS;
	s->escape_from = end - t < RUN_MAX ? end : end - DLP_BACK;
	unescape(&u, end);
	/* What is before the word may be out already. */
	u.floor = word;
	if (dlp_scan_nested(s, str_from_n(u.text, u.n), on_unescaped, &u) < 0)
		s->error = -ENOMEM;
	if (!u.found) {
		buf_done(&u.out);
		return DLP_MISS;
	}
	ret->start = u.start;
	ret->end = u.end;
	ret->type = u.type;
	ret->text = u.out;
	return DLP_HIT;
}
