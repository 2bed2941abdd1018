/* SPDX-License-Identifier: MIT */
/* A program that was made shorter answers as it did before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macro.h"
#include "confine/bpf.h"

#define PROGRAMS 400
#define WORDS    4 /* of data, each below VALUES */
#define VALUES   6
#define TOLD     7 /* an answer that is jumped over only when it is too far */

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16;
}

/* Blocks in blocks, as the filter is made of, with few different answers. */
static void emit(struct bpf *b, uint32_t *seed, int depth)
{
	for (uint32_t i = next(seed) % 5; i > 0; i--) {
		uint32_t k = next(seed) % VALUES, kind = next(seed) % 5;
		size_t block;

		if (kind == 0) {
			bpf_load(b, 4 * (next(seed) % WORDS));
		} else if (kind == 1) {
			bpf_ret_eq(b, k, next(seed) % 3);
		} else if (kind == 2) {
			bpf_ret_set(b, 1U << k % 3, next(seed) % 3);
		} else if (depth > 0) {
			block = kind == 3 ? bpf_if_eq(b, k) : bpf_if_ne(b, k);
			emit(b, seed, depth - 1);
			if (next(seed) % 2)
				bpf_ret(b, next(seed) % 3);
			else
				bpf_load(b, 4 * (k % WORDS));
			bpf_end(b, block);
		}
	}
}

/* As the tree over numbers is made: halves of any length. */
static void emit_halves(struct bpf *b, uint32_t *seed, int levels)
{
	size_t fork;

	if (levels == 0) {
		emit(b, seed, 4);
		bpf_ret(b, next(seed) % 3);
		return;
	}
	fork = bpf_fork(b, next(seed) % VALUES);
	emit_halves(b, seed, levels - 1);
	bpf_join(b, fork);
	emit_halves(b, seed, levels - 1);
}

static uint32_t answer(struct bpf *b, const uint32_t data[WORDS])
{
	struct sock_fprog p = { (unsigned short)b->n, b->insns };

	return bpf_run(&p, data, WORDS * sizeof(*data));
}

static void compare(struct bpf *a, struct bpf *b)
{
	for (uint32_t v = 0; v < VALUES * VALUES * VALUES * VALUES; v++) {
		uint32_t data[WORDS] = { v % VALUES, v / VALUES % VALUES,
					 v / VALUES / VALUES % VALUES,
					 v / VALUES / VALUES / VALUES };

		assert_int_equal(answer(a, data), answer(b, data));
	}
}

static void test_same_answers(void **state)
{
	struct bpf *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	uint32_t seed = 1;
	size_t before = 0, after = 0;

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	for (int i = 0; i < PROGRAMS; i++) {
		memset(a, 0, sizeof(*a));
		bpf_load(a, 0);
		emit_halves(a, &seed, i % 7);
		if (a->error) /* a jump too far: such a program is not used */
			continue;
		*b = *a;
		bpf_shrink(b);
		assert_true(b->n <= a->n && b->n > 0);
		compare(a, b);
		before += a->n;
		after += b->n;
	}
	assert_true(after < before * 3 / 4);
	free(a);
	free(b);
}

/* An answer out of reach is not shared. */
static void test_out_of_reach(void **state)
{
	struct bpf *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	bpf_load(a, 0);
	bpf_ret_eq(a, 1, TOLD);
	for (int i = 0; i < 300; i++)
		bpf_load(a, 4);
	bpf_ret_eq(a, 2, TOLD);
	bpf_ret(a, 0);
	*b = *a;
	bpf_shrink(b);
	compare(a, b);
	assert_int_equal(a->n, b->n);
	free(a);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_answers),
		cmocka_unit_test(test_out_of_reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
