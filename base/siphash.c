/* SPDX-License-Identifier: MIT */
/*
 * siphash.c - SipHash-2-4
 */
#include "base/siphash.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint64_t rotate(uint64_t x, unsigned int by)
{
	return x << by | x >> (64 - by);
}

static void rounds(uint64_t v[4], unsigned int n)
{
	while (n--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void add_word(struct siphash *h, uint64_t word)
{
	h->v[3] ^= word;
	rounds(h->v, 2);
	h->v[0] ^= word;
}

void siphash_init(struct siphash *h, const uint64_t key[2])
{
	*h = (struct siphash){ .v = { key[0] ^ 0x736f6d6570736575ULL,
				      key[1] ^ 0x646f72616e646f6dULL,
				      key[0] ^ 0x6c7967656e657261ULL,
				      key[1] ^ 0x7465646279746573ULL } };
}

static void add_byte(struct siphash *h, unsigned char byte)
{
	h->left |= (uint64_t)byte << (h->n++ % 8 * 8);
	if (h->n % 8 == 0) {
		add_word(h, h->left);
		h->left = 0;
	}
}

void siphash_add(struct siphash *h, const void *p, size_t n)
{
	const unsigned char *at = p;

	for (; n && h->n % 8; n--)
		add_byte(h, *at++);
	for (; n >= 8; n -= 8, at += 8) {
		uint64_t word = 0;

		for (int i = 0; i < 8; i++)
			word |= (uint64_t)at[i] << (i * 8);
		add_word(h, word);
		h->n += 8;
	}
	while (n--)
		add_byte(h, *at++);
}

uint64_t siphash_end(struct siphash *h)
{
	add_word(h, h->left | h->n << 56);
	h->v[2] ^= 0xff;
	rounds(h->v, 4);
	return h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3];
}

const uint64_t *siphash_key(void)
{
	static uint64_t key[2];
	static bool made;

	if (!made && getrandom(key, sizeof(key), 0) != sizeof(key))
		abort();
	made = true;
	return key;
}
