/* SPDX-License-Identifier: MIT */
/*
 * decode.c - secrets that are written in another way: base64, gzip in base64,
 * and bytes escaped for a URL or a JSON string
 *
 * What may hide something is decoded and scanned as a text of its own, to a
 * depth of DLP_MAX_DEPTH. What is found in base64 is replaced inside it, so
 * that it stays base64. A long blob is taken in pieces that overlap, counted
 * from its beginning; something found is reported by the piece it begins in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/digest.h"
#include "dlp/ascii.h"
#include "dlp/priv.h"

#define BLOB_MIN     64U
#define BLOB_STEP    12288U /* both are multiples of 4 */
#define BLOB_OVERLAP 4096U
#define INFLATED_MAX (256U << 10)
#define RUN_MAX      2048U

/* --- base64 ------------------------------------------------------------ */

static const int8_t *base64_values(void)
{
	static int8_t values[256];
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789";

	/* Every thread writes the same. */
	if (values['B'] == 0) {
		int8_t v[256];

		memset(v, -1, sizeof(v));
		for (unsigned int i = 0; i < 62; i++)
			v[(unsigned char)digits[i]] = (int8_t)i;
		v['+'] = v['-'] = 62;
		v['/'] = v['_'] = 63;
		memcpy(values, v, sizeof(values));
	}
	return values;
}

/* Decodes n characters, no = among them. Return: number of bytes. */
static size_t base64_bytes(const unsigned char *p, size_t n, char *out)
{
	const int8_t *value = base64_values();
	char *to = out;
	uint32_t x = 0;

	for (; n >= 4; n -= 4, p += 4) {
		x = (uint32_t)value[p[0]] << 18 | (uint32_t)value[p[1]] << 12 |
		    (uint32_t)value[p[2]] << 6 | (uint32_t)value[p[3]];
		*to++ = (char)(x >> 16);
		*to++ = (char)(x >> 8);
		*to++ = (char)x;
	}
	if (n >= 2) {
		x = (uint32_t)value[p[0]] << 18 | (uint32_t)value[p[1]] << 12;
		*to++ = (char)(x >> 16);
	}
	if (n == 3)
		*to++ = (char)((x | (uint32_t)value[p[2]] << 6) >> 8);
	return (size_t)(to - out);
}

/* What was found in decoded bytes, and what they become. */
struct edit {
	const char *plain;
	size_t n;      /* bytes of it */
	size_t accept; /* findings that begin behind it are another's */
	size_t from;   /* first byte changed, if found */
	size_t to;     /* behind the last one */
	bool found;
	unsigned int type;
	struct buf out; /* what [from, to) becomes */
};

static void on_plain(void *arg, const struct dlp_finding *f)
{
	struct edit *d = arg;

	if (f->action == DLP_LOG || f->offset >= d->accept)
		return;
	if (!d->found) {
		d->found = true;
		d->type = f->type;
		d->from = d->to = f->offset - f->offset % 3;
	}
	buf_put(&d->out, d->plain + d->to, f->offset - d->to);
	buf_put_str(&d->out, f->replacement);
	d->to = MIN(d->n, f->offset + f->length);
}

/* The edit as base64 that fills whole groups of four. */
static void put_base64(struct edit *d, struct buf *out)
{
	while (d->to % 3 && d->to < d->n)
		buf_putc(&d->out, d->plain[d->to++]);
	while (d->out.len % 3)
		buf_putc(&d->out, '*');
	base64_encode_to(out, d->out.data, d->out.len);
	out->error = out->error ? out->error : d->out.error;
}

/* Where the blob in a run begins: names in front of it end in "=". */
static size_t blob_start(const struct dlp_view *v, size_t start, size_t end)
{
	size_t stop = MIN(end, start + BLOB_MIN * 2);

	for (size_t i = stop; i-- > start;)
		if (v->p[i] == '=' && i + 1 < end && v->p[i + 1] != '=')
			return i + 1;
	return start;
}

/* Inflates into out, as far as it goes. Return: number of bytes. */
static size_t inflate_some(struct str in, char *out, size_t room)
{
	z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)in.p,
		       .avail_in = (uInt)in.n,
		       .next_out = (Bytef *)out,
		       .avail_out = (uInt)room };
	size_t n;

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return 0;
	/* Cut or broken: what came out before that counts. */
	(void)inflate(&z, Z_SYNC_FLUSH);
	n = room - z.avail_out;
	(void)inflateEnd(&z);
	return n;
}

static bool is_gzip(struct str s)
{
	return str_starts(s, STR("\x1f\x8b\x08"));
}

static int scan_inflated(struct dlp_scan *s, struct str plain, struct edit *d)
{
	_cleanup_free_ char *text = malloc(INFLATED_MAX);
	size_t n;

	if (!text)
		return -ENOMEM;
	n = inflate_some(plain, text, INFLATED_MAX);
	d->plain = text;
	d->n = d->accept = n;
	return dlp_scan_nested(s, str_from_n(text, n), on_plain, d);
}

static enum dlp_answer blob_answer(const struct dlp_view *v, size_t start,
				   size_t end, struct edit *d,
				   struct dlp_match *ret)
{
	ret->start = start + d->from / 3 * 4;
	put_base64(d, &ret->text);
	ret->end = MIN(end, start + (d->to + 2) / 3 * 4);
	while (d->to >= d->n && ret->end < v->n && v->p[ret->end] == '=')
		ret->end++;
	ret->type = d->type;
	return DLP_HIT;
}

static enum dlp_answer scan_blob(struct dlp_scan *s, const struct dlp_view *v,
				 size_t start, size_t end,
				 struct dlp_match *ret)
{
	_cleanup_free_ char *plain = malloc((end - start) / 4 * 3 + 3);
	struct edit d = { .accept = BLOB_STEP / 4 * 3 };
	enum dlp_answer a = DLP_MISS;
	int r = -ENOMEM;

	if (plain) {
		d.plain = plain;
		d.n = base64_bytes(v->p + start, end - start, plain);
		r = is_gzip(str_from_n(plain, d.n))
			    ? scan_inflated(s, str_from_n(plain, d.n), &d)
			    : dlp_scan_nested(s, str_from_n(plain, d.n),
					      on_plain, &d);
	}
	if (r < 0)
		s->error = r;
	if (d.found && d.plain != plain) { /* compressed: all of it goes */
		ret->start = start;
		ret->end = end;
		ret->type = d.type;
		ret->swallow = DLP_SWALLOW_CLASS;
		ret->swallow_class = DLP_C_BASE64;
		a = DLP_HIT;
	} else if (d.found) {
		a = blob_answer(v, start, end, &d, ret);
	}
	buf_done(&d.out);
	return a;
}

enum dlp_answer dlp_blob_match(struct dlp_scan *s, const struct dlp_view *v,
			       size_t start, struct dlp_match *ret)
{
	size_t end = dlp_scan_span(s, v, DLP_C_BASE64, start,
				   BLOB_STEP + BLOB_OVERLAP);
	bool whole = end - start < BLOB_STEP + BLOB_OVERLAP;

	ret->start = ret->idle = start;
	if (whole && end == v->n && !v->end)
		return DLP_MORE;
	s->blob_from = whole ? end : start + BLOB_STEP;
	start = blob_start(v, start, end);
	if (!whole) /* the next piece keeps to the same groups */
		s->blob_from = start + BLOB_STEP;
	while (end > start && v->p[end - 1] == '=')
		end--;
	for (size_t i = start; i < end; i++)
		if (v->p[i] == '=')
			end = i;
	if (s->depth >= DLP_MAX_DEPTH || end - start < BLOB_MIN / 2)
		return DLP_MISS;
	return scan_blob(s, v, start, end, ret);
}

/* --- escapes ----------------------------------------------------------- */

struct unescaped {
	const struct dlp_view *v;
	size_t floor;
	size_t n;
	char text[RUN_MAX + DLP_BACK + 1];
	uint16_t at[RUN_MAX + DLP_BACK +
		    2]; /* where each byte was, from `from` */
	size_t from;
	bool found;
	size_t start, end;
	unsigned int type;
	struct buf out;
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

/* Length of the escape at i, which ends before `end`, or 1 for none. */
static size_t escape_at(const struct dlp_view *v, size_t i, size_t end,
			char *ret)
{
	const unsigned char *p = v->p + i;
	size_t n = end - i;
	int c;

	*ret = (char)p[0];
	if (n >= 3 && p[0] == '%') {
		c = hex_pair(p + 1);
		if (c >= 0) {
			*ret = (char)c;
			return 3;
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
	size_t from = u->from + u->at[f->offset];
	size_t to = u->from + u->at[MIN(u->n, f->offset + f->length)];

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
		u->at[u->n] = (uint16_t)(i - u->from);
		i += escape_at(u->v, i, end, &u->text[u->n]);
		u->n++;
	}
	u->at[u->n] = (uint16_t)(end - u->from);
}

/*
 * There is no escape, or what it stands for is nothing that a secret has in it:
 * a separator, as most are. A secret with a real escape in it has another
 * trigger there.
 */
static bool hides_nothing(const struct dlp_view *v, size_t t)
{
	size_t n = 2;
	char c;

	if (v->p[t] == '%')
		n = 3;
	else if (v->n - t >= 2 && v->p[t + 1] == 'u')
		n = 6;
	if (v->n - t < n)
		return v->end;
	if (escape_at(v, t, t + n, &c) == 1)
		return true;
	return !ascii_is((unsigned char)c, ASCII_ALNUM) &&
	       !memchr("-_.@:/+=~", c, 9);
}

enum dlp_answer dlp_escape_match(struct dlp_scan *s, const struct dlp_view *v,
				 size_t t, struct dlp_match *ret)
{
	struct unescaped u = { .v = v, .from = t };
	size_t end = dlp_scan_span(s, v, DLP_C_URL, t, RUN_MAX);
	size_t word = t;
	char c;

	ret->start = ret->idle = t;
	if (s->depth >= DLP_MAX_DEPTH || hides_nothing(v, t))
		return DLP_MISS;
	while (u.from > 0 && t - u.from < DLP_BACK &&
	       dlp_is(s->e, v->p[u.from - 1], DLP_C_URL))
		u.from--;
	while (word > u.from && dlp_is(s->e, v->p[word - 1], DLP_C_HELD))
		word--;
	ret->start = ret->idle = word;
	if (end == v->n && !v->end && end - t < RUN_MAX)
		return DLP_MORE;
	if (escape_at(v, t, end, &c) == 1)
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
