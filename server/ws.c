/* SPDX-License-Identifier: MIT */
/*
 * ws.c - WebSocket frames (RFC 6455), server side, and the opening handshake
 */
#include "server/ws.h"

#include <errno.h>

#include "base/digest.h"

#define WS_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

static bool known_opcode(unsigned int op)
{
	return op <= WS_BINARY || (op >= WS_CLOSE && op <= WS_PONG);
}

/* Bytes of the header before the mask, and the payload length. */
static int parse_length(const uint8_t *p, size_t n, size_t *ret_at,
			uint64_t *ret)
{
	uint64_t len = p[1] & 0x7f;
	size_t bytes = len == 126 ? 2 : len == 127 ? 8 : 0;

	if (n < 2 + bytes)
		return -EAGAIN;
	if (bytes) {
		len = 0;
		for (size_t i = 0; i < bytes; i++)
			len = len << 8 | p[2 + i];
		if (len < (bytes == 2 ? 126U : 65536U))
			return -EBADMSG;
	}
	*ret_at = 2 + bytes;
	*ret = len;
	return 0;
}

ssize_t ws_parse(char *bytes, size_t n, struct ws_frame *ret)
{
	const uint8_t *p = (const uint8_t *)bytes;
	unsigned int op;
	uint64_t len = 0;
	size_t at = 0;
	int r;

	if (n < 2)
		return -EAGAIN;
	op = p[0] & 0x0f;
	if ((p[0] & 0x70) != 0 || !known_opcode(op) || !(p[1] & 0x80))
		return -EBADMSG;
	if (op >= WS_CLOSE && (!(p[0] & 0x80) || (p[1] & 0x7f) > 125))
		return -EBADMSG;
	r = parse_length(p, n, &at, &len);
	if (r < 0)
		return r;
	if (len > WS_MAX_MESSAGE)
		return -E2BIG;
	if (n - at < 4 || n - at - 4 < len)
		return -EAGAIN;
	for (size_t i = 0; i < len; i++)
		bytes[at + 4 + i] = (char)(p[at + 4 + i] ^ p[at + (i & 3)]);
	ret->opcode = (enum ws_opcode)op;
	ret->fin = (p[0] & 0x80) != 0;
	ret->payload = str_from_n(bytes + at + 4, (size_t)len);
	return (ssize_t)(at + 4 + len);
}

void ws_put(struct buf *out, enum ws_opcode opcode, struct str payload)
{
	uint64_t n = payload.n;

	buf_putc(out, (char)(0x80 | opcode));
	if (n < 126) {
		buf_putc(out, (char)n);
	} else if (n < 65536) {
		buf_putc(out, 126);
		buf_putc(out, (char)(n >> 8));
		buf_putc(out, (char)n);
	} else {
		buf_putc(out, 127);
		for (int shift = 56; shift >= 0; shift -= 8)
			buf_putc(out, (char)(n >> shift));
	}
	buf_put_str(out, payload);
}

int ws_accept(const struct http1_head *h, struct buf *out)
{
	_cleanup_buf_ struct buf text = BUF_INIT, raw = BUF_INIT;
	struct str key = http1_header(h, "sec-websocket-key");
	uint8_t digest[SHA1_LEN];

	if (!http1_header_has_token(h, "connection", "upgrade") ||
	    !http1_header_has_token(h, "upgrade", "websocket") ||
	    !str_eq_c(http1_header(h, "sec-websocket-version"), "13") ||
	    !str_eq_c(h->method, "GET"))
		return -EBADMSG;
	if (base64_decode_to(&raw, key) < 0 || raw.len != 16)
		return -EBADMSG;
	buf_put_str(&text, key);
	buf_puts(&text, WS_GUID);
	if (text.error)
		return text.error;
	digest_sha1(buf_str(&text), digest);
	buf_puts(out, "HTTP/1.1 101 Switching Protocols\r\n"
		      "Upgrade: websocket\r\nConnection: Upgrade\r\n"
		      "Sec-WebSocket-Accept: ");
	base64_encode_to(out, digest, sizeof(digest));
	buf_puts(out, "\r\n\r\n");
	return out->error;
}
