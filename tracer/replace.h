/* SPDX-License-Identifier: MIT */
/*
 * replace.h - socket calls where nobody may have the caller's socket
 *
 * Containers that refuse pidfd_getfd() leave two ways to act on what was judged.
 * connect and bind are made on a new socket of the same kind, which then takes
 * the place of the caller's by number: an unconnected socket carries little but
 * options. A datagram with an address cannot be sent so; it goes on in the
 * kernel, but only for a caller whose memory nobody else can write meanwhile.
 */
#ifndef TRACER_REPLACE_H
#define TRACER_REPLACE_H

#include "tracer/net.h"

/* pidfd_getfd() is refused here, even for a process' own descriptors. */
bool replace_is_needed(void);
/* A socket like the caller's fd as n->sock. 0 or -errno; -EOPNOTSUPP where it
 * cannot be told what it is. */
int replace_socket(struct net_call *n, int fd);
/* UDP, or no telling. */
bool replace_is_datagram(const struct request *q, int fd);
/* The caller's number now means q->replace_with. 0 or -errno. */
int replace_done(const struct request *q);
/* True when the caller is the only thread that can write to these addresses of
 * its memory (0 = none). */
bool caller_is_alone(const struct request *q, const uint64_t *addrs, size_t n);

#endif
