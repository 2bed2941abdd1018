/* SPDX-License-Identifier: MIT */
/*
 * test_dlp_hostile.c - no text can be made that takes long
 *
 * Each is searched in CPU time of this thread. The floor is far below what an
 * idle machine does (see bench_dlp), so that load does not matter: what it
 * stops is work for each byte that grows with the text.
 */
#include <stdio.h>
#include <time.h>

#include "tests/unit/dlp/fixture.h"
#include "tests/unit/dlp/hostile.h"

#define SIZE   (64U << 10)
#define ROUNDS 3
#ifdef __SANITIZE_ADDRESS__
#	define FLOOR 0.2
#else
#	define FLOOR 2.0 /* MB/s */
#endif

static struct dlp_engine *engine;
static char slowest[64];
static double least = 1e9;

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void search(const char *name, const struct buf *text)
{
	static const struct dlp_sink none;
	double best = 1e9, rate;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		double t = now();

		assert_true(dlp_find(engine, buf_str(text), &none) >= 0);
		t = now() - t;
		best = t < best ? t : best;
	}
	rate = (double)text->len / 1e6 / best;
	if (rate < least) {
		least = rate;
		(void)snprintf(slowest, sizeof(slowest), "%s", name);
	}
	if (rate < FLOOR)
		fail_msg("%s: %.1f MB/s", name, rate);
}

static void repeat(const char *what)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	while (what[0] && b.len < SIZE)
		buf_puts(&b, what);
	if (b.len)
		search(what, &b);
}

static void test_repeated(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hostile_repeated); i++)
		repeat(hostile_repeated[i]);
	for (size_t i = 0; i < dlp_n_rows; i++) {
		_cleanup_buf_ struct buf head = BUF_INIT;

		hostile_head(&head, i);
		if (head.len == 0)
			continue;
		repeat(buf_cstr(&head));
		buf_putc(&head, '=');
		repeat(buf_cstr(&head));
	}
}

static void test_mixtures(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < HOSTILE_MIXTURES; i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		hostile_mixture(&b, i, 16 * SIZE);
		search(hostile_names[i], &b);
	}
	print_message("slowest: %s, %.0f MB/s\n", slowest, least);
}

int main(void)
{
	static const struct dlp_settings none;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_mixtures),
	};
	int r;

	engine = engine_of(&none);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	(void)dlp_engine_free(engine);
	return r;
}
