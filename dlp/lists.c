/* SPDX-License-Identifier: MIT */
/*
 * lists.c - what to try where the first pass saw something
 *
 * Entries whose first three bytes are known stand in lists by a hash of these,
 * the others in lists that four bytes select. With each stands what rules it
 * out without a walk through it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dlp/priv.h"

static bool has(const uint64_t set[4], unsigned int c)
{
	return set[c / 64] >> (c % 64) & 1;
}

/* One byte, or one letter in both cases. */
static int single(const uint64_t set[4])
{
	int found = -1;

	for (unsigned int c = 0; c < 256; c++) {
		if (!has(set, c))
			continue;
		if (found >= 0 && (found | 0x20) != (int)c)
			return -1;
		found = (int)c;
	}
	return found;
}

static void append(struct dlp_engine *e, uint16_t *list, size_t index)
{
	while (*list)
		list = &e->entries[*list - 1U].next;
	*list = (uint16_t)(index + 1);
}

#define FIRST_MAX 8192U /* combinations of a few bytes */

/* The bytes of a set, upper and lower case as one. */
static unsigned int members(const uint64_t set[4], unsigned char out[256])
{
	bool seen[256] = { false };
	unsigned int n = 0;

	for (unsigned int c = 0; c < 256; c++) {
		if (!has(set, c) || seen[c | 0x20])
			continue;
		seen[c | 0x20] = true;
		out[n++] = (unsigned char)c;
	}
	return n;
}

/* Notes all combinations of n bytes; false if they are too many. */
static bool note_all(uint64_t *bits, const struct dlp_frag *f, unsigned int n)
{
	unsigned char c[4][256], p[4] = { 0 };
	unsigned int size[4], all = 1;

	for (unsigned int k = 0; k < n; k++) {
		size[k] = members(f->set[k], c[k]);
		all *= size[k];
		if (all > FIRST_MAX)
			return false;
	}
	for (unsigned int i = 0; i < all; i++) {
		unsigned int rest = i, h;

		for (unsigned int k = 0; k < n; k++) {
			p[k] = c[k][rest % size[k]];
			rest /= size[k];
		}
		h = n == 4 ? dlp_fold4(p) : dlp_fold3_long(p);
		bits[h / 64] |= 1ULL << (h % 64);
	}
	return true;
}

static void note_first(struct dlp_triggers *tr, const struct dlp_frag *f)
{
	if (note_all(tr->first4, f, 4))
		return;
	if (note_all(tr->first, f, 3))
		tr->threes = true;
	else
		tr->wide = true;
}

/* What mask says of places that are one byte, or a letter in both cases. */
static void mask_frag(struct dlp_entry *x)
{
	for (unsigned int k = 0; k < DLP_PLACES; k++) {
		const uint64_t *set = x->frag.set[k];
		int c = single(set);

		if (c >= 0 && !(x->mask >> 8 * k & 1)) {
			bool both = has(set, (unsigned int)c & ~0x20U) &&
				    has(set, (unsigned int)c | 0x20U);

			x->fold |= (both ? 0x20ULL : 0) << 8 * k;
			x->mask |= 0xffULL << 8 * k;
			x->value |= ((uint64_t)c | (both ? 0x20U : 0)) << 8 * k;
		}
		if (!(x->mask >> 8 * k & 1) && !x->more &&
		    (set[0] & set[1] & set[2] & set[3]) != UINT64_MAX)
			x->more = (uint8_t)k;
	}
}

static void list_entry(struct dlp_engine *e, size_t i)
{
	struct dlp_entry *x = &e->entries[i];
	struct dlp_triggers *tr = &e->tr;
	unsigned char lit[3];
	/* Custom patterns come first, and lists before literals. */
	bool literal = x->kind != DLP_ENTRY_REGEX;
	unsigned int n;

	if (x->kind == DLP_ENTRY_IBAN)
		tr->iban = 1; /* too many for first; they look alike */
	else
		note_first(tr, &x->frag);
	mask_frag(x);
	for (unsigned int k = 0; k < 3; k++) {
		int c = single(x->frag.set[k]);

		literal = literal && c >= 0;
		lit[k] = (unsigned char)c;
	}
	if (literal) {
		append(e, &tr->hash[dlp_fold3(lit)], i);
		return;
	}
	/* More than there are numbers share them. */
	n = tr->n_lists++ % DLP_SET_BITS;
	for (unsigned int k = 0; k < 4; k++)
		for (unsigned int c = 0; c < 256; c++)
			if (has(x->frag.set[k], c))
				tr->set[k][c] |= 1ULL << n;
	append(e, &tr->list[n], i);
}

#define DULL_MIN   16U
#define PREFIX_MAX 40U

/* The least bytes of a secret that has to look random and begins near; or 0 */
static uint8_t dull_from(const struct dlp_engine *e,
			 const struct dlp_grammar *g)
{
	unsigned int before = 0, n = 0;

	if (g->row->check != DLP_CHECK_RANDOM &&
	    g->row->check != DLP_CHECK_MIXED)
		return 0;
	for (unsigned int k = 0; k < g->secret_to; k++) {
		const struct dlp_seg *seg = &e->segs[g->first + k];

		if (k < g->secret_from)
			before += seg->max;
		else
			n += seg->min;
	}
	if (before > PREFIX_MAX || n < DULL_MIN)
		return 0;
	return (uint8_t)MIN(n, (unsigned int)UINT8_MAX);
}

/* What a format needs may be among its first n bytes. */
static bool may_be_before(const struct dlp_engine *e,
			  const struct dlp_grammar *g, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++) {
		const struct dlp_seg *seg = &e->segs[g->first + k];

		if (seg->class != DLP_LITERAL || seg->min != 1 ||
		    dlp_is(e, seg->byte, g->need_class) ||
		    dlp_is(e, seg->byte & (unsigned char)~seg->fold,
			   g->need_class))
			return true;
	}
	return false;
}

/* What is known of a format that does not take a walk through it. */
static void hot_grammar(const struct dlp_engine *e, const struct dlp_entry *x,
			struct dlp_hot *h)
{
	const struct dlp_grammar *g = &e->grammars[x->index];
	unsigned int from = x->frag.offset;

	for (unsigned int i = 0; i < 2; i++) {
		h->probes[i].at = (int16_t)(g->probes[i].end - 1 - (int)from);
		h->probes[i].n = g->probes[i].n;
		h->probes[i].class = g->probes[i].class;
	}
	if (g->need_within > from && !may_be_before(e, g, from)) {
		h->need_within = (uint16_t)(g->need_within - from);
		h->need_class = g->need_class;
	}
	h->dull = dull_from(e, g);
	if (h->probes[0].n || h->need_within)
		h->more = 0;
}

/* A list of entries becomes a stretch of e->hot. */
static void flatten(struct dlp_engine *e, uint16_t *list, uint16_t *n)
{
	uint16_t i = *list;

	if (i)
		*list = (uint16_t)(*n + 1);
	while (i) {
		const struct dlp_entry *x = &e->entries[i - 1U];

		e->hot[*n] = (struct dlp_hot){ .fold = x->fold,
					       .mask = x->mask,
					       .value = x->value,
					       .entry = (uint16_t)(i - 1),
					       .more = x->more,
					       .last = x->next == 0 };
		if (x->kind == DLP_ENTRY_GRAMMAR)
			hot_grammar(e, x, &e->hot[*n]);
		++*n;
		i = x->next;
	}
}

static void flatten_all(struct dlp_engine *e)
{
	uint16_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(e->tr.hash); i++)
		flatten(e, &e->tr.hash[i], &n);
	for (size_t i = 0; i < ARRAY_LEN(e->tr.list); i++)
		flatten(e, &e->tr.list[i], &n);
}

int dlp_lists_build(struct dlp_engine *e)
{
	for (size_t i = 0; i < e->n_entries; i++)
		list_entry(e, i);
	e->hot = calloc(e->n_entries + 1, sizeof(*e->hot));
	if (!e->hot)
		return -ENOMEM;
	flatten_all(e);
	return 0;
}
