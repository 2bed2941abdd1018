/* SPDX-License-Identifier: MIT */
/*
 * iban.c - international bank account numbers
 *
 * A country, two check digits and as many letters and digits as that country
 * has, in one piece or in groups of four. What makes it one is the length and
 * the remainder by 97 (ISO 13616).
 */
#include <string.h>

#include "dlp/ascii.h"
#include "dlp/priv.h"

static const struct country {
	char code[3];
	uint8_t n;
} countries[] = {
	{ "AD", 24 }, { "AE", 23 }, { "AL", 28 }, { "AT", 20 }, { "AZ", 28 },
	{ "BA", 20 }, { "BE", 16 }, { "BG", 22 }, { "BH", 22 }, { "BR", 29 },
	{ "BY", 28 }, { "CH", 21 }, { "CR", 22 }, { "CY", 28 }, { "CZ", 24 },
	{ "DE", 22 }, { "DK", 18 }, { "DO", 28 }, { "EE", 20 }, { "EG", 29 },
	{ "ES", 24 }, { "FI", 18 }, { "FO", 18 }, { "FR", 27 }, { "GB", 22 },
	{ "GE", 22 }, { "GI", 23 }, { "GL", 18 }, { "GR", 27 }, { "GT", 28 },
	{ "HR", 21 }, { "HU", 28 }, { "IE", 22 }, { "IL", 23 }, { "IQ", 23 },
	{ "IS", 26 }, { "IT", 27 }, { "JO", 30 }, { "KW", 30 }, { "KZ", 20 },
	{ "LB", 28 }, { "LC", 32 }, { "LI", 21 }, { "LT", 20 }, { "LU", 20 },
	{ "LV", 21 }, { "LY", 25 }, { "MC", 27 }, { "MD", 24 }, { "ME", 22 },
	{ "MK", 19 }, { "MR", 27 }, { "MT", 31 }, { "MU", 30 }, { "NL", 18 },
	{ "NO", 15 }, { "PK", 24 }, { "PL", 28 }, { "PS", 29 }, { "PT", 25 },
	{ "QA", 29 }, { "RO", 24 }, { "RS", 22 }, { "SA", 24 }, { "SC", 31 },
	{ "SE", 24 }, { "SI", 19 }, { "SK", 24 }, { "SM", 27 }, { "ST", 25 },
	{ "SV", 28 }, { "TL", 23 }, { "TN", 24 }, { "TR", 26 }, { "UA", 29 },
	{ "VA", 22 }, { "VG", 24 }, { "XK", 20 },
};

#define IBAN_MAX 34U

static void allow(uint64_t set[4], unsigned char c)
{
	set[c / 64] |= 1ULL << (c % 64);
}

void dlp_iban_frag(struct dlp_frag *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->starts_word = true;
	for (size_t i = 0; i < ARRAY_LEN(countries); i++) {
		allow(ret->set[0], (unsigned char)countries[i].code[0]);
		allow(ret->set[1], (unsigned char)countries[i].code[1]);
	}
	for (unsigned int c = 0; c < 128; c++) {
		bool digit = ascii_is((unsigned char)c, ASCII_DIGIT);
		bool upper = ascii_is((unsigned char)c, ASCII_UPPER);

		if (digit) {
			allow(ret->set[2], (unsigned char)c);
			allow(ret->set[3], (unsigned char)c);
		}
		if (digit || upper || c == ' ')
			allow(ret->set[4], (unsigned char)c);
		if (digit || upper)
			allow(ret->set[5], (unsigned char)c);
	}
}

static size_t length_of(const unsigned char *p)
{
	for (size_t i = 0; i < ARRAY_LEN(countries); i++)
		if (memcmp(countries[i].code, p, 2) == 0)
			return countries[i].n;
	return 0;
}

/* The first four stand last, letters are numbers from 10 on. */
static bool checks(const unsigned char *p, size_t n)
{
	unsigned int rest = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = p[(i + 4) % n];

		if (ascii_is(c, ASCII_DIGIT))
			rest = (rest * 10 + (unsigned int)(c - '0')) % 97;
		else
			rest = (rest * 100 + (unsigned int)(c - 'A') + 10) % 97;
	}
	return rest == 1;
}

enum dlp_answer dlp_iban_match(const struct dlp_engine *e,
			       const struct dlp_view *v, size_t start,
			       struct dlp_match *ret)
{
	unsigned char text[IBAN_MAX];
	size_t n = 0, want, i = start;

	ret->start = ret->idle = start;
	if (!dlp_word_begins(e, v, start))
		return DLP_MISS;
	if (v->n - start < 4)
		return v->end ? DLP_MISS : DLP_MORE;
	want = length_of(v->p + start);
	for (; i < v->n && n < want; i++) {
		unsigned char c = v->p[i];

		if (c == ' ' && n % 4 == 0 && n && v->p[i - 1] != ' ')
			continue;
		if (!ascii_is(c, ASCII_DIGIT) && !ascii_is(c, ASCII_UPPER))
			return DLP_MISS;
		text[n++] = c;
	}
	if (want == 0)
		return DLP_MISS;
	if (i == v->n && !v->end) /* what ends it is not there yet */
		return DLP_MORE;
	if (n < want || (i < v->n && dlp_is(e, v->p[i], DLP_C_WORD)) ||
	    !checks(text, n))
		return DLP_MISS;
	ret->end = i;
	ret->type = e->iban;
	return DLP_HIT;
}
