/* SPDX-License-Identifier: MIT */
/*
 * wire.c - bytes between our own processes
 */
#include "core/wire.h"

#include <endian.h>
#include <errno.h>

void wire_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, sizeof(v));
}

void wire_put_u16(struct buf *b, uint16_t v)
{
	v = htole16(v);
	buf_put(b, &v, sizeof(v));
}

void wire_put_u32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_put(b, &v, sizeof(v));
}

void wire_put_u64(struct buf *b, uint64_t v)
{
	v = htole64(v);
	buf_put(b, &v, sizeof(v));
}

void wire_put_i64(struct buf *b, int64_t v)
{
	wire_put_u64(b, (uint64_t)v);
}

void wire_put_bool(struct buf *b, bool v)
{
	wire_put_u8(b, v ? 1 : 0);
}

void wire_put_str(struct buf *b, struct str s)
{
	uint32_t n = htole32((uint32_t)s.n);
	char *p;

	if (s.n > UINT32_MAX) {
		b->error = -E2BIG;
		return;
	}
	p = buf_reserve(b, sizeof(n) + s.n);
	if (!p)
		return;
	memcpy(p, &n, sizeof(n));
	if (s.n)
		memcpy(p + sizeof(n), s.p, s.n);
	b->len += sizeof(n) + s.n;
	b->data[b->len] = '\0';
}

void wire_put_strs(struct buf *b, const struct str *s, size_t n)
{
	if (n > UINT32_MAX) {
		b->error = -E2BIG;
		return;
	}
	wire_put_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		wire_put_str(b, s[i]);
}

/* n bytes off the front, or NULL with the error set. */
static const char *take(struct wire_reader *r, size_t n)
{
	const char *p = r->rest.p;

	if (r->error)
		return NULL;
	if (r->rest.n < n) {
		r->error = -EBADMSG;
		return NULL;
	}
	r->rest.p += n;
	r->rest.n -= n;
	return p;
}

uint8_t wire_get_u8(struct wire_reader *r)
{
	const char *p = take(r, 1);

	return p ? (uint8_t)*p : 0;
}

uint16_t wire_get_u16(struct wire_reader *r)
{
	const char *p = take(r, 2);
	uint16_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

uint32_t wire_get_u32(struct wire_reader *r)
{
	const char *p = take(r, 4);
	uint32_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

uint64_t wire_get_u64(struct wire_reader *r)
{
	const char *p = take(r, 8);
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

int64_t wire_get_i64(struct wire_reader *r)
{
	return (int64_t)wire_get_u64(r);
}

bool wire_get_bool(struct wire_reader *r)
{
	uint8_t v = wire_get_u8(r);

	if (v > 1 && !r->error)
		r->error = -EBADMSG;
	return v == 1;
}

struct str wire_get_str(struct wire_reader *r)
{
	uint32_t n = wire_get_u32(r);
	const char *p = take(r, n);

	return p ? str_from_n(p, n) : STR_NONE;
}

uint32_t wire_get_count(struct wire_reader *r, size_t elem_min)
{
	uint32_t n = wire_get_u32(r);

	if (n > r->rest.n / elem_min) {
		if (!r->error)
			r->error = -EBADMSG;
		return 0;
	}
	return n;
}

const struct str *wire_get_strs(struct wire_reader *r, struct arena *a,
				uint32_t *ret_n)
{
	uint32_t n = wire_get_count(r, sizeof(uint32_t));
	struct str *s;

	*ret_n = 0;
	if (n == 0)
		return NULL;
	s = arena_alloc(a, n * sizeof(*s));
	if (!s) {
		r->error = -ENOMEM;
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++)
		s[i] = wire_get_str(r);
	*ret_n = n;
	return s;
}

int wire_finish(const struct wire_reader *r)
{
	if (r->error)
		return r->error;
	return r->rest.n ? -EBADMSG : 0;
}
