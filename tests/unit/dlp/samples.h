/* SPDX-License-Identifier: MIT */
/*
 * samples.h - what the published formats of keys and tokens look like
 *
 * No sample is a literal: {a36} stands for 36 random letters and digits, so
 * that nothing in the tree has the shape of a key. Kinds: a letters and
 * digits, l lower-case and digits, U upper-case and digits, d digits, h hex, H
 * upper-case hex, A letters, L lower-case letters, u with _ and -, b base64, g a UUID, J a JWT's head, P a
 * JWT's body. Sequences depend on the seed only.
 */
#ifndef TESTS_DLP_SAMPLES_H
#define TESTS_DLP_SAMPLES_H

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/str.h"
#include "tests/unit/dlp/samples_table.h"

static inline uint32_t sample_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33);
}

static inline void sample_fill(struct buf *b, const char *alphabet, size_t n,
			       uint64_t *seed)
{
	size_t size = strlen(alphabet);

	while (n--)
		buf_putc(b, alphabet[sample_random(seed) % size]);
}

/* Digits that make what is in b since `from` right by Luhn's formula. */
static inline void sample_card(struct buf *b, size_t n, uint64_t *seed)
{
	size_t from = b->len - 1;
	unsigned int sum = 0;

	sample_fill(b, "0123456789", n - 1, seed);
	for (size_t i = b->len, k = 1; i-- > from; k++) {
		unsigned int d = (unsigned int)(b->data[i] - '0');

		sum += k % 2 ? (d < 5 ? 2 * d : 2 * d - 9) : d;
	}
	buf_putc(b, (char)('0' + (10 - sum % 10) % 10));
}

static inline const char *sample_alphabet(char kind)
{
	switch (kind) {
	case 'd':
		return "0123456789";
	case 'h':
		return "0123456789abcdef";
	case 'H':
		return "0123456789ABCDEF";
	case 'l':
		return "abcdefghijklmnopqrstuvwxyz0123456789";
	case 'U':
		return "ABCDEFGHJKLMNPQRSTUVWXYZ234567";
	case 'A':
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	case 'L':
		return "abcdefghijklmnopqrstuvwxyz";
	case 'q':
		return "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
	default:
		return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		       "0123456789";
	}
}

/* Not a letter or digit at either end, so that formats keep apart. */
static inline void sample_wide(struct buf *b, const char *extra, size_t n,
			       uint64_t *seed)
{
	const char *plain = sample_alphabet('a');

	for (size_t i = 0; i < n; i++)
		if (i > 0 && i + 1 < n && sample_random(seed) % 24 == 0)
			buf_putc(b, extra[sample_random(seed) % 2]);
		else
			sample_fill(b, plain, 1, seed);
}

static inline void sample_part(struct buf *b, char kind, size_t n,
			       uint64_t *seed)
{
	static const unsigned int groups[] = { 8, 4, 4, 4, 12 };

	switch (kind) {
	case 'g':
		for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
			if (i)
				buf_putc(b, '-');
			sample_fill(b, sample_alphabet('h'), groups[i], seed);
		}
		return;
	case 'u':
		sample_wide(b, "_-", n, seed);
		return;
	case 'b':
		sample_wide(b, "+/", n, seed);
		return;
	case 'c':
		sample_card(b, n, seed);
		return;
	case 's':
		sample_fill(b, "123456789", 4, seed);
		return;
	case 'K':
		buf_puts(b, "PRIVATE KEY");
		return;
	case 'J':
		base64_encode_to(b, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", 27);
		return;
	case 'P':
		base64_encode_to(b, "{\"sub\":\"12345\",\"n\":\"abc\"}", 24);
		return;
	case 'B': {
		_cleanup_buf_ struct buf plain = BUF_INIT;

		buf_puts(&plain, "ci:");
		sample_fill(&plain, sample_alphabet('a'), n - 3, seed);
		base64_encode_to(b, plain.data, plain.len);
		return;
	}
	default:
		sample_fill(b, sample_alphabet(kind), n, seed);
	}
}

/* What it needs behind it. */
static inline const char *sample_after(const struct sample *s)
{
	if (strcmp(s->type, "url_password") == 0)
		return "@db.host/x";
	if (strcmp(s->type, "url_token") == 0)
		return "@git.host/x";
	if (strcmp(s->type, "sentry_dsn") == 0)
		return "@o450123.ingest.sentry.io/45";
	return "";
}

/* Appends the sample, and the length of what has to go before it. */
static inline size_t sample_put(struct buf *b, const struct sample *s,
				uint64_t seed)
{
	size_t before = s->before ? strlen(s->before) : 0;

	buf_puts(b, s->before ? s->before : "");
	for (const char *p = s->shape; *p;) {
		size_t n = 0;
		char kind;

		/* PuTTY's and others' text has no other braces */
		if (*p != '{') {
			buf_putc(b, *p++);
			continue;
		}
		kind = p[1];
		for (p += 2; isdigit((unsigned char)*p); p++)
			n = n * 10 + (size_t)(*p - '0');
		p++;
		sample_part(b, kind, n, &seed);
	}
	buf_puts(b, sample_after(s));
	return before;
}

#endif
