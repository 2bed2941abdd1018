/* SPDX-License-Identifier: MIT */
/*
 * content.c - bodies with a Content-Encoding, decoded whole
 */
#include "netproxy/content.h"

#include <brotli/decode.h>
#include <errno.h>
#include <stdint.h>
#include <zlib.h>
#include <zstd.h>

#define STEP (256U << 10) /* room made at a time */

/* STEP bytes of room at the end of out; -E2BIG when it is too much already. */
static int make_room(struct buf *out, size_t n_in, char **ret)
{
	if (out->len > CONTENT_MAX || (out->len > CONTENT_RATIO_FROM &&
				       out->len / CONTENT_MAX_RATIO > n_in))
		return -E2BIG;
	*ret = buf_reserve(out, STEP);
	return *ret ? 0 : -ENOMEM;
}

static int inflate_all(z_stream *z, size_t n_in, struct buf *out)
{
	int r = Z_OK;

	while (r == Z_OK) {
		char *room;
		int e = make_room(out, n_in, &room);

		if (e < 0)
			return e;
		z->next_out = (Bytef *)room;
		z->avail_out = STEP;
		r = inflate(z, Z_NO_FLUSH);
		out->len += STEP - z->avail_out;
		/* gzip members may follow each other */
		if (r == Z_STREAM_END && z->avail_in && inflateReset(z) == Z_OK)
			r = Z_OK;
	}
	return r == Z_STREAM_END ? 0 : -EBADMSG;
}

/* bits: as inflateInit2(). */
static int decode_zlib(struct str in, int bits, struct buf *out)
{
	z_stream z = { 0 };
	int r;

	if (in.n > UINT32_MAX)
		return -E2BIG;
	if (inflateInit2(&z, bits) != Z_OK)
		return -ENOMEM;
	z.next_in = (Bytef *)(uintptr_t)in.p;
	z.avail_in = (uInt)in.n;
	r = inflate_all(&z, in.n, out);
	(void)inflateEnd(&z);
	return r;
}

/* The standard says zlib; some clients send the bare stream. */
static int decode_deflate(struct str in, struct buf *out)
{
	size_t before = out->len;
	int r = decode_zlib(in, 15, out);

	if (r == -EBADMSG) {
		out->len = before;
		r = decode_zlib(in, -15, out);
	}
	return r;
}

static int decode_br(struct str in, struct buf *out)
{
	BrotliDecoderState *s = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	const uint8_t *next = (const uint8_t *)in.p;
	BrotliDecoderResult r = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
	size_t left = in.n;
	int e = s ? 0 : -ENOMEM;

	while (e == 0 && r == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
		size_t room = STEP;
		char *p;
		uint8_t *to;

		e = make_room(out, in.n, &p);
		if (e < 0)
			break;
		to = (uint8_t *)p;
		r = BrotliDecoderDecompressStream(s, &left, &next, &room, &to,
						  NULL);
		out->len += STEP - room;
	}
	BrotliDecoderDestroyInstance(s);
	if (e == 0 && (r != BROTLI_DECODER_RESULT_SUCCESS || left))
		e = -EBADMSG;
	return e;
}

static int decode_zstd(struct str in, struct buf *out)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();
	ZSTD_inBuffer from = { in.p, in.n, 0 };
	size_t left = 1;
	int e = d ? 0 : -ENOMEM;

	if (d)
		(void)ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, 26);
	while (e == 0 && (from.pos < from.size || left)) {
		ZSTD_outBuffer to = { NULL, STEP, 0 };
		char *p;

		e = make_room(out, in.n, &p);
		if (e < 0)
			break;
		to.dst = p;
		left = ZSTD_decompressStream(d, &to, &from);
		out->len += to.pos;
		if (ZSTD_isError(left) ||
		    (left && from.pos == from.size && to.pos < to.size))
			e = -EBADMSG;
	}
	(void)ZSTD_freeDCtx(d);
	return e;
}

static int decode_one(struct str coding, struct str in, struct buf *out)
{
	if (str_eq_icase(coding, STR("gzip")) ||
	    str_eq_icase(coding, STR("x-gzip")))
		return decode_zlib(in, 15 + 16, out);
	if (str_eq_icase(coding, STR("deflate")))
		return decode_deflate(in, out);
	if (str_eq_icase(coding, STR("br")))
		return decode_br(in, out);
	if (str_eq_icase(coding, STR("zstd")))
		return decode_zstd(in, out);
	if (coding.n && !str_eq_icase(coding, STR("identity")))
		return -EOPNOTSUPP;
	buf_put_str(out, in);
	return out->error;
}

int content_decode(struct str codings, struct str in, struct buf *out)
{
	struct str list[CONTENT_MAX_CODINGS], part;
	_cleanup_buf_ struct buf a = BUF_INIT, b = BUF_INIT;
	struct buf *to = &a, *other = &b;
	size_t n = 0;
	int r = 0;

	while (str_split(&codings, ',', &part)) {
		if (n == CONTENT_MAX_CODINGS)
			return -EOPNOTSUPP;
		list[n++] = str_trim(part);
	}
	/* the last one named was applied last */
	while (n > 1 && r == 0) {
		struct buf *was = to;

		buf_reset(to);
		r = decode_one(list[--n], in, to);
		in = buf_str(to);
		to = other;
		other = was;
	}
	return r < 0 ? r : decode_one(n ? list[0] : STR_NONE, in, out);
}
