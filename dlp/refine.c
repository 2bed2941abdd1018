/* SPDX-License-Identifier: MIT */
/*
 * refine.c - of what the first pass saw, what an entry can begin with
 */
#include "dlp/ascii.h"
#include "dlp/priv.h"

/* 1 for "DE89": an account number may begin so. */
static unsigned int two_and_two(const unsigned char *p)
{
	return ascii_kinds[p[0]] >> 2 & ascii_kinds[p[1]] >> 2 &
	       ascii_kinds[p[2]] & ascii_kinds[p[3]] & 1U;
}

/* An entry's first bytes may stand here, or a mark does. */
static inline unsigned int may_begin(const struct dlp_triggers *tr,
				     const unsigned char *p)
{
	unsigned int g = dlp_fold4(p), h;
	uint64_t keep = tr->first4[g / 64] >> (g % 64);

	if (tr->threes) {
		h = dlp_fold3_long(p);
		keep |= tr->first[h / 64] >> (h % 64);
	}
	keep |= (tr->iban & two_and_two(p)) | tr->mark[p[0]];
	return keep & 1;
}

#define USUAL 4U /* triggers in a block: few have more */

/*
 * Where the triggers of n blocks are, in the order of their places. So few are
 * in most that there is nothing to mispredict. Room for USUAL more than there
 * can be.
 */
static unsigned int list_triggers(const struct dlp_masks *m, unsigned int n,
				  uint16_t *out)
{
	uint16_t *to = out;

	for (unsigned int i = 0; i < n; i++) {
		uint64_t all = m[i].trigger;

		for (unsigned int k = 0; k < USUAL; k++) {
			/* what is written for no bit is written over */
			*to = (uint16_t)(64 * i + (unsigned int)__builtin_ctzll(
							  all | 1ULL << 63));
			to += all != 0;
			all &= all - 1;
		}
		for (; all; all &= all - 1)
			*to++ = (uint16_t)(64 * i +
					   (unsigned int)__builtin_ctzll(all));
	}
	return (unsigned int)(to - out);
}

void dlp_refine(const struct dlp_triggers *tr, const unsigned char *p,
		unsigned int n, struct dlp_masks *m)
{
	__attribute__((uninitialized)) uint16_t at[64 * DLP_BATCH + USUAL];
	unsigned int all, left = 0;

	if (tr->wide)
		return;
	all = list_triggers(m, n, at);
	for (unsigned int i = 0; i < all; i++) {
		at[left] = at[i];
		left += may_begin(tr, p + at[i]);
	}
	for (unsigned int i = 0; i < n; i++)
		m[i].trigger = 0;
	for (unsigned int i = 0; i < left; i++)
		m[at[i] / 64].trigger |= 1ULL << at[i] % 64;
}
