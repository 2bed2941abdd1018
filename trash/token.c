/* SPDX-License-Identifier: MIT */
/*
 * token.c - tokens: sequence number and writer, made to look random
 *
 * lo is the writer's random 64-bit id; hi is the sequence number passed through
 * an invertible mix keyed by it. So a token is unique (the store's clock never
 * gives a number twice, and two stores differ in the writer id), leads straight
 * to its record, and its first digits differ from its neighbours'.
 */
#include "trash/token.h"

#include <errno.h>

#define MIX_A     0xbf58476d1ce4e5b9ULL
#define MIX_B     0x94d049bb133111ebULL
#define MIX_A_INV 0x96de1b173f119089ULL /* MIX_A * MIX_A_INV == 1 mod 2^64 */
#define MIX_B_INV 0x319642b2d24d8ec3ULL

/* Finaliser of SplitMix64 (public domain), a bijection on 64 bits. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= MIX_A;
	x ^= x >> 27;
	x *= MIX_B;
	return x ^ (x >> 31);
}

static uint64_t unmix(uint64_t x)
{
	x ^= (x >> 31) ^ (x >> 62);
	x *= MIX_B_INV;
	x ^= (x >> 27) ^ (x >> 54);
	x *= MIX_A_INV;
	return x ^ (x >> 30) ^ (x >> 60);
}

struct trash_token token_make(uint64_t writer, uint64_t seq)
{
	struct trash_token t = { mix(seq ^ writer), writer };

	return t;
}

uint64_t token_seq(struct trash_token t)
{
	return unmix(t.hi) ^ t.lo;
}

void trash_token_format(struct trash_token t, char out[TRASH_TOKEN_LEN + 1])
{
	unsigned __int128 v = ((unsigned __int128)t.hi << 64) | t.lo;
	/* the Go program's tokens keep the length they had */
	size_t n = t.hi ? TRASH_TOKEN_LEN : 1;

	if (!t.hi)
		for (uint64_t x = t.lo; x > 9; x /= 10)
			n++;
	out[n] = '\0';
	while (n > 0) {
		out[--n] = (char)('0' + (int)(v % 10));
		v /= 10;
	}
}

int trash_token_parse(struct str s, struct trash_token *ret)
{
	unsigned __int128 v = 0;

	if (s.n == 0 || s.n > TRASH_TOKEN_LEN)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++) {
		unsigned int digit = (unsigned int)(s.p[i] - '0');

		if (digit > 9)
			return -EINVAL;
		if (v > (~(unsigned __int128)0 - digit) / 10)
			return -EINVAL;
		v = v * 10 + digit;
	}
	*ret = (struct trash_token){ (uint64_t)(v >> 64), (uint64_t)v };
	return 0;
}
