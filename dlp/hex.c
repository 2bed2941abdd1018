/* SPDX-License-Identifier: MIT */
/*
 * hex.c - text as hex digits or in base32, in one piece
 *
 * The first bytes have to be text: no digest and hardly a key begins with that.
 * What is found in it is written the same way again.
 */
#include <errno.h>
#include <stdlib.h>

#include "dlp/ascii.h"
#include "dlp/inner.h"

#define HEX_PROOF 8U /* bytes of text that no digest begins with */
#define RUN_MAX   12288U

void dlp_edit_found(void *arg, const struct dlp_finding *f)
{
	struct dlp_edit *d = arg;

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

int dlp_edit_scan(struct dlp_scan *s, struct dlp_edit *d)
{
	int r = dlp_scan_nested(s, str_from_n(d->plain, d->n), dlp_edit_found,
				d);

	return r < 0 ? r : d->found;
}

static unsigned int hex_value(unsigned char c)
{
	return ascii_is(c, ASCII_DIGIT) ? c - (unsigned int)'0'
					: (c | 0x20U) - 'a' + 10;
}

static char hex_byte(const unsigned char *p)
{
	return (char)(hex_value(p[0]) << 4 | hex_value(p[1]));
}

/* Whether the run at start begins, behind a name, with text as hex digits. */
static enum dlp_answer begins_hex(const struct dlp_view *v, size_t *start,
				  size_t t)
{
	size_t from = dlp_blob_start(v, *start, t + 1);

	if (v->n - from >= 2 && v->p[from] == '0' && v->p[from + 1] == 'x')
		from += 2;
	for (size_t i = from; i < from + 2 * (size_t)HEX_PROOF; i += 2) {
		if (i + 1 >= v->n)
			return v->end ? DLP_MISS : DLP_MORE;
		if (!ascii_is(v->p[i], ASCII_HEX) ||
		    !ascii_is(v->p[i + 1], ASCII_HEX))
			return DLP_MISS;
		if (!dlp_is_text((unsigned char)hex_byte(v->p + i)))
			return DLP_MISS;
	}
	*start = from;
	return DLP_HIT;
}

static void put_hex(const struct buf *plain, struct buf *out)
{
	for (size_t i = 0; i < plain->len; i++)
		buf_printf(out, "%02x", (unsigned char)plain->data[i]);
	out->error = out->error ? out->error : plain->error;
}

enum dlp_answer dlp_hex_match(struct dlp_scan *s, const struct dlp_view *v,
			      size_t start, size_t t, struct dlp_match *ret)
{
	_cleanup_free_ char *plain = NULL;
	struct dlp_edit d = { 0 };
	enum dlp_answer a;
	size_t end;

	ret->start = start;
	ret->idle = v->n;
	a = begins_hex(v, &start, t);
	if (a != DLP_HIT)
		return a;
	end = dlp_scan_span(s, v, DLP_C_HEX, start, RUN_MAX);
	if (end == v->n && !v->end && end - start < RUN_MAX)
		return DLP_MORE;
	d.n = d.accept = (end - start) / 2;
	plain = malloc(d.n + 1);
	for (size_t i = 0; plain && i < d.n; i++)
		plain[i] = hex_byte(v->p + start + 2 * i);
	d.plain = plain;
	if (!plain || dlp_edit_scan(s, &d) < 0)
		s->error = -ENOMEM;
	s->blob_from = MAX(s->blob_from, end);
	if (d.found) {
		ret->start = start + 2 * d.from;
		ret->end = start + 2 * d.to;
		ret->type = d.type;
		put_hex(&d.out, &ret->text);
	}
	buf_done(&d.out);
	return d.found ? DLP_HIT : DLP_MISS;
}

/* --- base32 ------------------------------------------------------------ */

static const char digits32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static int value32(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

/* Decodes n characters, at most room bytes. Return: number of bytes; stops
 * where it is no base32. */
static size_t decode32(const unsigned char *p, size_t n, char *out, size_t room)
{
	unsigned int bits = 0, have = 0;
	size_t k = 0;

	for (size_t i = 0; i < n && k < room; i++) {
		int x = value32(p[i]);

		if (x < 0)
			break;
		bits = (bits << 5 | (unsigned int)x) & 0xfff;
		have += 5;
		if (have >= 8) {
			have -= 8;
			out[k++] = (char)(bits >> have & 0xff);
		}
	}
	return k;
}

/* Whole groups of eight characters for five bytes, the last one filled up. */
static void put32(const struct buf *plain, struct buf *out)
{
	for (size_t i = 0; i < plain->len; i += 5) {
		uint64_t x = 0;

		for (size_t k = 0; k < 5; k++)
			x = x << 8 |
			    (i + k < plain->len
				     ? (unsigned char)plain->data[i + k]
				     : (unsigned char)'*');
		for (unsigned int k = 0; k < 8; k++)
			buf_putc(out, digits32[x >> (35 - 5 * k) & 31]);
	}
	out->error = out->error ? out->error : plain->error;
}

/* The bytes from first to last found, as whole groups of five. */
static void widen(struct dlp_edit *d)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	size_t from = d->from - d->from % 5;

	buf_put(&out, d->plain + from, d->from - from);
	buf_put_str(&out, buf_str(&d->out));
	while (d->to % 5 && d->to < d->n)
		buf_putc(&out, d->plain[d->to++]);
	d->from = from;
	buf_done(&d->out);
	d->out = out;
	out = BUF_INIT;
}

static enum dlp_answer begins_base32(const struct dlp_view *v, size_t *start,
				     size_t t)
{
	size_t from = dlp_blob_start(v, *start, t + 1);
	char text[HEX_PROOF];
	size_t n = decode32(v->p + from, MIN(v->n - from, (size_t)16), text,
			    sizeof(text));

	for (size_t i = 0; i < n; i++)
		if (!dlp_is_text((unsigned char)text[i]))
			return DLP_MISS;
	if (n < sizeof(text))
		return from + 16 > v->n && !v->end ? DLP_MORE : DLP_MISS;
	*start = from;
	return DLP_HIT;
}

enum dlp_answer dlp_base32_match(struct dlp_scan *s, const struct dlp_view *v,
				 size_t start, size_t t, struct dlp_match *ret)
{
	_cleanup_free_ char *plain = NULL;
	struct dlp_edit d = { 0 };
	enum dlp_answer a;
	size_t end;

	ret->start = start;
	ret->idle = v->n;
	a = begins_base32(v, &start, t);
	if (a != DLP_HIT)
		return a;
	end = dlp_scan_span(s, v, DLP_C_BASE64, start, RUN_MAX);
	if (end == v->n && !v->end && end - start < RUN_MAX)
		return DLP_MORE;
	plain = malloc(end - start + 1);
	if (plain)
		d.n = d.accept =
			decode32(v->p + start, end - start, plain, end - start);
	d.plain = plain;
	if (!plain || dlp_edit_scan(s, &d) < 0)
		s->error = -ENOMEM;
	if (d.found) {
		widen(&d);
		ret->start = start + d.from / 5 * 8;
		ret->end = d.to >= d.n ? end : start + d.to / 5 * 8;
		ret->type = d.type;
		put32(&d.out, &ret->text);
		s->blob_from = MAX(s->blob_from, end);
	}
	buf_done(&d.out);
	return d.found ? DLP_HIT : DLP_MISS;
}
