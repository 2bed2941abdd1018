/* SPDX-License-Identifier: MIT */
/*
 * dns.c - DNS messages as far as a stub needs them
 */
#include "netproxy/dns.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define HEADER_SIZE   12
#define LABEL_LONGEST 48
#define LABEL_LONG    24
/* Bits per byte; words and host names stay below 3.6 at these lengths. */
#define LABEL_ENTROPY 3.9
/* The same for all labels but the last two, together. Endpoints of clouds have
 * up to 80 bytes there, with some random ones. */
#define LEFT_LONGEST 120
#define LEFT_LONG    56
#define LEFT_ENTROPY 4.5

static unsigned int u16_at(struct str s, size_t i)
{
	return (unsigned int)((unsigned char)s.p[i] << 8 |
			      (unsigned char)s.p[i + 1]);
}

static void put_u16(struct buf *b, unsigned int v)
{
	buf_putc(b, (char)(v >> 8));
	buf_putc(b, (char)v);
}

/* Labels from HEADER_SIZE on, as dotted text. Return: where they end. */
static ssize_t take_name(struct str in, struct buf *text)
{
	size_t at = HEADER_SIZE;

	while (at < in.n) {
		size_t n = (unsigned char)in.p[at++];

		if (n == 0)
			return (ssize_t)at;
		if (n > 63 || at + n > in.n || text->len + n > 254)
			return -EBADMSG;
		if (text->len)
			buf_putc(text, '.');
		/* a dot within a label would be read as two labels */
		if (memchr(in.p + at, '.', n))
			return -EBADMSG;
		buf_put(text, in.p + at, n);
		at += n;
	}
	return -EBADMSG;
}

int dns_parse_query(struct str in, struct dns_query *ret)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_buf_ struct buf name = BUF_INIT;
	struct dns_query q = { 0 };
	struct addr ignored;
	ssize_t end;

	if (in.n < HEADER_SIZE + 5 || in.n > DNS_QUERY_MAX)
		return -EBADMSG;
	/* a query, opcode 0, one question, no answers */
	if ((in.p[2] & 0xf8) || u16_at(in, 4) != 1 || u16_at(in, 6) ||
	    u16_at(in, 8))
		return -EBADMSG;
	end = take_name(in, &text);
	if (end < 0 || (size_t)end + 4 > in.n ||
	    u16_at(in, (size_t)end + 2) != 1)
		return -EBADMSG;
	q.id = (uint16_t)u16_at(in, 0);
	q.recursion_desired = in.p[2] & 1;
	q.type = (uint16_t)u16_at(in, (size_t)end);
	q.question_end = (size_t)end + 4;
	if (host_canonical(buf_str(&text), &name, &ignored) == 0 &&
	    name.len < sizeof(q.name))
		memcpy(q.name, name.data, name.len);
	*ret = q;
	return text.error ? text.error : name.error;
}

static bool has_type(const struct addr *a, uint16_t type)
{
	return type == (addr_is_v4(a) ? DNS_A : DNS_AAAA);
}

void dns_put_answer(const struct dns_query *q, struct str query,
		    const struct dns_answer *a, struct buf *out)
{
	unsigned int n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += has_type(&a->addrs[i], q->type);
	put_u16(out, q->id);
	/* response, recursion available */
	put_u16(out, 0x8080U | (q->recursion_desired ? 0x100U : 0U) |
			     (unsigned int)a->rcode);
	put_u16(out, 1);
	put_u16(out, n);
	put_u16(out, 0);
	put_u16(out, 0);
	buf_put(out, query.p + HEADER_SIZE, q->question_end - HEADER_SIZE);
	for (size_t i = 0; i < a->n; i++) {
		bool v4 = addr_is_v4(&a->addrs[i]);

		if (!has_type(&a->addrs[i], q->type))
			continue;
		put_u16(out, 0xc000U | HEADER_SIZE); /* the question's name */
		put_u16(out, q->type);
		put_u16(out, 1);
		put_u16(out, a->ttl >> 16);
		put_u16(out, a->ttl & 0xffff);
		put_u16(out, v4 ? 4 : 16);
		buf_put(out, a->addrs[i].b + (v4 ? 12 : 0), v4 ? 4 : 16);
	}
}

void dns_put_malformed(struct str query, struct buf *out)
{
	unsigned int opcode, rcode;

	if (query.n < HEADER_SIZE || (query.p[2] & 0x80))
		return;
	opcode = u16_at(query, 2) & 0x7800U;
	rcode = opcode ? DNS_NOTIMP : DNS_FORMERR;
	put_u16(out, u16_at(query, 0));
	put_u16(out, 0x8080U | opcode | (u16_at(query, 2) & 0x100U) | rcode);
	for (int i = 0; i < 4; i++) /* no records */
		put_u16(out, 0);
}

static double entropy(struct str s)
{
	unsigned int count[256] = { 0 };
	double bits = 0;

	for (size_t i = 0; i < s.n; i++)
		count[(unsigned char)s.p[i]]++;
	for (size_t i = 0; i < ARRAY_LEN(count); i++) {
		double p = (double)count[i] / (double)s.n;

		if (count[i])
			bits -= p * log2(p);
	}
	return bits;
}

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned int c = (unsigned char)s.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
	}
	return true;
}

/* Labels may be short and many: all but the last two, as one (backwards, which
 * changes nothing). */
static bool is_long_data(struct str name)
{
	char left[256];
	size_t n = 0, dots = 0;

	if (name.n >= sizeof(left))
		return true;
	for (size_t i = name.n; i > 0; i--) {
		dots += name.p[i - 1] == '.';
		if (dots >= 2 && name.p[i - 1] != '.')
			left[n++] = name.p[i - 1];
	}
	return n > LEFT_LONGEST ||
	       (n >= LEFT_LONG &&
		(is_hex(str_from_n(left, n)) ||
		 entropy(str_from_n(left, n)) >= LEFT_ENTROPY));
}

bool dns_name_is_data(struct str name)
{
	struct str label;

	if (is_long_data(name))
		return true;
	while (str_split(&name, '.', &label)) {
		if (label.n > LABEL_LONGEST)
			return true;
		if (label.n >= LABEL_LONG &&
		    (is_hex(label) || entropy(label) >= LABEL_ENTROPY))
			return true;
	}
	return false;
}
