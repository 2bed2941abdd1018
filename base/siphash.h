/* SPDX-License-Identifier: MIT */
/*
 * siphash.h - SipHash-2-4: a 64-bit hash under a secret key
 *
 * For what others choose and must not be able to make collide. Source:
 * Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash {
	uint64_t v[4];
	uint64_t left; /* bytes that do not fill a word yet */
	uint64_t n;    /* bytes so far */
};

void siphash_init(struct siphash *h, const uint64_t key[2]);
void siphash_add(struct siphash *h, const void *p, size_t n);
/* h is used up. */
uint64_t siphash_end(struct siphash *h);

/* Key of this process, from the kernel; made when first asked for. Where the
 * kernel gives none the process ends. Not for several threads at first. */
const uint64_t *siphash_key(void);

#endif
