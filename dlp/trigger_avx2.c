/* SPDX-License-Identifier: MIT */
/*
 * trigger_avx2.c - the first pass, 32 bytes at a time
 */
#include "dlp/cpu.h"
#include "dlp/priv.h"

#if defined(__x86_64__)
#	include <immintrin.h>

#	define WITH_AVX2 __attribute__((target("avx2")))

bool dlp_triggers_has_avx2(void)
{
	return CPU_HAS("avx2", AVX2);
}

WITH_AVX2 static inline __m256i both(const uint8_t p[16])
{
	return _mm256_broadcastsi128_si256(
		_mm_loadu_si128((const __m128i *)(const void *)p));
}

WITH_AVX2 static inline __m256i load(const unsigned char *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

WITH_AVX2 static inline __m256i eq(__m256i v, char c)
{
	return _mm256_cmpeq_epi8(v, _mm256_set1_epi8(c));
}

/* Buckets of which a fragment may begin: of both halves, for 64 bytes. */
struct buckets {
	__m256i a[2], b[2];
};

WITH_AVX2 static inline __m256i pick(const uint8_t high[2][16], __m256i lo,
				     __m256i hi)
{
	return _mm256_and_si256(_mm256_shuffle_epi8(both(high[0]), lo),
				_mm256_shuffle_epi8(both(high[1]), hi));
}

WITH_AVX2 static inline struct buckets buckets(const struct dlp_triggers *tr,
					       const unsigned char *p)
{
	const __m256i low = _mm256_set1_epi8(15), ones = _mm256_set1_epi8(-1);
	struct buckets x = { { ones, ones }, { ones, ones } };

#	pragma GCC unroll 6
	for (unsigned int k = 0; k < DLP_PLACES; k++) {
#	pragma GCC unroll 2
		for (unsigned int i = 0; i < 2; i++) {
			__m256i v = load(p + 32 * i + k);
			__m256i lo = _mm256_and_si256(v, low);
			__m256i hi =
				_mm256_and_si256(_mm256_srli_epi16(v, 4), low);

			x.a[i] = _mm256_and_si256(x.a[i], pick(tr->nibble[k][0],
							       lo, hi));
			x.b[i] = _mm256_and_si256(x.b[i], pick(tr->nibble[k][1],
							       lo, hi));
		}
	}
	return x;
}

/* 0xff where an @, an escaped byte in URL or JSON form begins. */
WITH_AVX2 static inline __m256i marks(__m256i v, __m256i next)
{
	__m256i hex = eq(_mm256_and_si256(next, _mm256_set1_epi8(-8)), '0');
	__m256i json = _mm256_or_si256(
		_mm256_or_si256(eq(next, 'u'), eq(next, 'x')), eq(next, '/'));
	__m256i entity = _mm256_and_si256(eq(v, '&'), eq(next, '#'));
	__m256i colour = _mm256_and_si256(eq(v, 0x1b), eq(next, '['));
	__m256i quoted = _mm256_and_si256(
		eq(v, '='), _mm256_or_si256(eq(next, '3'),
					    _mm256_or_si256(eq(next, '\r'),
							    eq(next, '\n'))));

	return _mm256_or_si256(
		_mm256_or_si256(_mm256_or_si256(eq(v, '@'), entity),
				_mm256_or_si256(colour, quoted)),
		_mm256_or_si256(_mm256_and_si256(eq(v, '%'), hex),
				_mm256_and_si256(eq(v, '\\'), json)));
}

/* Zero where it is none of A-Z a-z 0-9 + / - _ = */
WITH_AVX2 static inline __m256i base64(__m256i v)
{
	/* A bit per high nibble (4 and 6 share one), by low nibble. */
	static const uint8_t by_low[16] = { 0x1a, 0x1e, 0x1e, 0x1e, 0x1e, 0x1e,
					    0x1e, 0x1e, 0x1e, 0x1e, 0x1c, 0x05,
					    0x04, 0x07, 0x04, 0x0d };
	static const uint8_t by_high[16] = { 0, 0, 1, 2, 4, 8, 4, 16 };
	const __m256i low = _mm256_set1_epi8(15);
	__m256i hi = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);

	return _mm256_and_si256(_mm256_shuffle_epi8(both(by_low),
						    _mm256_and_si256(v, low)),
				_mm256_shuffle_epi8(both(by_high), hi));
}

/* 0xff for the n bytes from first on. */
WITH_AVX2 static inline __m256i range(__m256i v, char first, char n)
{
	__m256i d = _mm256_sub_epi8(v, _mm256_set1_epi8(first));

	return _mm256_cmpeq_epi8(
		_mm256_min_epu8(d, _mm256_set1_epi8((char)(n - 1))), d);
}

WITH_AVX2 static inline uint64_t bits(__m256i v)
{
	return (uint32_t)_mm256_movemask_epi8(v);
}

/* What is needed to say where words may begin. */
struct words {
	uint64_t lower, upper, digit, backslash, percent, m;
};

WITH_AVX2 static inline void add_words(__m256i v, unsigned int at,
				       struct words *w)
{
	w->lower |= bits(range(v, 'a', 26)) << at;
	w->upper |= bits(range(v, 'A', 26)) << at;
	w->digit |= bits(range(v, '0', 10)) << at;
	w->backslash |= bits(eq(v, '\\')) << at;
	w->percent |= bits(eq(v, '%')) << at;
	w->m |= bits(eq(v, 'm')) << at;
}

/*
 * Behind what is no letter or digit, in the middle of twoWords, behind an
 * escape (\n \x41 \u0041 %41) or the end of a terminal's colour.
 */
static inline uint64_t starts(const struct words *w, uint64_t *edge)
{
	uint64_t alnum = w->lower | w->upper | w->digit;
	uint64_t b = w->backslash, p = w->percent;
	uint64_t in = *edge;

	*edge = (uint64_t) !(alnum >> 63) | w->lower >> 63 | w->m >> 63 |
		b >> 62 | b >> 60 | b >> 58 | p >> 61;
	/* What is before the first byte is in `in`, or unknown to be there. */
	return in | (~(alnum << 1) & ~1ULL) | (w->upper & w->lower << 1) |
	       w->m << 1 | b << 2 | b << 4 | b << 6 | p << 3;
}

WITH_AVX2 static inline void scan_block(const struct dlp_triggers *tr,
					const unsigned char *p, uint64_t *edge,
					struct dlp_masks *m)
{
	const __m256i zero = _mm256_setzero_si256();
	/* Buckets of the second half for what starts a word. */
	const __m256i word =
		_mm256_set1_epi8((char)((1U << (DLP_WORD_BUCKETS - 8)) - 1));
	uint64_t begin = 0, inside = 0, base = 0, plus = 0, nul = 0;
	struct buckets x = buckets(tr, p);
	struct words w = { 0 };

#	pragma GCC unroll 2
	for (unsigned int i = 0; i < 2; i++) {
		unsigned int at = 32 * i;
		__m256i v = load(p + at), next = load(p + at + 1);
		__m256i in = _mm256_andnot_si256(
			marks(v, next),
			_mm256_cmpeq_epi8(_mm256_andnot_si256(word, x.b[i]),
					  zero));
		__m256i a =
			_mm256_or_si256(x.a[i], _mm256_and_si256(word, x.b[i]));

		begin |= bits(_mm256_cmpeq_epi8(a, zero)) << at;
		inside |= bits(in) << at;
		base |= bits(_mm256_cmpeq_epi8(base64(v), zero)) << at;
		plus |= bits(eq(v, '+')) << at;
		nul |= bits(_mm256_cmpeq_epi8(v, zero)) << at;
		add_words(v, at, &w);
	}
	m->trigger = ~inside | (~begin & starts(&w, edge));
	m->digit = w.digit;
	m->plus = plus;
	m->nul = nul;
	m->base64 = ~base;
}

WITH_AVX2 void dlp_triggers_scan_avx2(const struct dlp_triggers *tr,
				      const unsigned char *p, unsigned int n,
				      uint64_t *edge, struct dlp_masks *m)
{
	for (; n > 0; n--, p += 64, m++)
		scan_block(tr, p, edge, m);
}

#else

bool dlp_triggers_has_avx2(void)
{
	return false;
}

void dlp_triggers_scan_avx2(const struct dlp_triggers *tr,
			    const unsigned char *p, unsigned int n,
			    uint64_t *edge, struct dlp_masks *ret)
{
	(void)tr;
	(void)p;
	(void)edge;
	while (n-- > 0)
		*ret++ = (struct dlp_masks){ .trigger = UINT64_MAX };
}
#endif
