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

/*
 * No value of a name passes without a digit, or letters of both cases, among
 * its first DLP_SAMPLE bytes. How far behind `from` these end; 0: too far.
 */
static uint8_t reach_from(const struct dlp_engine *e,
			  const struct dlp_grammar *g, unsigned int from)
{
	unsigned int n = DLP_SAMPLE;

	if (!dlp_is_assigned(g->row->check))
		return 0;
	for (unsigned int k = 0; k < g->secret_from; k++)
		n += e->segs[g->first + k].max;
	return n - from > UINT8_MAX ? 0 : (uint8_t)(n - from);
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
	h->run = g->run;
	h->run.at = (int16_t)(g->run.at - (int)from);
	h->dull = dull_from(e, g);
	h->reach = reach_from(e, g, from);
	if (h->probes[0].n || h->need_within || h->run.follow || h->reach)
		h->more = 0;
}

/* How many behind each have the same bytes. */
static void count_same(struct dlp_hot *first, struct dlp_hot *last)
{
	for (struct dlp_hot *h = last; h-- > first;)
		if (h->fold == h[1].fold && h->mask == h[1].mask &&
		    h->value == h[1].value && h[1].same < UINT8_MAX)
			h->same = (uint8_t)(h[1].same + 1);
}

/* A list of entries becomes a stretch of e->hot. */
static void flatten(struct dlp_engine *e, uint16_t *list, uint16_t *n)
{
	uint16_t i = *list, first = *n;

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
	if (*n > first)
		count_same(&e->hot[first], &e->hot[*n - 1]);
}

static bool is_same(const struct dlp_seg *a, const struct dlp_seg *b)
{
	return a->class == b->class && a->byte == b->byte &&
	       a->fold == b->fold && a->min == b->min && a->max == b->max;
}

/* How many segments two formats begin with alike, before what is secret. */
static uint16_t alike(const struct dlp_engine *e, const struct dlp_grammar *a,
		      const struct dlp_grammar *b)
{
	uint16_t k = 0, max = MIN(a->secret_from, b->secret_from);

	while (k < max &&
	       is_same(&e->segs[a->first + k], &e->segs[b->first + k]))
		k++;
	/* What \k stands for is one step. */
	if (a->glue_to && k > a->glue_from && k < a->glue_to)
		k = a->glue_from;
	if (b->glue_to && k > b->glue_from && k < b->glue_to)
		k = b->glue_from;
	return k;
}

static struct dlp_grammar *grammar_of(struct dlp_engine *e,
				      const struct dlp_hot *h)
{
	const struct dlp_entry *x = &e->entries[h->entry];

	return x->kind == DLP_ENTRY_GRAMMAR ? &e->grammars[x->index] : NULL;
}

/* Segments of one byte are compared as words before anything is walked over. */
#define TRUNK_MIN 9U

/*
 * Up to where the formats from i on, in one list, begin alike; *ret_len is how
 * many segments that are. i + 1: there is only one.
 */
static size_t trunk_end(struct dlp_engine *e, size_t i, size_t n,
			uint16_t *ret_len)
{
	const struct dlp_grammar *g = grammar_of(e, &e->hot[i]);

	*ret_len = UINT16_MAX;
	for (i++; g && i < n && !e->hot[i - 1].last; i++) {
		const struct dlp_grammar *x = grammar_of(e, &e->hot[i]);
		uint16_t k = x ? alike(e, g, x) : 0;

		if (k < TRUNK_MIN)
			break;
		*ret_len = MIN(*ret_len, k);
	}
	return i;
}

/* Formats that follow each other in a list get one trunk. */
static void find_trunks(struct dlp_engine *e, size_t n)
{
	uint16_t trunk = 0, len;

	for (size_t i = 0, next; i < n; i = next) {
		next = trunk_end(e, i, n, &len);
		if (next == i + 1)
			continue;
		trunk++;
		for (size_t k = i; k < next; k++) {
			struct dlp_grammar *g = grammar_of(e, &e->hot[k]);

			if (!g)
				break;
			g->trunk = trunk;
			g->trunk_len = len;
		}
	}
}

static void flatten_all(struct dlp_engine *e)
{
	uint16_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(e->tr.hash); i++)
		flatten(e, &e->tr.hash[i], &n);
	for (size_t i = 0; i < ARRAY_LEN(e->tr.list); i++)
		flatten(e, &e->tr.list[i], &n);
	find_trunks(e, n);
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
