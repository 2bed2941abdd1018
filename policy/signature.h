/* SPDX-License-Identifier: MIT */
/*
 * signature.h - who vouches for a policy file
 *
 * Ed25519 over the file's bytes, in a file beside it named like it with ".sig"
 * appended; key files are JSON (interface reference 1.12). A key's id is the
 * SHA-256 of its 32 public bytes in hex.
 */
#ifndef POLICY_SIGNATURE_H
#define POLICY_SIGNATURE_H

#include <stdint.h>

#include "base/digest.h"
#include "base/ed25519.h"
#include "base/str.h"

struct policy_key {
	uint8_t seed[ED25519_SEED_LEN]; /* of a private key */
	uint8_t public_key[ED25519_PUBLIC_LEN];
	char id[2 * SHA256_LEN + 1];
};

/* A new pair. label: may be empty. Return: 0 or -errno. */
int policy_key_generate(struct policy_key *ret);
/* The text of private.key.json and public.key.json. */
void policy_key_private_json(const struct policy_key *k, struct str label,
			     int64_t now_ns, struct buf *out);
void policy_key_public_json(const struct policy_key *k, struct str label,
			    int64_t now_ns, struct buf *out);
/*
 * Reads a private key file's text. 0, or -EBADMSG with the reason in why.
 * The caller wipes *ret.
 */
int policy_key_parse_private(struct str text, struct policy_key *ret,
			     struct buf *why);

/* The text of FILE.sig. signer: may be empty. */
void policy_sign(const struct policy_key *k, struct str policy,
		 struct str signer, int64_t now_ns, struct buf *out);

struct policy_signed {
	struct buf key_id, signed_at, signer;
};
void policy_signed_done(struct policy_signed *s);

/*
 * Checks signature (the text of FILE.sig) against the public keys in key_dir
 * (every *.json there; others' kinds are passed over).
 * Return: 0 with *ret filled; -EBADMSG: not a signature; -ENOKEY: by a key that
 * is not there; -EKEYEXPIRED; -EKEYREJECTED: it does not fit the bytes; -errno
 * of the directory. A line for people is appended to why.
 */
int policy_verify(struct str policy, struct str signature, const char *key_dir,
		  int64_t now_ns, struct policy_signed *ret, struct buf *why);

#endif
