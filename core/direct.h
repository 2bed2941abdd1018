/* SPDX-License-Identifier: MIT */
/*
 * direct.h - what the tracer says to the proxy for a command that dials itself
 *
 * The command's socket is connected to the proxy instead of where it wanted to
 * go. The tracer says first, over that socket, where that was (DIRECT_SIZE
 * bytes), and reads one byte: 0, or the errno for the command. The proxy does
 * not trust these words: it judges them like any request, so whoever else says
 * them gets no more than by CONNECT.
 */
#ifndef CORE_DIRECT_H
#define CORE_DIRECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

#define DIRECT_SIZE 24

struct direct {
	uint8_t addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t port;
	/* The command does not wait for its connection: answer when it is
	 * judged, not when it is made. */
	bool early;
};

/* ret: DIRECT_SIZE bytes. */
void direct_encode(const struct direct *d, uint8_t *ret);
/* DIRECT_SIZE, -EAGAIN or -EBADMSG. */
ssize_t direct_decode(struct str in, struct direct *ret);

#endif
