/* SPDX-License-Identifier: MIT */
/*
 * websocket.c - the client's half of RFC 6455, as far as a terminal needs it
 */
#include "cli/websocket.h"

#include <errno.h>

#include "base/digest.h"

ssize_t websocket_parse(struct str in, struct ws_frame *ret)
{
	const uint8_t *p = (const uint8_t *)in.p;
	size_t head = 2, extra;
	uint64_t n;

	if (in.n < 2)
		return -EAGAIN;
	if ((p[0] & 0x70) || (p[1] & 0x80))
		return -EBADMSG;
	n = p[1] & 0x7f;
	extra = n == 126 ? 2 : n == 127 ? 8 : 0;
	if (in.n < head + extra)
		return -EAGAIN;
	if (extra)
		n = 0;
	for (size_t i = 0; i < extra; i++)
		n = n << 8 | p[head + i];
	head += extra;
	ret->fin = (p[0] & 0x80) != 0;
	ret->opcode = (enum ws_opcode)(p[0] & 0x0f);
	if (ret->opcode >= WS_CLOSE && (!ret->fin || n > 125))
		return -EBADMSG;
	if (n > WS_FRAME_MAX)
		return -EFBIG;
	if (in.n - head < n)
		return -EAGAIN;
	ret->payload = str_from_n(in.p + head, (size_t)n);
	return (ssize_t)(head + n);
}

void websocket_put(struct buf *out, enum ws_opcode opcode, struct str payload,
		   const uint8_t mask[4])
{
	buf_putc(out, (char)(0x80 | (int)opcode));
	if (payload.n < 126) {
		buf_putc(out, (char)(0x80 | payload.n));
	} else if (payload.n < 65536) {
		buf_putc(out, (char)(0x80 | 126));
		buf_putc(out, (char)(payload.n >> 8));
		buf_putc(out, (char)(payload.n & 0xff));
	} else {
		buf_putc(out, (char)(0x80 | 127));
		for (int shift = 56; shift >= 0; shift -= 8)
			buf_putc(out,
				 (char)((uint64_t)payload.n >> shift & 0xff));
	}
	buf_put(out, mask, 4);
	for (size_t i = 0; i < payload.n; i++)
		buf_putc(out, (char)(payload.p[i] ^ mask[i % 4]));
}

void websocket_accept(struct str key, struct buf *out)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint8_t sum[SHA1_LEN];

	buf_put_str(&b, key);
	buf_puts(&b, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	digest_sha1(buf_str(&b), sum);
	base64_encode_to(out, sum, sizeof(sum));
}
