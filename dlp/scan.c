/* SPDX-License-Identifier: MIT */
/*
 * scan.c - from trigger to trigger
 *
 *	      floor          pos        limit  n
 *	-------|--------------|-----------|----|
 *	  out  | decided, or  | triggers  | the first pass has to see
 *	       | pending      | to look at| more of what may begin here
 *
 * Findings are accepted in the order of their triggers. The last one is kept
 * pending until a trigger behind its end, because another may overlap it: then
 * they become one. What is reported goes to the sink together with the bytes
 * before it, and nothing can reach back over it.
 *
 * Bytes that are decided may still turn out to be the beginning of something
 * whose trigger comes later: the word, or the run of base64, that they end in.
 * A stream keeps these back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dlp/ascii.h"
#include "dlp/priv.h"
#include "dlp/ruled_out.h"

void dlp_scan_init(struct dlp_scan *s, const struct dlp_engine *e,
		   const struct dlp_sink *sink)
{
	/* Of what there is much of only what counts. */
	memset(s, 0, offsetof(struct dlp_scan, spans));
	memset(&s->n_longs, 0,
	       offsetof(struct dlp_scan, regex_from) -
		       offsetof(struct dlp_scan, n_longs));
	memset(s->regex_from, 0, e->n_regexes * sizeof(s->regex_from[0]));
	s->e = e;
	s->sink = sink;
}

void dlp_scan_done(struct dlp_scan *s)
{
	buf_done(&s->pending.text);
	free(s->work);
}

/* --- what follows a finding -------------------------------------------- */

/* Index behind a private key's end line, if i is in it; else 0. */
static size_t end_line(const struct dlp_view *v, size_t i)
{
	static const char mark[] = "-----END ";
	struct str rest = { (const char *)v->p + i, MIN(v->n - i, 80U) };
	ptrdiff_t close;

	if (!str_starts(rest, STR("-----END ")))
		return 0;
	close = str_find(str_skip(rest, sizeof(mark) - 1), STR("-----"));
	return close < 0 ? 0 : i + sizeof(mark) - 1 + (size_t)close + 5;
}

/* The end of what goes on behind a finding, from i; *ret_more: maybe not yet */
static size_t swallow_end(const struct dlp_scan *s, const struct dlp_view *v,
			  const struct dlp_match *m, size_t i, bool *ret_more)
{
	bool pem = m->swallow == DLP_SWALLOW_PEM;
	unsigned int class = pem ? DLP_C_KEY : m->swallow_class;

	for (; i < v->n && dlp_is(s->e, v->p[i], class); i++) {
		size_t end;

		if (!pem || v->p[i] != '-')
			continue;
		end = end_line(v, i);
		*ret_more = end == 0;
		if (end || (v->n - i < 80 && !v->end))
			return end ? end : i;
	}
	*ret_more = i == v->n;
	return i;
}

/* The pending finding takes in what follows it, and is reported. */
static void swallow_first(struct dlp_scan *s, const struct dlp_view *v)
{
	struct dlp_match *p = &s->pending;
	bool more;

	p->end = swallow_end(s, v, p, p->end, &more);
	if (!more)
		p->swallow = DLP_SWALLOW_NOTHING;
	dlp_report(s, v);
	s->pos = s->floor;
}

/* Drops more of it; true if that may go on still. */
static bool swallow_more(struct dlp_scan *s, const struct dlp_view *v)
{
	const struct dlp_match m = { .swallow = s->swallow,
				     .swallow_class = s->swallow_class };
	bool more;

	s->floor = swallow_end(s, v, &m, s->floor, &more);
	s->pos = MAX(s->pos, s->floor);
	if (!more)
		s->swallow = DLP_SWALLOW_NOTHING;
	return more;
}

/* --- triggers ---------------------------------------------------------- */

static enum dlp_answer match_secret(const struct dlp_secret *x,
				    const struct dlp_view *v, size_t t,
				    struct dlp_match *m)
{
	size_t n = MIN(v->n - t, x->n);

	m->start = m->idle = t;
	m->end = t + x->n;
	m->type = x->type;
	if (memcmp(v->p + t, x->bytes, n) != 0)
		return DLP_MISS;
	if (n == x->n)
		return DLP_HIT;
	return v->end ? DLP_MISS : DLP_MORE;
}

static enum dlp_answer match_entry(struct dlp_scan *s, const struct dlp_view *v,
				   const struct dlp_entry *x, bool proved,
				   size_t t, struct dlp_match *m)
{
	const struct dlp_engine *e = s->e;
	enum dlp_answer a = DLP_MISS;
	size_t done = 0;

	if (t < x->frag.offset)
		return DLP_MISS;
	switch (x->kind) {
	case DLP_ENTRY_GRAMMAR:
		return dlp_grammar_match(s, v, x, proved, t, m);
	case DLP_ENTRY_SECRET:
		return match_secret(&e->secrets[x->index], v, t, m);
	case DLP_ENTRY_PEM:
		return dlp_pem_match(s, v, t - x->frag.offset, m);
	case DLP_ENTRY_IBAN:
		return dlp_iban_match(e, v, t, m);
	case DLP_ENTRY_REGEX:
		if (t < s->regex_from[x->index])
			return DLP_MISS;
		a = dlp_regex_find(s, &e->regexes[x->index], v, t, m, &done);
		if (a != DLP_MORE)
			s->regex_from[x->index] = done;
		return a;
	}
	return a;
}

/* Two places of its fragment from one on, as far as they are there. */
static bool fits(const struct dlp_entry *x, const struct dlp_view *v, size_t t,
		 size_t from)
{
	size_t n = MIN(v->n - t, MIN(from + 2, (size_t)DLP_PLACES));

	for (size_t k = from; k < n; k++) {
		unsigned char c = v->p[t + k];

		if (!(x->frag.set[k][c / 64] >> (c % 64) & 1))
			return false;
	}
	return true;
}

/* DLP_HIT only if nothing else may begin inside of it. */
static __attribute__((noinline)) enum dlp_answer
match_at(struct dlp_scan *s, const struct dlp_view *v,
	 const struct dlp_entry *x, bool proved, size_t t)
{
	/* Most calls find nothing: they need not pay for all of it. */
	__attribute__((uninitialized)) struct dlp_match m;
	enum dlp_answer a;

	m.swallow = DLP_SWALLOW_NOTHING;
	m.swallow_class = 0;
	m.open = m.weak = false;
	m.text = BUF_INIT;
	a = match_entry(s, v, x, proved, t, &m);
	if (a == DLP_MISS)
		return a;
	if (a == DLP_MORE) {
		s->wait = m;
		return a;
	}
	dlp_accept(s, v, &m);
	return m.open ? DLP_MISS : a;
}

static enum dlp_answer try_list(struct dlp_scan *s, const struct dlp_view *v,
				unsigned int index, size_t t)
{
	bool proved = v->n - t >= sizeof(uint64_t);
	const struct dlp_hot *h = &s->e->hot[index - 1];
	struct proof proof = { UNKNOWN, UNKNOWN };
	uint64_t word = 0;

	if (proved)
		memcpy(&word, v->p + t, sizeof(word));
	do {
		const struct dlp_entry *x;
		enum dlp_answer a;

		if (proved && ((word | h->fold) & h->mask) != h->value) {
			h += h->same;
			continue;
		}
		if (is_ruled_out(s, v, h, t, &proof))
			continue;
		x = &s->e->entries[h->entry];
		if ((!proved || h->more) &&
		    !fits(x, v, t, proved ? h->more : 0))
			continue;
		a = match_at(s, v, x, proved, t);
		if (a != DLP_MISS)
			return a;
	} while (!h++->last);
	return DLP_MISS;
}

static enum dlp_answer try_entries(struct dlp_scan *s, const struct dlp_view *v,
				   size_t t)
{
	const struct dlp_triggers *tr = &s->e->tr;
	const unsigned char *p = v->p + t;
	size_t left = v->n - t;
	uint64_t lists = tr->set[0][p[0]];

	if (left >= 4)
		lists &= tr->set[1][p[1]] & tr->set[2][p[2]] & tr->set[3][p[3]];
	for (size_t k = 1; k < 4 && left < 4 && lists; k++)
		lists &= k < left ? tr->set[k][p[k]]
				  : (v->end ? tr->set[k][0] : UINT64_MAX);
	for (; lists; lists &= lists - 1) {
		enum dlp_answer a =
			try_list(s, v, tr->list[__builtin_ctzll(lists)], t);

		if (a != DLP_MISS)
			return a;
	}
	if (left < 3 || !tr->hash[dlp_fold3(p)])
		return DLP_MISS;
	return try_list(s, v, tr->hash[dlp_fold3(p)], t);
}

static enum dlp_answer settle(struct dlp_scan *s, const struct dlp_view *v,
			      enum dlp_answer a, struct dlp_match *m)
{
	if (a == DLP_HIT)
		dlp_accept(s, v, m);
	else if (a == DLP_MORE)
		s->wait = *m;
	return a;
}

#define INFLATE_FREE (1U << 20)
#define INFLATE_RATE 3U /* bytes for each byte of text */

/* How much may be inflated for the text up to t. */
static void note_worth(struct dlp_scan *s, size_t t)
{
	if (s->depth == 0)
		s->inflate_worth = INFLATE_FREE + INFLATE_RATE * (s->base + t);
}

static enum dlp_answer try_byte(struct dlp_scan *s, const struct dlp_view *v,
				size_t t)
{
	struct dlp_match m = { .swallow = DLP_SWALLOW_NOTHING };
	enum dlp_answer a;

	switch (v->p[t]) {
	case '@':
		a = dlp_mail_match(s->e, v, t, &m);
		/* The end of a password in front of @host is no name. */
		if (a == DLP_HIT && s->has_pending && s->pending.end > m.start)
			return DLP_MISS;
		return settle(s, v, a, &m);
	case '%':
	case '\\':
	case '&':
	case '=':
	case 0x1b:
		if (t < s->escape_from)
			return DLP_MISS;
		note_worth(s, t);
		return settle(s, v, dlp_escape_match(s, v, t, &m), &m);
	default:
		return DLP_MISS;
	}
}

/* What one block of 64 bytes has to look at. */
struct block {
	size_t at;
	uint64_t trigger, number, blob, wide;
};

static enum dlp_answer look_number(struct dlp_scan *s, const struct dlp_view *v,
				   size_t t)
{
	struct dlp_match m = { .swallow = DLP_SWALLOW_NOTHING };

	return settle(s, v, dlp_number_match(s->e, v, t, &m), &m);
}

static __attribute__((noinline)) enum dlp_answer
look_blob(struct dlp_scan *s, const struct dlp_view *v, size_t t)
{
	struct dlp_match m = { .swallow = DLP_SWALLOW_NOTHING };

	if (t < s->blob_from)
		return DLP_MISS;
	note_worth(s, t);
	return settle(s, v, dlp_blob_match(s, v, t, &m), &m);
}

static __attribute__((noinline)) enum dlp_answer
look_wide(struct dlp_scan *s, const struct dlp_view *v, size_t t)
{
	struct dlp_match m = { .swallow = DLP_SWALLOW_NOTHING };

	if (t < s->wide_from)
		return DLP_MISS;
	return settle(s, v, dlp_wide_match(s, v, t, &m), &m);
}

static __attribute__((noinline)) enum dlp_answer look(struct dlp_scan *s,
						      const struct dlp_view *v,
						      const struct block *b,
						      size_t t)
{
	uint64_t bit = 1ULL << (t - b->at);
	enum dlp_answer a = DLP_MISS;

	if (s->has_pending && t > s->pending.end)
		dlp_report(s, v);
	if (b->trigger & bit) {
		a = try_entries(s, v, t);
		if (a == DLP_MISS && s->e->tr.mark[v->p[t]])
			a = try_byte(s, v, t);
	}
	if (a == DLP_MISS && b->number & bit)
		a = look_number(s, v, t);
	if (a == DLP_MISS && b->blob & bit)
		a = look_blob(s, v, t);
	if (a == DLP_MISS && b->wide & bit)
		a = look_wide(s, v, t);
	return a;
}

/* --- the walk ---------------------------------------------------------- */

/* Bytes of base64 that end at i, if they are fewer than BLOB_MIN. */
static size_t blob_before(const struct dlp_scan *s, const struct dlp_view *v,
			  size_t i)
{
	size_t n = 0;

	while (n < BLOB_MIN && i - n > s->blob_from && i - n > 0 &&
	       dlp_is(s->e, v->p[i - n - 1], DLP_C_BASE64))
		n++;
	return n;
}

/* Where BLOB_SHORT bytes of base64 end that begin in the block. */
static uint64_t short_bits(uint64_t x)
{
	_Static_assert(BLOB_SHORT == 27, "the sum of these shifts, and one");
	x &= x << 1;
	x &= x << 2;
	x &= x << 4;
	x &= x << 8;
	x &= x << 11;
	return x & ~(x << 1);
}

/*
 * The 27th and the 64th byte of each run of base64, as bits; *run is how long
 * the one is that the block begins in, and goes on behind it.
 */
static uint64_t blob_bits(uint64_t base64, size_t *run)
{
	size_t lead = ~base64 ? (size_t)__builtin_ctzll(~base64) : 64;
	uint64_t bits = *run ? short_bits(base64 & (base64 + 1))
			     : short_bits(base64);

	if (*run < BLOB_MIN && *run + lead >= BLOB_MIN)
		bits |= 1ULL << (BLOB_MIN - 1 - *run);
	if (*run && *run < BLOB_SHORT && *run + lead >= BLOB_SHORT)
		bits |= 1ULL << (BLOB_SHORT - 1 - *run);
	*run = ~base64 ? (size_t)__builtin_clzll(~base64) : *run + 64;
	return bits;
}

static bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Whether a number of three digits or more, at i, may be one of ours: groups
 * of three or four with more behind them, or a card's digits in one piece. At
 * the end of the view it may.
 */
static __attribute__((noinline)) bool may_be_number(const struct dlp_view *v,
						    size_t i)
{
	const unsigned char *p = v->p + i;
	size_t n = 3;

	if (v->n - i < 16)
		return true;
	while (n < 13 && is_digit(p[n]))
		n++;
	if (n == 13)
		return true;
	if (n == 9)
		return dlp_is_named_ssn(v, i);
	if (n > 4)
		return false;
	return p[n] == ')' || ((p[n] == ' ' || p[n] == '-' || p[n] == '.') &&
			       is_digit(p[n + 1]));
}

/* The first pass over a few blocks, before any is looked at closer. */
struct batch {
	struct dlp_masks m[DLP_BATCH];
	size_t at;         /* where the first block begins */
	unsigned int n, i; /* blocks; the next one */
	/* carried from block to block */
	uint64_t edge, digit, plus, nul;
	size_t run; /* of base64 */
};

/* The batch begins anew at i. */
static void batch_at(const struct dlp_scan *s, const struct dlp_view *v,
		     size_t i, struct batch *b)
{
	b->n = b->i = 0;
	b->at = i;
	b->edge = DLP_EDGE_UNKNOWN;
	b->digit = i > 0 && is_digit(v->p[i - 1]);
	b->plus = i > 0 && v->p[i - 1] == '+';
	b->nul = 0;
	for (size_t k = 1; k <= MIN(i, (size_t)2 * UTF16_MIN); k++)
		b->nul |= (uint64_t)(v->p[i - k] == 0) << (64 - k);
	b->run = blob_before(s, v, i);
}

/* As x << k, with what comes in from the block before. */
static inline uint64_t shifted(uint64_t x, uint64_t before, unsigned int k)
{
	return x << k | before >> (64 - k);
}

/*
 * Every second of UTF16_MIN * 2 bytes up to here is zero: where that begins to be
 * so, and once in each block.
 */
static __attribute__((noinline)) uint64_t wide_bits(uint64_t nul,
						    uint64_t before)
{
	uint64_t x = nul & shifted(nul, before, 2), y = before & before << 2;

	_Static_assert(UTF16_MIN == 8, "2 * 2 * 2");
	x &= shifted(x, y, 4);
	y &= y << 4;
	x &= shifted(x, y, 8);
	return x & ~(x << 2);
}

/* Numbers of three digits, or of any behind a plus sign, begin here. */
static uint64_t number_bits(const struct dlp_masks *m, struct batch *b)
{
	uint64_t digit = m->digit;
	uint64_t first = digit & ~(digit << 1 | b->digit);
	uint64_t three = (digit >> 1 | 1ULL << 63) & (digit >> 2 | 3ULL << 62);
	uint64_t after = m->plus << 1 | b->plus;

	b->digit = digit >> 63;
	b->plus = m->plus >> 63;
	return first & (three | after);
}

/* The last bytes of a view, with zeros behind them. */
static __attribute__((noinline)) void masks_at_end(const struct dlp_scan *s,
						   const struct dlp_view *v,
						   size_t i, uint64_t *edge,
						   struct dlp_masks *m)
{
	unsigned char last[DLP_LOOK] = { 0 };

	memcpy(last, v->p + i, v->n - i);
	dlp_triggers_scan(s->e, last, 1, edge, m);
	dlp_refine(&s->e->tr, last, 1, m);
	if (v->n - i < 64)
		m->nul &= (1ULL << (v->n - i)) - 1;
}

/* How many blocks from i on begin before limit, and can be looked at whole. */
static unsigned int whole_blocks(const struct dlp_view *v, size_t i,
				 size_t limit)
{
	size_t n = (limit - i + 63) / 64, whole;

	whole = v->n - i < DLP_LOOK ? 0 : (v->n - i - DLP_LOOK) / 64 + 1;
	return (unsigned int)MIN(MIN(n, whole), (size_t)DLP_BATCH);
}

static void fill_batch(const struct dlp_scan *s, const struct dlp_view *v,
		       size_t i, size_t limit, struct batch *b)
{
	const struct dlp_engine *e = s->e;

	b->at = i;
	b->i = 0;
	b->n = whole_blocks(v, i, limit);
	dlp_triggers_scan(e, v->p + i, b->n, &b->edge, b->m);
	dlp_refine(&e->tr, v->p + i, b->n, b->m);
	for (i += 64 * (size_t)b->n; b->n < DLP_BATCH && i < limit; i += 64)
		masks_at_end(s, v, i, &b->edge, &b->m[b->n++]);
	for (unsigned int k = 0; k < b->n; k++) {
		struct dlp_masks *m = &b->m[k];

		m->number = e->tr.digits ? number_bits(m, b) : 0;
		m->wide = m->nul ? wide_bits(m->nul, b->nul) : 0;
		b->nul = m->nul;
	}
}

/* Of the numbers that begin in a block those that may be ours. */
static uint64_t refine_numbers(const struct dlp_view *v, size_t i,
			       uint64_t number)
{
	uint64_t left = 0;

	for (; number; number &= number - 1) {
		size_t t = i + (size_t)__builtin_ctzll(number);

		if ((t > 0 && v->p[t - 1] == '+') || may_be_number(v, t))
			left |= number & -number;
	}
	return left;
}

/*
 * What is left, from i on, of the block that i is in. Return: where to go on;
 * SIZE_MAX when a trigger has to wait for more, with s->pos at it.
 */
static size_t walk_block(struct dlp_scan *s, const struct dlp_view *v, size_t i,
			 size_t limit, struct batch *batch)
{
	size_t at = batch->at + 64 * (size_t)batch->i;
	const struct dlp_masks *m = &batch->m[batch->i++];
	struct block b = { .at = at, .trigger = m->trigger, .wide = m->wide };
	uint64_t base64 = m->base64, all;

	if (s->blob_from > at)
		base64 &= s->blob_from - at < 64
				  ? UINT64_MAX << (s->blob_from - at)
				  : 0;
	b.blob = blob_bits(base64, &batch->run);
	if (m->number)
		b.number = refine_numbers(v, at, m->number);
	all = (b.trigger | b.number | b.blob | b.wide) & UINT64_MAX << (i - at);
	if (limit - at < 64)
		all &= (1ULL << (limit - at)) - 1;
	for (; all; all &= all - 1) {
		size_t t = at + (size_t)__builtin_ctzll(all);
		enum dlp_answer a = look(s, v, &b, t);

		if (a == DLP_MORE) {
			s->pos = t;
			return SIZE_MAX;
		}
		if (a == DLP_HIT && s->has_pending && s->pending.end > t) {
			s->blob_from = MAX(s->blob_from, s->pending.end);
			return s->pending.end;
		}
	}
	return MIN(at + 64, limit);
}

/* Goes on at i, in a block that the first pass has seen already if it can. */
static void batch_skip(const struct dlp_scan *s, const struct dlp_view *v,
		       size_t i, struct batch *b)
{
	size_t block = (i - b->at) / 64;

	if (i < b->at || block >= b->n) {
		batch_at(s, v, i, b);
		return;
	}
	b->i = (unsigned int)block;
	b->run = blob_before(s, v, b->at + 64 * block);
}

/* False when a trigger has to wait for more. */
static bool walk(struct dlp_scan *s, const struct dlp_view *v, size_t limit)
{
	__attribute__((uninitialized)) struct batch batch;
	size_t i = s->pos;

	batch_at(s, v, i, &batch);
	while (i < limit) {
		size_t next;

		if (batch.i == batch.n)
			fill_batch(s, v, i, limit, &batch);
		next = walk_block(s, v, i, limit, &batch);
		if (next == SIZE_MAX)
			return false;
		if (s->has_pending && s->pending.end == next &&
		    s->pending.swallow != DLP_SWALLOW_NOTHING) {
			swallow_first(s, v);
			next = s->floor;
		}
		if (next != batch.at + 64 * (size_t)batch.i)
			batch_skip(s, v, next, &batch);
		i = next;
	}
	s->pos = MAX(i, s->pos);
	return true;
}

/* Where the word and the base64 begin that end at i. */
static size_t held_from(const struct dlp_scan *s, const struct dlp_view *v,
			size_t i)
{
	size_t from = i;

	while (from > 0 && i - from < DLP_BACK &&
	       dlp_is(s->e, v->p[from - 1], DLP_C_HELD))
		from--;
	from = MIN(from, i - blob_before(s, v, i));
	return MIN(from, dlp_wide_before(s, v, i, DLP_BACK));
}

size_t dlp_scan_run(struct dlp_scan *s, const struct dlp_view *v,
		    size_t *ret_idle)
{
	size_t limit = v->n, hold;
	bool waits = s->retry_at > v->n && !v->end;

	if (!waits && s->swallow != DLP_SWALLOW_NOTHING && swallow_more(s, v)) {
		*ret_idle = s->floor;
		return s->floor;
	}
	if (!v->end)
		limit = s->pos + dlp_triggers_tail(&s->e->tr, v->p + s->pos,
						   v->n - s->pos);
	if (!waits) {
		s->retry_at = 0;
		waits = !walk(s, v, limit);
		if (waits)
			s->retry_at = v->n + (v->n - s->pos) / 4 + 1;
	}
	if (s->has_pending && (v->end || s->pending.end < MIN(s->pos, limit)))
		dlp_report(s, v);
	hold = v->end ? v->n : held_from(s, v, s->pos);
	*ret_idle = v->n;
	if (waits) {
		hold = MIN(hold, s->wait.start);
		*ret_idle = s->wait.idle;
	}
	if (s->has_pending) {
		hold = MIN(hold, s->pending.start);
		*ret_idle = MIN(*ret_idle, s->pending.start);
	}
	*ret_idle = MAX(*ret_idle, s->floor);
	return MAX(hold, s->floor);
}

void dlp_scan_settle(struct dlp_scan *s, const struct dlp_view *v)
{
	if (s->has_pending)
		dlp_report(s, v);
}

int dlp_scan_nested(struct dlp_scan *s, struct str text, dlp_found_fn fn,
		    void *arg)
{
	struct dlp_sink sink = { .found = fn,
				 .arg = arg,
				 .tokens = s->sink->tokens };
	struct dlp_view v = { .p = (const unsigned char *)text.p,
			      .n = text.n,
			      .begin = true,
			      .end = true };
	__attribute__((uninitialized)) struct dlp_scan inner;
	size_t idle;

	if (text.n < s->e->shortest)
		return 0;

	dlp_scan_init(&inner, s->e, &sink);
	inner.depth = s->depth + 1;
	inner.inflate_worth = s->inflate_worth;
	inner.inflate_spent = s->inflate_spent;
	(void)dlp_scan_run(&inner, &v, &idle);
	s->inflate_spent = inner.inflate_spent;
	dlp_scan_done(&inner);
	return inner.error < 0 ? inner.error : inner.n_found;
}
