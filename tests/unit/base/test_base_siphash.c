/* SPDX-License-Identifier: MIT */
/*
 * test_base_siphash.c - the published vectors, and adding in pieces
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/siphash.h"

static const uint64_t KEY[2] = { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL };

static uint64_t of_first(size_t n, size_t piece)
{
	struct siphash h;
	unsigned char in[64];

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)i;
	siphash_init(&h, KEY);
	for (size_t at = 0; at < n; at += piece)
		siphash_add(&h, in + at, at + piece < n ? piece : n - at);
	return siphash_end(&h);
}

/* From the appendix of the paper, and its reference vectors. */
static void test_vectors(void **state)
{
	(void)state;
	assert_true(of_first(0, 1) == 0x726fdb47dd0e0e31ULL);
	assert_true(of_first(1, 1) == 0x74f839c593dc67fdULL);
	assert_true(of_first(15, 15) == 0xa129ca6149be45e5ULL);
}

static void test_pieces(void **state)
{
	(void)state;
	for (size_t n = 0; n < 64; n++)
		for (size_t piece = 1; piece < 20; piece++)
			assert_true(of_first(n, piece) == of_first(n, 64));
	assert_true(of_first(8, 8) != of_first(9, 9));
}

static void test_key(void **state)
{
	const uint64_t *key = siphash_key();

	(void)state;
	assert_ptr_equal(key, siphash_key());
	assert_true(key[0] != 0 || key[1] != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
