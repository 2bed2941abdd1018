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

static bool is_first_variable(const struct dlp_engine *e,
			      const struct dlp_grammar *g, unsigned int k)
{
	for (unsigned int i = 0; i < k; i++)
		if (e->segs[g->first + i].min != e->segs[g->first + i].max)
			return false;
	return true;
}

/* What may stand behind the leading places. */
static void next_set(const struct dlp_engine *e, const struct dlp_grammar *g,
		     uint64_t set[4])
{
	uint64_t sum[4] = { 0 }, one[4];
	unsigned int k = 0;

	while (k < g->n_segs &&
	       e->segs[g->first + k].min == e->segs[g->first + k].max)
		k++;
	for (; k < g->n_segs; k++) {
		const struct dlp_seg *seg = &e->segs[g->first + k];

		seg_set(e, seg, one);
		for (unsigned int i = 0; i < 4; i++)
			sum[i] |= one[i];
		/* of the first one the leading places have min already */
		if (seg->min && seg->min == seg->max)
			break;
		if (seg->min && k > 0 && !is_first_variable(e, g, k))
			break;
	}
	if (k < g->n_segs)
		memcpy(set, sum, sizeof(sum));
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
	while (x->n_proved < MIN(g->n_segs, from + 8) &&
	       segs[x->n_proved].class == DLP_LITERAL &&
	       segs[x->n_proved].min == 1 && segs[x->n_proved].max == 1)
		x->n_proved++;
	if (x->n_proved <= from)
		x->n_proved = 0;
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
			   !(g->row->flags & DLP_ROW_INSIDE) &&
			   g->row->check != DLP_CHECK_KEY; /* "apikey" */
	for (unsigned int k = 0; k < DLP_PLACES; k++) {
		any(ret->set[k]);
		if (ret->offset + k < n)
			seg_set(e, at[ret->offset + k], ret->set[k]);
		else if (ret->offset + k == n)
			next_set(e, g, ret->set[k]);
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

#define PASSES 2

/* Sets of bytes (c and c + 128 are one) at each place. */
struct shape {
	uint64_t set[DLP_PLACES][2];
};

struct bucket {
	uint16_t n[DLP_PLACES][128]; /* fragments that have the byte there */
	struct shape shape;
	float cost;
	bool used;
};

/*
 * Letters come in words of one case: six places are met as often as in each of
 * these together, not as often as their bytes are.
 */
enum style {
	LOWER = 0, /* words and what stands between them */
	UPPER,
	DIGITS, /* numbers, digests, and what stands between them */
	STYLES,
};

/* Of 10000 places so many are in a stretch of it. */
static const float shares[STYLES] = { 0.70F, 0.20F, 0.10F };

/* Sums of frequencies over eight bytes, by which of them are in a set. */
struct sums {
	uint16_t of[STYLES][16][256];
	bool nibbles; /* bytes will be looked up by nibble */
};

/* How often a byte is met in it, per 10000. */
static unsigned int frequency_in(enum style style, unsigned int c)
{
	unsigned int all = frequency(c);

	switch (style) {
	case LOWER:
		if (c >= 'a' && c <= 'z')
			return all * 5 / 4;
		if (c >= 'A' && c <= 'Z')
			return all / 6;
		return c >= '0' && c <= '9' ? all / 4 : all;
	case UPPER:
		if (c >= 'a' && c <= 'z')
			return all / 20;
		return c >= 'A' && c <= 'Z' ? all * 6 : all;
	case DIGITS:
		if (c >= 'a' && c <= 'f')
			return all / 2;
		if (c >= 'g' && c <= 'z')
			return all / 30;
		if (c >= 'A' && c <= 'Z')
			return all / 3;
		return c >= '0' && c <= '9' ? all * 8 : all;
	case STYLES:
		break;
	}
	return all;
}

static void sums_init(struct sums *s)
{
	for (unsigned int t = 0; t < STYLES; t++)
		for (unsigned int k = 0; k < 16; k++)
			for (unsigned int set = 1; set < 256; set++) {
				unsigned int low =
					(unsigned int)__builtin_ctz(set);
				unsigned int rest =
					s->of[t][k][set & (set - 1)];

				s->of[t][k][set] =
					(uint16_t)(rest +
						   frequency_in((enum style)t,
								k * 8 + low));
			}
}

/* Looked up by nibble: all combinations of the high and the low ones. */
static void close_nibbles(uint64_t set[2])
{
	static const uint64_t rows = 0x0001000100010001ULL;
	uint64_t low = set[0] | set[1];

	low |= low >> 32;
	low = (low | low >> 16) & 0xffff;
	for (unsigned int half = 0; half < 2; half++) {
		uint64_t x = set[half], any = 0;

		for (unsigned int k = 0; k < 4; k++)
			any |= (uint64_t)((x >> k * 16 & 0xffff) != 0)
			       << k * 16;
		set[half] = (any & rows) * low;
	}
}

/* How often a place has one of these bytes, in each style. */
static void sum_of(const struct sums *s, const uint64_t bytes[2],
		   float ret[STYLES])
{
	uint64_t set[2] = { bytes[0], bytes[1] };
	unsigned int sum[STYLES] = { 1, 1, 1 };

	if (s->nibbles)
		close_nibbles(set);
	for (unsigned int k = 0; k < 16; k++) {
		unsigned int part = set[k / 8] >> (k % 8 * 8) & 255;

		for (unsigned int t = 0; part && t < STYLES; t++)
			sum[t] += s->of[t][k][part];
	}
	for (unsigned int t = 0; t < STYLES; t++)
		ret[t] *= (float)MIN(sum[t], 10000U) / 10000;
}

/* How often a place of this shape is met. */
static float cost_of(const struct sums *s, const struct shape *x)
{
	float cost[STYLES] = { shares[LOWER], shares[UPPER], shares[DIGITS] };

	for (unsigned int k = 0; k < DLP_PLACES; k++)
		sum_of(s, x->set[k], cost);
	return cost[LOWER] + cost[UPPER] + cost[DIGITS];
}

static void shape_of(const struct dlp_frag *f, struct shape *x)
{
	for (unsigned int k = 0; k < DLP_PLACES; k++) {
		x->set[k][0] = f->set[k][0] | f->set[k][2];
		x->set[k][1] = f->set[k][1] | f->set[k][3];
	}
}

/* A fragment joins (1) or leaves (-1) a bucket. */
static void bucket_add(const struct sums *s, struct bucket *b,
		       const struct shape *x, int by)
{
	b->used = false;
	for (unsigned int k = 0; k < DLP_PLACES; k++)
		for (unsigned int half = 0; half < 2; half++) {
			uint64_t set = x->set[k][half];

			for (; set; set &= set - 1) {
				unsigned int c =
					half * 64 +
					(unsigned int)__builtin_ctzll(set);

				b->n[k][c] = (uint16_t)(b->n[k][c] + by);
				if (b->n[k][c])
					b->shape.set[k][half] |= set & -set;
				else
					b->shape.set[k][half] &= ~(set & -set);
			}
			b->used = b->used || b->shape.set[k][half];
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
			sum.set[k][0] |= x->set[k][0];
			sum.set[k][1] |= x->set[k][1];
		}
		more = cost_of(s, &sum) - (b[i].used ? b[i].cost : 0);
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
static void deal_out(const struct sums *s, struct bucket *buckets,
		     struct dealt *d, size_t n)
{
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

int dlp_triggers_deal(struct dlp_engine *e)
{
	_cleanup_free_ struct sums *s = calloc(1, sizeof(*s));
	_cleanup_free_ struct dealt *d = calloc(e->n_entries + 1, sizeof(*d));
	_cleanup_free_ struct bucket *buckets =
		calloc(DLP_BUCKETS, sizeof(*buckets));

	if (!s || !d || !buckets)
		return -ENOMEM;
	sums_init(s);
	s->nibbles = e->tr.pass == DLP_PASS_AVX2;
	memset(e->tr.at, 0, sizeof(e->tr.at));
	memset(e->tr.nibble, 0, sizeof(e->tr.nibble));
	memset(e->tr.byte, 0, sizeof(e->tr.byte));
	for (size_t i = 0; i < e->n_entries; i++) {
		shape_of(&e->entries[i].frag, &d[i].shape);
		d[i].cost = cost_of(s, &d[i].shape);
		d[i].entry = i;
		d[i].starts_word = e->entries[i].frag.starts_word;
	}
	deal_out(s, buckets, d, e->n_entries);
	for (size_t i = 0; i < e->n_entries; i++)
		fill_tables(&e->tr, d[i].bucket, &e->entries[d[i].entry].frag);
	return 0;
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

/* As is_escape() says; an @ has anything behind it. */
static void fill_escapes(struct dlp_triggers *tr)
{
	static const struct {
		unsigned char first;
		const char *next;
	} kinds[] = {
		{ '%', "01234567" }, { '\\', "u/x" },  { '&', "#" },
		{ 0x1b, "[" },       { '=', "3\r\n" },
	};
	uint8_t at = 1U << ARRAY_LEN(kinds);

	memset(tr->escape[1], at, sizeof(tr->escape[1]));
	tr->escape[0]['@'] = at;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		uint8_t bit = (uint8_t)(1U << i);

		tr->escape[0][kinds[i].first] = bit;
		for (const char *p = kinds[i].next; *p; p++)
			tr->escape[1][(unsigned char)*p] |= bit;
	}
}

/* Of what stands between a name and its value. */
static void fill_glue(struct dlp_engine *e)
{
	const struct dlp_grammar *g = e->grammars;
	const struct dlp_grammar *end = g + e->n_grammars;

	while (g < end && !g->glue_to)
		g++;
	if (g == end)
		return;
	for (unsigned int k = g->glue_from; k < g->glue_to; k++)
		for (unsigned int c = 0; c < 256; c++)
			if (dlp_seg_has(e, &e->segs[g->first + k],
					(unsigned char)c))
				e->glue[c] |=
					(uint8_t)(1U << (k - g->glue_from));
}

int dlp_triggers_build(struct dlp_engine *e)
{
	int r;

	fill_glue(e);
	e->tr.mark['@'] = e->tr.mark['%'] = e->tr.mark['\\'] = 1;
	e->tr.mark['&'] = e->tr.mark['='] = e->tr.mark[0x1b] = 1; /* ESC */
	fill_classes(e, e->tr.classes);
	fill_escapes(&e->tr);
	r = dlp_lists_build(e);
	if (r < 0)
		return r;
	return dlp_triggers_deal(e);
}

/* --- the pass ---------------------------------------------------------- */

static bool is_escape(const unsigned char *p)
{
	return (p[0] == '%' && p[1] >= '0' && p[1] <= '7') ||
	       (p[0] == 0x1b && p[1] == '[') || (p[0] == '&' && p[1] == '#') ||
	       (p[0] == '=' && (p[1] == '3' || p[1] == '\r' || p[1] == '\n')) ||
	       (p[0] == '\\' && (p[1] == 'u' || p[1] == '/' || p[1] == 'x'));
}

static void scan_portable(const struct dlp_engine *e, const unsigned char *p,
			  struct dlp_masks *ret)
{
	const struct dlp_triggers *tr = &e->tr;

	*ret = (struct dlp_masks){ 0 };
	for (unsigned int i = 0; i < 64; i++, p++) {
		uint64_t here = (tr->at[0][p[0]] & tr->at[1][p[1]] &
				 tr->at[2][p[2]] & tr->at[3][p[3]] &
				 tr->at[4][p[4]] & tr->at[5][p[5]]) != 0;
		uint64_t class = e->classes.of[0][p[0]];

		here |= (uint64_t)(p[0] == '@') | (uint64_t)is_escape(p);
		ret->trigger |= here << i;
		ret->digit |= (class >> DLP_C_DIGIT & 1) << i;
		ret->plus |= (uint64_t)(p[0] == '+') << i;
		ret->nul |= (uint64_t)(p[0] == 0) << i;
		ret->base64 |= (class >> DLP_C_BASE64 & 1) << i;
	}
}

void dlp_triggers_scan(const struct dlp_engine *e, const unsigned char *p,
		       unsigned int n, uint64_t *edge, struct dlp_masks *ret)
{
	switch (e->tr.pass) {
	case DLP_PASS_AVX512:
		dlp_triggers_scan_avx512(&e->tr, p, n, edge, ret);
		break;
	case DLP_PASS_AVX2:
		dlp_triggers_scan_avx2(&e->tr, p, n, edge, ret);
		break;
	case DLP_PASS_PORTABLE:
		for (; n > 0; n--, p += 64)
			scan_portable(e, p, ret++);
		*edge = DLP_EDGE_UNKNOWN;
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

	if (n > 0 && (p[n - 1] == '%' || p[n - 1] == '\\' || p[n - 1] == '&' ||
		      p[n - 1] == '=' || p[n - 1] == 0x1b))
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
