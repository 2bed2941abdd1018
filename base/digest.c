/* SPDX-License-Identifier: MIT */
/*
 * digest.c - SHA-256, SHA-1, HMAC and text encodings (over nettle)
 */
#include "base/digest.h"

#include <errno.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include "base/num.h"

static const uint8_t *bytes(struct str s)
{
	return (const uint8_t *)(s.n ? s.p : "");
}

void digest_sha256(struct str data, uint8_t out[SHA256_LEN])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, data.n, bytes(data));
	sha256_digest(&ctx, SHA256_LEN, out);
}

void digest_sha1(struct str data, uint8_t out[SHA1_LEN])
{
	struct sha1_ctx ctx;

	sha1_init(&ctx);
	sha1_update(&ctx, data.n, bytes(data));
	sha1_digest(&ctx, SHA1_LEN, out);
}

void digest_hmac_sha256(struct str key, struct str data,
			uint8_t out[SHA256_LEN])
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, key.n, bytes(key));
	hmac_sha256_update(&ctx, data.n, bytes(data));
	hmac_sha256_digest(&ctx, SHA256_LEN, out);
}

void digest_hmac_sha512(struct str key, struct str data,
			uint8_t out[SHA512_LEN])
{
	struct hmac_sha512_ctx ctx;

	hmac_sha512_set_key(&ctx, key.n, bytes(key));
	hmac_sha512_update(&ctx, data.n, bytes(data));
	hmac_sha512_digest(&ctx, SHA512_LEN, out);
}

int digest_sha256_fd(int fd, uint8_t out[SHA256_LEN])
{
	struct sha256_ctx ctx;
	uint8_t block[8192];
	off_t at = 0;

	sha256_init(&ctx);
	for (;;) {
		ssize_t n = pread(fd, block, sizeof(block), at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		sha256_update(&ctx, (size_t)n, block);
		at += n;
	}
	sha256_digest(&ctx, SHA256_LEN, out);
	return 0;
}

void hex_encode(struct buf *b, const uint8_t *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++)
		buf_put(b, (char[]){ digits[p[i] >> 4], digits[p[i] & 15] }, 2);
}

int hex_decode(struct str s, uint8_t *out, size_t n)
{
	if (s.n / 2 != n || s.n % 2)
		return -EINVAL;
	for (size_t i = 0; i < s.n; i++)
		if (num_hex_digit(s.p[i]) < 0)
			return -EINVAL;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(num_hex_digit(s.p[2 * i]) * 16 +
				   num_hex_digit(s.p[2 * i + 1]));
	return 0;
}

void base64_encode_to(struct buf *b, const void *p, size_t n)
{
	size_t size = BASE64_ENCODE_RAW_LENGTH(n);
	char *out = buf_reserve(b, size);

	if (!out)
		return;
	base64_encode_raw(out, n, p);
	b->len += size;
	b->data[b->len] = '\0';
}

int base64_decode_to(struct buf *b, struct str s)
{
	struct base64_decode_ctx ctx;
	size_t n = BASE64_DECODE_LENGTH(s.n);
	char *out = buf_reserve(b, n);

	if (!out)
		return b->error;
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &n, (uint8_t *)out, s.n,
				  s.n ? s.p : "") ||
	    !base64_decode_final(&ctx)) {
		b->data[b->len] = '\0';
		return -EINVAL;
	}
	b->len += n;
	b->data[b->len] = '\0';
	return 0;
}
