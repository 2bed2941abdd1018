/* SPDX-License-Identifier: MIT */
/*
 * trigger.c - the first pass: where could something begin?
 *
 * Every entry (a format, a custom expression, a known secret) has a fragment:
 * four neighbouring places of which each holds one of few bytes. Fragments are
 * dealt out to 16 buckets; for a place and a byte there is a word with a bit
 * per bucket that can have it there. And-ing the four words of four
 * neighbouring bytes leaves the buckets of which a fragment may be there. The
 * SIMD form (trigger_avx2.c) looks the words up by nibble, 32 bytes at a time.
 * What it gives is a superset, so whoever uses it compares.
 *
 * Fragments are chosen, and dealt out, for the least number of places that
 * ordinary text would trigger.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dlp/priv.h"

/* How often a byte is met in code and documents, per 10000. */
static const uint16_t frequencies[128] = {
	1,   1,  1,    1,   1,   1,   1,   1,   1,  142, 302, 1,   1,   1,  1,
	1,   1,  1,    1,   1,   1,   1,   1,   1,  1,   1,   1,   1,   1,  1,
	1,   1,  1639, 3,   7,   39,  1,   2,   17, 6,   82,  82,  157, 9,  90,
	50,  51, 98,   50,  50,  50,  50,  50,  50, 50,  50,  50,  50,  51, 64,
	34,  26, 35,   1,   13,  89,  33,  82,  49, 103, 43,  55,  21,  93, 20,
	20,  83, 54,   71,  58,  64,  20,  83,  80, 117, 35,  20,  20,  38, 20,
	20,  5,  5,    5,   1,   523, 2,   329, 74, 192, 196, 647, 149, 78, 111,
	363, 4,  24,   198, 128, 359, 301, 186, 10, 348, 313, 502, 157, 53, 35,
	56,  87, 16,   22,  3,   21,  1,   1,
};

static unsigned int frequency(unsigned int c)
{
	return c < 128 ? frequencies[c] : 1;
}

static bool has(const uint64_t set[4], unsigned int c)
{
	return set[c / 64] >> (c % 64) & 1;
}

/* --- fragments --------------------------------------------------------- */

static void any(uint64_t set[4])
{
	memset(set, 0xff, 4 * sizeof(*set));
}

/* The segments of the leading places of a grammar that are always there. */
static unsigned int leading(const struct dlp_engine *e,
			    const struct dlp_grammar *g,
			    const struct dlp_seg *at[DLP_BACK])
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < g->n_segs; k++) {
		const struct dlp_seg *seg = &e->segs[g->first + k];

		for (unsigned int i = 0; i < seg->min && n < DLP_BACK; i++)
			at[n++] = seg;
		if (seg->min != seg->max)
			break;
	}
	return n;
}

static void seg_set(const struct dlp_engine *e, const struct dlp_seg *seg,
		    uint64_t set[4])
{
	memset(set, 0, 4 * sizeof(*set));
	for (unsigned int b = 0; b < 256; b++)
		if (dlp_seg_has(e, seg, (unsigned char)b))
			set[b / 64] |= 1ULL << (b % 64);
}

static unsigned int seg_cost(const struct dlp_engine *e,
			     const struct dlp_seg *seg)
{
	unsigned int sum = 0;

	if (seg->class == DLP_LITERAL)
		return frequency(seg->byte) +
		       (seg->fold ? frequency(seg->byte & ~0x20U) : 0);
	for (unsigned int c = 0; c < 128; c++)
		if (dlp_is(e, (unsigned char)c, seg->class))
			sum += frequency(c);
	return sum;
}

/* Of what may begin at any byte, about so much begins a word. */
#define WORD_BONUS 20

static float worth(const unsigned int *cost, unsigned int n, unsigned int i)
{
	float p = 1;

	for (unsigned int k = 0; k < 4 && i + k < n; k++)
		p *= (float)MIN(cost[i + k], 10000U) / 10000;
	return p;
}

/* The least likely four places. */
static unsigned int rarest(const unsigned int *cost, unsigned int n)
{
	float best = 2;
	unsigned int at = 0;

	for (unsigned int i = 0; i + 3 <= n; i++) {
		float c = worth(cost, n, i);

		if (c <= best) { /* a late one: rare bytes come first */
			best = c;
			at = i;
		}
	}
	return at;
}

/* One place more that mask compares, if its bytes are one. */
static void mask_place(struct dlp_entry *x, unsigned int k,
		       const struct dlp_seg *seg)
{
	if (seg->class != DLP_LITERAL)
		return;
	x->fold |= (uint64_t)seg->fold << 8 * k;
	x->mask |= 0xffULL << 8 * k;
	x->value |= (uint64_t)seg->byte << 8 * k;
}

static void mask_grammar(const struct dlp_engine *e,
			 const struct dlp_grammar *g,
			 const struct dlp_seg *const *at, unsigned int n,
			 struct dlp_entry *x)
{
	const struct dlp_seg *segs = &e->segs[g->first];
	unsigned int from = x->frag.offset;

	for (unsigned int k = 0; k < 8 && from + k < n; k++)
		mask_place(x, k, at[from + k]);
	while (from == 0 && x->n_proved < MIN(g->n_segs, (uint16_t)8) &&
	       segs[x->n_proved].class == DLP_LITERAL &&
	       segs[x->n_proved].min == 1 && segs[x->n_proved].max == 1)
		x->n_proved++;
}

void dlp_grammar_frag(const struct dlp_engine *e, const struct dlp_grammar *g,
		      struct dlp_entry *entry)
{
	struct dlp_frag *ret = &entry->frag;
	const struct dlp_seg *at[DLP_BACK];
	unsigned int n = leading(e, g, at), cost[DLP_BACK];

	for (unsigned int i = 0; i < n; i++)
		cost[i] = i && at[i] == at[i - 1] ? cost[i - 1]
						  : seg_cost(e, at[i]);
	ret->offset = rarest(cost, n);
	if (!(g->row->flags & DLP_ROW_INSIDE) && n >= 3 &&
	    (at[2]->class == DLP_LITERAL ||
	     worth(cost, n, 0) / WORD_BONUS < worth(cost, n, ret->offset)))
		ret->offset = 0;
	ret->starts_word = ret->offset == 0 &&
			   !(g->row->flags & DLP_ROW_INSIDE);
	for (unsigned int k = 0; k < DLP_PLACES; k++) {
		any(ret->set[k]);
		if (ret->offset + k < n && (k < 4 || ret->starts_word))
			seg_set(e, at[ret->offset + k], ret->set[k]);
	}
	mask_grammar(e, g, at, n, entry);
}

void dlp_text_frag(struct str text, struct dlp_frag *ret)
{
	ret->offset = 0;
	ret->starts_word = false;
	for (unsigned int k = 0; k < DLP_PLACES; k++) {
		memset(ret->set[k], 0, sizeof(ret->set[k]));
		if (k < text.n && k < 4) {
			unsigned char c = (unsigned char)text.p[k];

			ret->set[k][c / 64] |= 1ULL << (c % 64);
		} else {
			any(ret->set[k]);
		}
	}
}

/* --- buckets ----------------------------------------------------------- */

#define PASSES 3

/* Sets of nibbles at each place. */
struct shape {
	uint16_t high[DLP_PLACES], low[DLP_PLACES];
};

struct bucket {
	uint16_t n_high[DLP_PLACES][16],
		n_low[DLP_PLACES][16]; /* fragments that have it */
	struct shape shape;
	float cost;
};

/* Sums over the low nibbles in half a set, by high nibble. */
struct sums {
	uint16_t of[16][2][256];
};

static void sums_init(struct sums *s)
{
	for (unsigned int h = 0; h < 16; h++)
		for (unsigned int half = 0; half < 2; half++)
			for (unsigned int set = 1; set < 256; set++) {
				unsigned int low =
					(unsigned int)__builtin_ctz(set);

				s->of[h][half][set] =
					(uint16_t)(s->of[h][half]
							[set & (set - 1)] +
						   frequency(h << 4 |
							     half << 3 | low));
			}
}

/* How often a place of this shape is met. */
static float cost_of(const struct sums *s, const struct shape *x)
{
	float cost = 1;

	for (unsigned int k = 0; k < DLP_PLACES; k++) {
		unsigned int sum = 0;

		for (unsigned int h = x->high[k]; h; h &= h - 1) {
			unsigned int row = (unsigned int)__builtin_ctz(h);

			sum += s->of[row][0][x->low[k] & 255];
			sum += s->of[row][1][x->low[k] >> 8];
		}
		cost *= (float)MIN(MAX(sum, 1U), 10000U) / 10000;
	}
	return cost;
}

static void shape_of(const struct dlp_frag *f, struct shape *x)
{
	memset(x, 0, sizeof(*x));
	for (unsigned int k = 0; k < DLP_PLACES; k++)
		for (unsigned int h = 0; h < 16; h++) {
			uint16_t low =
				(uint16_t)(f->set[k][h / 4] >> (h % 4 * 16));

			if (low)
				x->high[k] |= (uint16_t)(1U << h);
			x->low[k] |= low;
		}
}

/* A fragment joins (1) or leaves (-1) a bucket. */
static void bucket_add(const struct sums *s, struct bucket *b,
		       const struct shape *x, int by)
{
	memset(&b->shape, 0, sizeof(b->shape));
	for (unsigned int k = 0; k < DLP_PLACES; k++)
		for (unsigned int n = 0; n < 16; n++) {
			if (x->high[k] >> n & 1)
				b->n_high[k][n] =
					(uint16_t)(b->n_high[k][n] + by);
			if (x->low[k] >> n & 1)
				b->n_low[k][n] =
					(uint16_t)(b->n_low[k][n] + by);
			if (b->n_high[k][n])
				b->shape.high[k] |= (uint16_t)(1U << n);
			if (b->n_low[k][n])
				b->shape.low[k] |= (uint16_t)(1U << n);
		}
	b->cost = cost_of(s, &b->shape);
}

/* The bucket that a fragment spoils least. */
static unsigned int best_bucket(const struct sums *s, const struct bucket *b,
				const struct shape *x, bool starts_word)
{
	unsigned int from = starts_word ? 0 : DLP_WORD_BUCKETS;
	unsigned int to = starts_word ? DLP_WORD_BUCKETS : DLP_BUCKETS;

	float least = 2;
	unsigned int best = from;

	for (unsigned int i = from; i < to; i++) {
		struct shape sum = b[i].shape;
		float more;

		for (unsigned int k = 0; k < DLP_PLACES; k++) {
			sum.high[k] |= x->high[k];
			sum.low[k] |= x->low[k];
		}
		more = cost_of(s, &sum) - (b[i].shape.high[0] ? b[i].cost : 0);
		if (more < least) {
			least = more;
			best = i;
		}
	}
	return best;
}

static void fill_tables(struct dlp_triggers *tr, unsigned int bucket,
			const struct dlp_frag *f)
{
	for (unsigned int k = 0; k < DLP_PLACES; k++)
		for (unsigned int c = 0; c < 256; c++) {
			uint8_t bit = (uint8_t)(1U << (bucket % 8));

			if (!has(f->set[k], c))
				continue;
			tr->at[k][c] |= (uint16_t)(1U << bucket);
			tr->nibble[k][bucket / 8][0][c & 15] |= bit;
			tr->nibble[k][bucket / 8][1][c >> 4] |= bit;
			tr->byte[k][bucket / 8][c & 127] |= bit;
		}
}

struct dealt {
	struct shape shape;
	float cost;
	size_t entry;
	unsigned int bucket;
	bool starts_word;
};

static int by_cost(const void *a, const void *b)
{
	const struct dealt *x = a, *y = b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? 1 : -1;
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* The common ones first; then each is asked again where it is best. */
static void deal_out(const struct sums *s, struct dealt *d, size_t n)
{
	struct bucket buckets[DLP_BUCKETS] = { 0 };

	qsort(d, n, sizeof(*d), by_cost);
	for (unsigned int pass = 0; pass <= PASSES; pass++)
		for (size_t i = 0; i < n; i++) {
			if (pass)
				bucket_add(s, &buckets[d[i].bucket],
					   &d[i].shape, -1);
			d[i].bucket = best_bucket(s, buckets, &d[i].shape,
						  d[i].starts_word);
			bucket_add(s, &buckets[d[i].bucket], &d[i].shape, 1);
		}
}

static int deal(struct dlp_engine *e)
{
	_cleanup_free_ struct sums *s = calloc(1, sizeof(*s));
	_cleanup_free_ struct dealt *d = calloc(e->n_entries + 1, sizeof(*d));

	if (!s || !d)
		return -ENOMEM;
	sums_init(s);
	for (size_t i = 0; i < e->n_entries; i++) {
		shape_of(&e->entries[i].frag, &d[i].shape);
		d[i].cost = cost_of(s, &d[i].shape);
		d[i].entry = i;
		d[i].starts_word = e->entries[i].frag.starts_word;
	}
	deal_out(s, d, e->n_entries);
	for (size_t i = 0; i < e->n_entries; i++)
		fill_tables(&e->tr, d[i].bucket, &e->entries[d[i].entry].frag);
	return 0;
}

/* --- lists ------------------------------------------------------------- */

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

#define FIRST_MAX 8192U /* combinations of three bytes */

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

static void note_first(struct dlp_triggers *tr, const struct dlp_frag *f)
{
	unsigned char c[3][256], p[3];
	unsigned int n[3];

	for (unsigned int k = 0; k < 3; k++)
		n[k] = members(f->set[k], c[k]);
	if (n[0] * n[1] * n[2] > FIRST_MAX) {
		tr->wide = true;
		return;
	}
	for (unsigned int i = 0; i < n[0] * n[1] * n[2]; i++) {
		unsigned int h;

		p[0] = c[0][i % n[0]];
		p[1] = c[1][i / n[0] % n[1]];
		p[2] = c[2][i / n[0] / n[1]];
		h = dlp_fold3_long(p);
		tr->first[h / 64] |= 1ULL << (h % 64);
	}
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
		if (!(x->mask >> 8 * k & 1))
			x->more |= (set[0] & set[1] & set[2] & set[3]) !=
				   UINT64_MAX;
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
					       .last = x->next == 0 };
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

static void fill_classes(const struct dlp_engine *e, uint8_t classes[128])
{
	for (unsigned int c = 0; c < 128; c++) {
		unsigned int bits = 0;

		if (c >= 'a' && c <= 'z')
			bits |= DLP_B_LOWER;
		if (c >= 'A' && c <= 'Z')
			bits |= DLP_B_UPPER;
		if (c >= '0' && c <= '9')
			bits |= DLP_B_DIGIT;
		if (dlp_is(e, (unsigned char)c, DLP_C_BASE64))
			bits |= DLP_B_BASE64;
		if (c == '\\')
			bits |= DLP_B_BACKSLASH;
		if (c == '%')
			bits |= DLP_B_PERCENT;
		if (c == 'm')
			bits |= DLP_B_M;
		classes[c] = (uint8_t)bits;
	}
}

int dlp_triggers_build(struct dlp_engine *e)
{
	e->tr.mark['@'] = e->tr.mark['%'] = e->tr.mark['\\'] = 1;
	e->tr.mark[0x1b] = 1; /* ESC */
	fill_classes(e, e->tr.classes);
	for (size_t i = 0; i < e->n_entries; i++)
		list_entry(e, i);
	e->hot = calloc(e->n_entries + 1, sizeof(*e->hot));
	if (!e->hot)
		return -ENOMEM;
	flatten_all(e);
	return deal(e);
}

/* --- the pass ---------------------------------------------------------- */

static bool is_escape(const unsigned char *p)
{
	return (p[0] == '%' && p[1] >= '0' && p[1] <= '7') ||
	       (p[0] == 0x1b && p[1] == '[') ||
	       (p[0] == '\\' && (p[1] == 'u' || p[1] == '/'));
}

static void scan_portable(const struct dlp_engine *e, const unsigned char *p,
			  struct dlp_masks *ret)
{
	const struct dlp_triggers *tr = &e->tr;

	*ret = (struct dlp_masks){ .edge = DLP_EDGE_UNKNOWN };
	for (unsigned int i = 0; i < 64; i++, p++) {
		uint64_t here = (tr->at[0][p[0]] & tr->at[1][p[1]] &
				 tr->at[2][p[2]] & tr->at[3][p[3]] &
				 tr->at[4][p[4]] & tr->at[5][p[5]]) != 0;
		uint64_t class = e->classes.of[0][p[0]];

		here |= (uint64_t)(p[0] == '@') | (uint64_t)is_escape(p);
		ret->trigger |= here << i;
		ret->digit |= (class >> DLP_C_DIGIT & 1) << i;
		ret->plus |= (uint64_t)(p[0] == '+') << i;
		ret->base64 |= (class >> DLP_C_BASE64 & 1) << i;
	}
}

void dlp_triggers_scan(const struct dlp_engine *e, const unsigned char *p,
		       struct dlp_masks *ret)
{
	switch (e->tr.pass) {
	case DLP_PASS_AVX512:
		dlp_triggers_scan_avx512(&e->tr, p, ret);
		break;
	case DLP_PASS_AVX2:
		dlp_triggers_scan_avx2(&e->tr, p, ret);
		break;
	case DLP_PASS_PORTABLE:
		scan_portable(e, p, ret);
		break;
	}
}

enum dlp_pass dlp_triggers_best(void)
{
	if (dlp_triggers_has_avx512())
		return DLP_PASS_AVX512;
	return dlp_triggers_has_avx2() ? DLP_PASS_AVX2 : DLP_PASS_PORTABLE;
}

static bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* One digit or two do not begin a number yet. */
static size_t numbers_tail(const unsigned char *p, size_t n)
{
	size_t digits = 0;

	while (digits < 3 && digits < n && is_digit(p[n - 1 - digits]))
		digits++;
	if (digits == 3)
		return n;
	n -= digits;
	return n;
}

size_t dlp_triggers_tail(const struct dlp_triggers *tr, const unsigned char *p,
			 size_t n)
{
	size_t tail = numbers_tail(p, n);

	if (n > 0 && (p[n - 1] == '%' || p[n - 1] == '\\' || p[n - 1] == 0x1b))
		tail = n - 1;
	for (size_t d = MIN(n, (size_t)DLP_PLACES - 1); d > 0; d--) {
		unsigned int all = UINT16_MAX;

		for (size_t k = 0; k < d; k++)
			all &= tr->at[k][p[n - d + k]];
		if (all)
			tail = MIN(tail, n - d);
	}
	/* It belongs to the number behind it. */
	return tail > 0 && p[tail - 1] == '(' ? tail - 1 : tail;
}
