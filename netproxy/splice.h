/* SPDX-License-Identifier: MIT */
/*
 * splice.h - bytes from socket to socket without passing through this process
 *
 * For one direction of a tunnel, or a body, that is long. A pipe holds what was taken
 * from one socket and not yet taken by the other.
 */
#ifndef NETPROXY_SPLICE_H
#define NETPROXY_SPLICE_H

#include "netproxy/stream.h"

struct splice;

/* -errno when there is no pipe to be had: go on by copying. */
int splice_open(struct splice **ret);
/* What is still held is lost. NULL is a no-op; returns NULL. */
struct splice *splice_close(struct splice *s);
/*
 * Moves what there is, at most max bytes of from; how much was taken from it.
 * from->eof, ->reset, to->failed and the counters are kept as by stream.c; both
 * streams' buffers of this direction are empty.
 */
uint64_t splice_move(struct splice *s, struct stream *from, struct stream *to,
		     uint64_t max);
/* Bytes on their way; they wait for the receiver. 0 for NULL. */
size_t splice_held(const struct splice *s);

#endif
