/* SPDX-License-Identifier: MIT */
/*
 * fuzz_dlp_decode.c - what base64, gzip and escapes hide
 *
 * The first byte says how the rest is written before it is scanned. What was
 * base64 is base64 afterwards.
 */
#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/digest.h"
#include "dlp/dlp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_gzip(struct buf *b, struct str in)
{
	uLong room = compressBound((uLong)in.n) + 64;
	char *p = buf_reserve(b, room);
	z_stream z = { .next_in = (z_const Bytef *)(uintptr_t)in.p,
		       .avail_in = (uInt)in.n,
		       .next_out = (Bytef *)p,
		       .avail_out = (uInt)room };

	if (!p || deflateInit2(&z, 1, Z_DEFLATED, 31, 8, 0) != Z_OK)
		abort();
	(void)deflate(&z, Z_FINISH);
	b->len += z.total_out;
	(void)deflateEnd(&z);
}

static void put_escaped(struct buf *b, struct str in, bool url)
{
	for (size_t i = 0; i < in.n; i++)
		buf_printf(b, url ? "%%%02x" : "\\u%04x",
			   (unsigned char)in.p[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dlp_engine *e;
	_cleanup_buf_ struct buf text = BUF_INIT, packed = BUF_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT, back = BUF_INIT;
	struct dlp_settings s = { 0 };
	struct str in;

	if (size < 2 || size > 20000)
		return 0;
	if (!e && dlp_engine_new(&s, &out, &e) < 0)
		abort();
	in = str_from_n((const char *)data + 1, size - 1);
	if (data[0] % 4 == 0) {
		base64_encode_to(&text, in.p, in.n);
	} else if (data[0] % 4 == 1) {
		put_gzip(&packed, in);
		base64_encode_to(&text, packed.data, packed.len);
	} else {
		put_escaped(&text, in, data[0] % 4 == 2);
	}
	assert(dlp_redact(e, buf_str(&text), &out, NULL) >= 0);
	if (data[0] % 4 == 0 && out.len && !memchr(out.data, '[', out.len))
		assert(base64_decode_to(&back, buf_str(&out)) == 0);
	return 0;
}
