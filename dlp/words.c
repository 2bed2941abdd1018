/* SPDX-License-Identifier: MIT */
/*
 * words.c - names and words told from random letters
 *
 * Half of all pairs of letters make up 96 of 100 pairs in code and English
 * text. Of random letters every second pair is one of the others; identifiers
 * have hardly any. Counted within words only: thatWord and that_word are two.
 */
#include "dlp/ascii.h"
#include "dlp/priv.h"

/* Bit b of [a]: the pair ab is usual. */
static const uint32_t usual[26] = {
	0x1febd7f, 0x11e4b15, 0x11edd9d, 0x01e591f, 0x1fff9ff, 0x11ec935,
	0x01ef9d1, 0x01e7111, 0x2aefc7f, 0x0104011, 0x0044111, 0x13cc97f,
	0x014d91f, 0x13efd7d, 0x07efd7f, 0x11ec99d, 0x0100000, 0x13efd7f,
	0x15efdfd, 0x15efdbf, 0x00eb97f, 0x0005111, 0x0066191, 0x00c9115,
	0x00cf011, 0x0000111,
};

#define WORDS_SAMPLE 64U

/* Both are letters, and of one word. */
static bool is_pair(unsigned char a, unsigned char b)
{
	return ascii_is(a, ASCII_ALPHA) && ascii_is(b, ASCII_ALPHA) &&
	       !(ascii_is(a, ASCII_LOWER) && ascii_is(b, ASCII_UPPER));
}

unsigned int dlp_pairs(struct str s, unsigned int *ret_unusual)
{
	unsigned int n = 0, unusual = 0;

	for (size_t i = 1; i < MIN(s.n, (size_t)WORDS_SAMPLE); i++) {
		unsigned char a = (unsigned char)s.p[i - 1];
		unsigned char b = (unsigned char)s.p[i];

		if (!is_pair(a, b))
			continue;
		n++;
		unusual += !(usual[(a | 0x20) - 'a'] >> ((b | 0x20) - 'a') & 1);
	}
	*ret_unusual = unusual;
	return n;
}
