/* SPDX-License-Identifier: MIT */
/*
 * ed25519.c - signatures after RFC 8032 (over nettle)
 */
#include "base/ed25519.h"

#include <errno.h>
#include <nettle/eddsa.h>
#include <sys/random.h>

int ed25519_generate(uint8_t ret_seed[ED25519_SEED_LEN],
		     uint8_t ret_public[ED25519_PUBLIC_LEN])
{
	/* up to 256 bytes are never cut short (getrandom(2)) */
	if (getrandom(ret_seed, ED25519_SEED_LEN, 0) != ED25519_SEED_LEN)
		return -errno;
	ed25519_public(ret_seed, ret_public);
	return 0;
}

void ed25519_public(const uint8_t seed[ED25519_SEED_LEN],
		    uint8_t ret_public[ED25519_PUBLIC_LEN])
{
	ed25519_sha512_public_key(ret_public, seed);
}

void ed25519_sign(const uint8_t seed[ED25519_SEED_LEN], struct str message,
		  uint8_t ret_signature[ED25519_SIGNATURE_LEN])
{
	uint8_t public[ED25519_PUBLIC_LEN];

	ed25519_public(seed, public);
	ed25519_sha512_sign(public, seed, message.n, (const uint8_t *)message.p,
			    ret_signature);
}

bool ed25519_verify(const uint8_t key[ED25519_PUBLIC_LEN], struct str message,
		    const uint8_t signature[ED25519_SIGNATURE_LEN])
{
	return ed25519_sha512_verify(key, message.n, (const uint8_t *)message.p,
				     signature) == 1;
}
