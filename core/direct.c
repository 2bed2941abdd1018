/* SPDX-License-Identifier: MIT */
/*
 * direct.c - what the tracer says to the proxy for a command that dials itself
 *
 *	0	0 'A' 'D' 1	no other protocol on the proxy's port begins so
 *	4	address, 16 bytes
 *	20	port, big-endian
 *	22	1 = answer early, 0
 *	23	0
 */
#include "core/direct.h"

#include <errno.h>

static const uint8_t magic[4] = { 0, 'A', 'D', 1 };

void direct_encode(const struct direct *d, uint8_t *ret)
{
	memset(ret, 0, DIRECT_SIZE);
	memcpy(ret, magic, sizeof(magic));
	memcpy(ret + 4, d->addr, sizeof(d->addr));
	ret[20] = (uint8_t)(d->port >> 8);
	ret[21] = (uint8_t)d->port;
	ret[22] = d->early;
}

ssize_t direct_decode(struct str in, struct direct *ret)
{
	const uint8_t *p = (const uint8_t *)in.p;

	if (memcmp(p, magic, MIN(in.n, sizeof(magic))) != 0)
		return -EBADMSG;
	if (in.n < DIRECT_SIZE)
		return -EAGAIN;
	if (p[22] > 1 || p[23])
		return -EBADMSG;
	memcpy(ret->addr, p + 4, sizeof(ret->addr));
	ret->port = (uint16_t)(p[20] << 8 | p[21]);
	ret->early = p[22];
	return DIRECT_SIZE;
}
