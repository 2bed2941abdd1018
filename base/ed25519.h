/* SPDX-License-Identifier: MIT */
/*
 * ed25519.h - signatures after RFC 8032 (over nettle)
 */
#ifndef BASE_ED25519_H
#define BASE_ED25519_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define ED25519_SEED_LEN      32
#define ED25519_PUBLIC_LEN    32
#define ED25519_SIGNATURE_LEN 64

/* A fresh pair from getrandom(2). 0 or -errno; the caller wipes the seed. */
int ed25519_generate(uint8_t ret_seed[ED25519_SEED_LEN],
		     uint8_t ret_public[ED25519_PUBLIC_LEN]);
/* The public half of a seed. */
void ed25519_public(const uint8_t seed[ED25519_SEED_LEN],
		    uint8_t ret_public[ED25519_PUBLIC_LEN]);
void ed25519_sign(const uint8_t seed[ED25519_SEED_LEN], struct str message,
		  uint8_t ret_signature[ED25519_SIGNATURE_LEN]);
bool ed25519_verify(const uint8_t key[ED25519_PUBLIC_LEN], struct str message,
		    const uint8_t signature[ED25519_SIGNATURE_LEN]);

#endif
