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

#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

#define DIRECT_SIZE 24

/* addr: 16 bytes, IPv4 as ::ffff:a.b.c.d */
void direct_encode(const uint8_t *addr, uint16_t port, uint8_t *ret);
/* DIRECT_SIZE, -EAGAIN or -EBADMSG. */
ssize_t direct_decode(struct str in, uint8_t *ret_addr, uint16_t *ret_port);

#endif
