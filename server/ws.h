/* SPDX-License-Identifier: MIT */
/*
 * ws.h - WebSocket frames (RFC 6455), server side, and the opening handshake
 */
#ifndef SERVER_WS_H
#define SERVER_WS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/http1.h"
#include "base/str.h"

#define WS_MAX_MESSAGE (10U << 20)

enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10,
};

struct ws_frame {
	enum ws_opcode opcode;
	bool fin;
	struct str payload; /* unmasked in place */
};

/*
 * One frame from a client, strictly: masked, no reserved bits or opcodes,
 * shortest length form, control frames whole and at most 125 bytes.
 * Return: bytes consumed, -EAGAIN, -EBADMSG, -E2BIG (over WS_MAX_MESSAGE).
 */
ssize_t ws_parse(char *bytes, size_t n, struct ws_frame *ret);
/* An unmasked frame with FIN set. */
void ws_put(struct buf *out, enum ws_opcode opcode, struct str payload);
/* 101 head for a valid upgrade request; -EBADMSG if it is not one. */
int ws_accept(const struct http1_head *h, struct buf *out);

#endif
