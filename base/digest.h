/* SPDX-License-Identifier: MIT */
/*
 * digest.h - SHA-256, SHA-1, HMAC and text encodings (over nettle)
 *
 * nettle and not libcrypto: the command line links this, and libcrypto's
 * relocations alone cost 0.4 ms per start (docs/decisions/0001).
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define SHA256_LEN 32
#define SHA1_LEN   20
#define SHA512_LEN 64

void digest_sha256(struct str data, uint8_t out[SHA256_LEN]);
void digest_sha1(struct str data, uint8_t out[SHA1_LEN]);
void digest_hmac_sha256(struct str key, struct str data,
			uint8_t out[SHA256_LEN]);
void digest_hmac_sha512(struct str key, struct str data,
			uint8_t out[SHA512_LEN]);
/* Whole of fd from offset 0; the offset is not moved. 0 or -errno. */
int digest_sha256_fd(int fd, uint8_t out[SHA256_LEN]);

/* Appends 2n lower-case digits. */
void hex_encode(struct buf *b, const uint8_t *p, size_t n);
/* 0 or -EINVAL (length must be exactly 2n, lower or upper case). */
int hex_decode(struct str s, uint8_t *out, size_t n);
/* Standard alphabet with padding, appended. */
void base64_encode_to(struct buf *b, const void *p, size_t n);
/* Likewise; 0, -EINVAL (nothing was appended), or the buffer's error. */
int base64_decode_to(struct buf *b, struct str s);

#endif
