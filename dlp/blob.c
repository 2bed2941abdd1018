/* SPDX-License-Identifier: MIT */
/*
 * blob.c - secrets in base64, and in gzip in base64
 *
 * What may hide something is decoded and scanned as a text of its own, to a
 * depth of DLP_MAX_DEPTH. What is found in base64 is replaced inside it, so
 * that it stays base64. A long blob is taken in pieces that overlap, counted
 * from its beginning; something found is reported by the piece it begins in.
 * Lines of one length, as programs write them, are one blob.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/digest.h"
#include "dlp/ascii.h"
#include "dlp/inner.h"

#define BLOB_STEP    12288U /* both are multiples of 4 */
#define BLOB_OVERLAP 4096U
#define INFLATED_MAX (256U << 10)
#define RATIO_MAX    128U
#define INFLATE_COST 4096U /* of trying, in bytes */

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

/* --- blobs ------------------------------------------------------------- */

/*
 * A run of base64, or several of one length in lines of their own. Bytes are
 * counted from its beginning, without what ends the lines.
 */
struct blob {
	const struct dlp_view *v;
	size_t start, n;
	size_t line; /* bytes of each line; 0 = there is one */
	size_t gap;  /* bytes of a line's end */
	size_t end;  /* in the view, behind the last byte */
	size_t skip; /* bytes in front of it that belong to no group */
};

static size_t raw_at(const struct blob *b, size_t i)
{
	return b->start + i + (b->line ? i / b->line * b->gap : 0);
}

/* Behind a byte, where that is not the beginning of the next line. */
static size_t raw_behind(const struct blob *b, size_t i)
{
	return i ? raw_at(b, i - 1) + 1 : b->start;
}

/* The edit as base64 that fills whole groups of four. */
static void put_base64(struct dlp_edit *d, struct buf *out)
{
	while (d->to % 3 && d->to < d->n)
		buf_putc(&d->out, d->plain[d->to++]);
	while (d->out.len % 3)
		buf_putc(&d->out, '*');
	base64_encode_to(out, d->out.data, d->out.len);
	out->error = out->error ? out->error : d->out.error;
}

/* Where the blob in a run begins: names in front of it end in "=". */
size_t dlp_blob_start(const struct dlp_view *v, size_t start, size_t end)
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

/*
 * A few bytes can inflate to many: what is spent on that is bounded by the
 * length of the text, so that no text can be made that takes for ever.
 */
static int scan_inflated(struct dlp_scan *s, struct str plain,
			 struct dlp_edit *d)
{
	_cleanup_free_ char *text = NULL;
	size_t n, room = MIN(plain.n * RATIO_MAX, (size_t)INFLATED_MAX);

	if (s->inflate_spent + INFLATE_COST > s->inflate_worth)
		return 0;
	text = malloc(room);
	if (!text)
		return -ENOMEM;
	n = inflate_some(plain, text, room);
	s->inflate_spent += n + INFLATE_COST;
	d->plain = text;
	d->n = d->accept = n;
	return dlp_scan_nested(s, str_from_n(text, n), dlp_edit_found, d);
}

static enum dlp_answer blob_answer(const struct blob *b, struct dlp_edit *d,
				   struct dlp_match *ret)
{
	const struct dlp_view *v = b->v;

	ret->start = raw_at(b, b->skip + d->from / 3 * 4);
	put_base64(d, &ret->text);
	ret->end = raw_behind(b, MIN(b->n, b->skip + (d->to + 2) / 3 * 4));
	while (d->to >= d->n && ret->end < v->n && v->p[ret->end] == '=')
		ret->end++;
	ret->type = d->type;
	return DLP_HIT;
}

/* Its bytes without line ends; owned by the caller. */
static char *join(const struct blob *b)
{
	char *text = malloc(b->n + 1);

	for (size_t i = 0; text && i < b->n;) {
		size_t n = b->line ? MIN(b->line, b->n - i) : b->n;

		memcpy(text + i, b->v->p + raw_at(b, i), n);
		i += n;
	}
	return text;
}

/* A group of four stands for three bytes of text. */
static bool is_text_group(const unsigned char p[4])
{
	const int8_t *value = base64_values();
	int x = 0;

	for (unsigned int i = 0; i < 4; i++) {
		if (value[p[i]] < 0)
			return false;
		x = x << 6 | value[p[i]];
	}
	for (unsigned int i = 0; i < 3; i++, x >>= 8) {
		int c = x & 0xff;

		if (c >= 0x7f ||
		    (c < ' ' && c != '\t' && c != '\n' && c != '\r'))
			return false;
	}
	return true;
}

#define TEXT_GROUPS 5U

/* The same, or one that is odd begins there. */
static bool has_text_group(const unsigned char *p)
{
	return is_text_group(p) || is_text_group(p + 1) ||
	       is_text_group(p + 2) || is_text_group(p + 3);
}

static bool is_text_run(const unsigned char *p)
{
	for (unsigned int k = 0; k < TEXT_GROUPS; k++)
		if (!is_text_group(p + 4 * (size_t)k))
			return false;
	return true;
}

/* Decodes and scans what is behind the first b->skip bytes. 0 or -ENOMEM. */
static int scan_decoded(struct dlp_scan *s, const struct blob *b,
			const unsigned char *from, char *plain,
			struct dlp_edit *d)
{
	size_t n = base64_bytes(from + b->skip, b->n - b->skip, plain);

	d->plain = plain;
	d->n = n;
	d->accept = BLOB_STEP / 4 * 3;
	if (is_gzip(str_from_n(plain, n)))
		return scan_inflated(s, str_from_n(plain, n), d);
	return MIN(dlp_edit_scan(s, d), 0);
}

/* With so many bytes in front it is text, or compressed: at its beginning, or
 * in its middle. */
static bool is_odd(const unsigned char *p, size_t n, size_t skip)
{
	size_t middle = n / 8 * 4 + skip;

	if (n < skip + (size_t)4 * TEXT_GROUPS)
		return false;
	return memcmp(p + skip, "H4sI", 4) == 0 || is_text_run(p + skip) ||
	       (middle + (size_t)4 * TEXT_GROUPS <= n &&
		is_text_run(p + middle));
}

static enum dlp_answer scan_blob(struct dlp_scan *s, struct blob *b,
				 struct dlp_match *ret)
{
	_cleanup_free_ char *plain = malloc(b->n / 4 * 3 + 3);
	_cleanup_free_ char *text = b->line ? join(b) : NULL;
	const unsigned char *from = b->line ? (unsigned char *)text
					    : b->v->p + b->start;
	struct dlp_edit d = { 0 };
	enum dlp_answer a = DLP_MISS;
	int r = plain && from ? scan_decoded(s, b, from, plain, &d) : -ENOMEM;

	for (size_t k = 1; k < 4 && r == 0 && !d.found; k++) {
		if (!is_odd(from, b->n, k))
			continue;
		b->skip = k;
		r = scan_decoded(s, b, from, plain, &d);
	}
	if (r < 0)
		s->error = r;
	if (d.found && d.plain != plain) { /* compressed: all of it goes */
		ret->start = b->start + b->skip;
		ret->end = b->end;
		ret->type = d.type;
		ret->swallow = DLP_SWALLOW_CLASS;
		ret->swallow_class = DLP_C_BASE64;
		a = DLP_HIT;
	} else if (d.found) {
		a = blob_answer(b, &d, ret);
	}
	buf_done(&d.out);
	return a;
}

/* Bytes of a line's end at i, as it is or escaped. */
static size_t line_end(const struct dlp_view *v, size_t i)
{
	const unsigned char *p = v->p + i;
	size_t n = v->n - i;

	if (n >= 1 && p[0] == '\n')
		return 1;
	if (n >= 2 &&
	    ((p[0] == '\r' && p[1] == '\n') || (p[0] == '\\' && p[1] == 'n')))
		return 2;
	return 0;
}

#define LINE_MIN 60U

/*
 * Adds the lines that follow, as long as the first one; the last may be
 * shorter. False if there may be more of them behind the view.
 */
static bool add_lines(struct dlp_scan *s, struct blob *b)
{
	const struct dlp_view *v = b->v;
	size_t length = b->n;

	if (length < LINE_MIN || length % 4)
		return true;
	b->gap = line_end(v, b->end);
	while (b->gap && b->n < BLOB_STEP && line_end(v, b->end) == b->gap) {
		size_t from = b->end + b->gap, end = from;

		while (end < v->n && end - from <= length &&
		       dlp_is(s->e, v->p[end], DLP_C_BASE64) &&
		       v->p[end] != '=')
			end++;
		if (end - from > length || (end == from && from < v->n))
			break;
		if (end == v->n && !v->end)
			return false;
		b->line = length;
		b->n += end - from;
		b->end = end;
		if (end - from < length)
			break;
	}
	/* "\r" may be the beginning of a line's end */
	return v->end || b->end + 2 <= v->n;
}

/* The run at start, without a name in front and = in it. */
static void find_blob(const struct dlp_view *v, size_t start, size_t end,
		      struct blob *b)
{
	while (end > start && v->p[end - 1] == '=')
		end--;
	for (size_t i = start; i < end; i++)
		if (v->p[i] == '=')
			end = i;
	*b = (struct blob){
		.v = v, .start = start, .n = end - start, .end = end
	};
}

/*
 * Of a run that is short so far: whether it begins with text that is encoded,
 * as hardly anything else does. A name in front of it ends in "=".
 */
static enum dlp_answer begins_text(const struct dlp_scan *s,
				   const struct dlp_view *v, size_t start,
				   size_t t)
{
	size_t from = dlp_blob_start(v, start, t + 1), i = t + 1;

	while (i < from + BLOB_SHORT - 1 && i < v->n &&
	       dlp_is(s->e, v->p[i], DLP_C_BASE64))
		i++;
	if (i < from + BLOB_SHORT - 1)
		return i == v->n && !v->end ? DLP_MORE : DLP_MISS;
	for (size_t k = 0; k < 4; k++) /* a few bytes may be in front */
		if (is_text_run(v->p + from + k))
			return DLP_HIT;
	return DLP_MISS;
}

/* How many bytes of base64 end with t, up to max of them. */
static size_t run_to(const struct dlp_scan *s, const struct dlp_view *v,
		     size_t t, size_t max)
{
	size_t n = 1;

	while (n < max && t >= n + s->blob_from &&
	       dlp_is(s->e, v->p[t - n], DLP_C_BASE64))
		n++;
	return n;
}

/* The run at start, all of it. */
static enum dlp_answer match_run(struct dlp_scan *s, const struct dlp_view *v,
				 size_t start, struct dlp_match *ret)
{
	size_t end = dlp_scan_span(s, v, DLP_C_BASE64, start,
				   BLOB_STEP + BLOB_OVERLAP);
	bool whole = end - start < BLOB_STEP + BLOB_OVERLAP;
	size_t run = end;
	struct blob b;

	if (whole && end == v->n && !v->end)
		return DLP_MORE;
	start = dlp_blob_start(v, start, end);
	find_blob(v, start, end, &b);
	if (whole && s->depth < DLP_MAX_DEPTH && b.end == run &&
	    !add_lines(s, &b))
		return DLP_MORE;
	/* the next piece keeps to the same groups */
	s->blob_from = whole ? MAX(run, b.end) : start + BLOB_STEP;
	if (s->depth >= DLP_MAX_DEPTH || b.n < BLOB_SHORT - 3)
		return DLP_MISS;
	return scan_blob(s, &b, ret);
}

enum dlp_answer dlp_blob_match(struct dlp_scan *s, const struct dlp_view *v,
			       size_t t, struct dlp_match *ret)
{
	size_t start = t + 1 - BLOB_SHORT;
	bool is_short = start == s->blob_from || start == 0 ||
			!dlp_is(s->e, v->p[start - 1], DLP_C_BASE64);
	enum dlp_answer a = DLP_HIT;

	if (is_short && s->depth < DLP_MAX_DEPTH) {
		a = dlp_hex_match(s, v, start, t, ret);
		if (a == DLP_MISS)
			a = dlp_base32_match(s, v, start, t, ret);
		if (a != DLP_MISS)
			return a;
		a = DLP_HIT;
	}
	if (is_short) {
		/* Most are paths and names: nothing of them is text. */
		if (!has_text_group(v->p + start) &&
		    !memchr(v->p + start, '=', BLOB_SHORT))
			return DLP_MISS;
		a = begins_text(s, v, start, t);
	} else {
		start = t + 1 - run_to(s, v, t, BLOB_MIN);
	}
	ret->start = start;
	ret->idle = is_short ? v->n : start;
	return a == DLP_HIT ? match_run(s, v, start, ret) : a;
}
