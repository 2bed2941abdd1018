/* SPDX-License-Identifier: MIT */
/*
 * trigger_avx512.c - the first pass, 64 bytes at a time
 *
 * Where the processor looks bytes up in tables of 128 (VBMI), a place needs no
 * nibbles: the lookup is exact for ASCII, and takes a byte above it for the one
 * 128 below.
 */
#include "dlp/cpu.h"
#include "dlp/priv.h"

#if defined(__x86_64__)
#	include <immintrin.h>

#	define AVX512 \
		__attribute__((target("avx512f,avx512bw,avx512vbmi,bmi,bmi2")))

bool dlp_triggers_has_avx512(void)
{
	return CPU_HAS("avx512f", AVX512F) && CPU_HAS("avx512bw", AVX512BW) &&
	       CPU_HAS("avx512vbmi", AVX512_VBMI);
}

AVX512 static inline __m512i load(const void *p)
{
	return _mm512_loadu_si512(p);
}

AVX512 static inline __m512i look_up(const uint8_t table[128], __m512i v)
{
	return _mm512_permutex2var_epi8(load(table), v, load(table + 64));
}

/* What is needed to say where words may begin. */
AVX512 static inline uint64_t class_bits(__m512i classes, enum dlp_byte bit)
{
	return _mm512_test_epi8_mask(classes, _mm512_set1_epi8((char)bit));
}

/* As starts() of the other form. */
AVX512 static inline uint64_t starts(__m512i classes, uint64_t ascii,
				     uint64_t *edge)
{
	uint64_t lower = class_bits(classes, DLP_B_LOWER) & ascii;
	uint64_t upper = class_bits(classes, DLP_B_UPPER) & ascii;
	uint64_t alnum = (class_bits(classes, DLP_B_DIGIT) & ascii) | lower |
			 upper;
	uint64_t b = class_bits(classes, DLP_B_BACKSLASH) & ascii;
	uint64_t p = class_bits(classes, DLP_B_PERCENT) & ascii;
	uint64_t m = class_bits(classes, DLP_B_M) & ascii;
	uint64_t in = *edge;

	*edge = (uint64_t) !(alnum >> 63) | lower >> 63 | m >> 63 | b >> 62 |
		b >> 60 | b >> 58 | p >> 61;
	return in | (~(alnum << 1) & ~1ULL) | (upper & lower << 1) | m << 1 |
	       b << 2 | b << 4 | b << 6 | p << 3;
}

/* An @, or a byte escaped for a URL, a JSON string or a terminal begins. */
AVX512 static inline uint64_t marks(const struct dlp_triggers *tr, __m512i v,
				    __m512i next)
{
	return _mm512_test_epi8_mask(look_up(tr->escape[0], v),
				     look_up(tr->escape[1], next));
}

AVX512 static inline void scan_block(const struct dlp_triggers *tr,
				     const unsigned char *p, uint64_t *edge,
				     struct dlp_masks *m)
{
	/* Buckets of the second half for what starts a word. */
	const __m512i word =
		_mm512_set1_epi8((char)((1U << (DLP_WORD_BUCKETS - 8)) - 1));
	__m512i v = load(p), next = load(p + 1), classes, a, b;
	uint64_t ascii, begin, inside;

	a = _mm512_and_si512(look_up(tr->byte[0][0], v),
			     look_up(tr->byte[1][0], next));
	b = _mm512_and_si512(look_up(tr->byte[0][1], v),
			     look_up(tr->byte[1][1], next));
#	pragma GCC unroll 4
	for (unsigned int k = 2; k < DLP_PLACES; k++) {
		__m512i x = load(p + k);

		a = _mm512_and_si512(a, look_up(tr->byte[k][0], x));
		b = _mm512_and_si512(b, look_up(tr->byte[k][1], x));
	}
	begin = _mm512_test_epi8_mask(a, a) | _mm512_test_epi8_mask(b, word);
	inside = _mm512_test_epi8_mask(
		b, _mm512_andnot_si512(word, _mm512_set1_epi8(-1)));
	classes = look_up(tr->classes, v);
	ascii = ~_mm512_movepi8_mask(v);
	m->trigger = inside | marks(tr, v, next) |
		     (begin & starts(classes, ascii, edge));
	m->digit = class_bits(classes, DLP_B_DIGIT) & ascii;
	m->plus = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('+'));
	m->base64 = class_bits(classes, DLP_B_BASE64) & ascii;
	m->nul = _mm512_testn_epi8_mask(v, v);
}

/* One loop over all blocks: the tables stay in registers. */
AVX512 void dlp_triggers_scan_avx512(const struct dlp_triggers *tr,
				     const unsigned char *p, unsigned int n,
				     uint64_t *edge, struct dlp_masks *m)
{
	uint64_t in = *edge;

	for (; n > 0; n--, p += 64, m++)
		scan_block(tr, p, &in, m);
	*edge = in;
}

#else

bool dlp_triggers_has_avx512(void)
{
	return false;
}

void dlp_triggers_scan_avx512(const struct dlp_triggers *tr,
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
