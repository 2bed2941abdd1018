/* SPDX-License-Identifier: MIT */
/*
 * websocket.h - the client's half of RFC 6455, as far as a terminal needs it
 */
#ifndef CLI_WEBSOCKET_H
#define CLI_WEBSOCKET_H

#include <stdint.h>

#include "base/str.h"

#define WS_FRAME_MAX (10UL << 20)

enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10,
};

struct ws_frame {
	bool fin;
	enum ws_opcode opcode;
	struct str payload; /* borrowed from the input */
};

/*
 * One unmasked frame off the front of in. Return: bytes it took, -EAGAIN,
 * -EBADMSG (masked, reserved bits, bad control frame), -EFBIG.
 */
ssize_t websocket_parse(struct str in, struct ws_frame *ret);
/* Appends a whole masked frame with this 4-byte mask. */
void websocket_put(struct buf *out, enum ws_opcode opcode, struct str payload,
		   const uint8_t mask[4]);
/* The value that Sec-WebSocket-Accept must have for this key. */
void websocket_accept(struct str key, struct buf *out);

#endif
