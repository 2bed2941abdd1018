/* SPDX-License-Identifier: MIT */
/*
 * test_tracer_mem.c - reading strings and blocks from fake memory
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macro.h"
#include "tracer/mem.h"

#define BASE  0x10000U
#define PAGES 3U
#define PAGE  4096U

/* Three pages at BASE, the last of which is not mapped. */
static char memory[PAGES * PAGE];
static unsigned int reads;

static ssize_t fake(void *arg _unused_, uint64_t addr, void *p, size_t n)
{
	uint64_t end = BASE + (uint64_t)(PAGES - 1) * PAGE;

	reads++;
	/* as the kernel: a range that leaves the mapping fails as a whole */
	if (addr < BASE || addr + n > end)
		return -EFAULT;
	assert_true((addr & (PAGE - 1)) + n <= PAGE);
	memcpy(p, memory + (addr - BASE), n);
	return (ssize_t)n;
}

static const struct mem mem = { fake, NULL };

static void test_string(void **state _unused_)
{
	char s[PAGE * 2];

	memset(memory, 'a', sizeof(memory));
	memcpy(memory, "hello", 6);
	assert_int_equal(mem_get_string(&mem, BASE, s, sizeof(s)), 5);
	assert_string_equal(s, "hello");
	/* across a page end */
	memory[PAGE + 10] = 0;
	assert_int_equal(mem_get_string(&mem, BASE + PAGE - 300, s, sizeof(s)),
			 310);
}

static void test_window(void **state _unused_)
{
	struct mem_window w = { 0 };
	char s[PAGE * 2];

	memset(memory, 'a', sizeof(memory));
	for (size_t i = 0; i < 100; i++)
		memory[PAGE - 200 + i * 3] = 0; /* "aa" each */
	reads = 0;
	for (size_t i = 0; i < 99; i++) {
		assert_int_equal(mem_window_string(&mem, &w,
						   BASE + PAGE - 199 + i * 3, s,
						   sizeof(s)),
				 2);
		assert_string_equal(s, "aa");
	}
	assert_int_equal(reads, 2); /* one for each page */
	/* back again; no room; not terminated before the mapping ends */
	assert_int_equal(mem_window_string(&mem, &w, BASE + PAGE - 199, s, 3),
			 2);
	assert_int_equal(mem_window_string(&mem, &w, BASE, s, 5),
			 -ENAMETOOLONG);
	assert_int_equal(mem_window_string(&mem, &w, BASE + PAGE + 200, s,
					   sizeof(s)),
			 -EFAULT);
	assert_int_equal(mem_window_string(&mem, &w, 0, s, sizeof(s)), -EFAULT);
}

static void test_string_limits(void **state _unused_)
{
	char s[64];

	memset(memory, 'a', sizeof(memory));
	assert_int_equal(mem_get_string(&mem, BASE, s, sizeof(s)),
			 -ENAMETOOLONG);
	/* 63 bytes and the NUL just fit; one more does not */
	memory[63] = 0;
	assert_int_equal(mem_get_string(&mem, BASE, s, sizeof(s)), 63);
	memory[63] = 'a';
	memory[64] = 0;
	assert_int_equal(mem_get_string(&mem, BASE, s, sizeof(s)),
			 -ENAMETOOLONG);
}

static void test_string_at_end_of_mapping(void **state _unused_)
{
	uint64_t end = BASE + (uint64_t)(PAGES - 1) * PAGE;
	char s[PAGE];

	memset(memory, 'a', sizeof(memory));
	memory[2 * PAGE - 1] = 0;
	assert_int_equal(mem_get_string(&mem, end - 4, s, sizeof(s)), 3);
	memory[2 * PAGE - 1] = 'a';
	assert_int_equal(mem_get_string(&mem, end - 4, s, sizeof(s)), -EFAULT);
	assert_int_equal(mem_get_string(&mem, end, s, sizeof(s)), -EFAULT);
	assert_int_equal(mem_get_string(&mem, 0, s, sizeof(s)), -EFAULT);
}

static void test_block(void **state _unused_)
{
	char out[PAGE + 100];

	for (size_t i = 0; i < sizeof(memory); i++)
		memory[i] = (char)i;
	reads = 0;
	assert_int_equal(mem_get(&mem, BASE + 50, out, sizeof(out)), 0);
	assert_int_equal(reads, 2);
	assert_memory_equal(out, memory + 50, sizeof(out));
	assert_int_equal(mem_get(&mem, BASE + PAGE + 50, out, sizeof(out)),
			 -EFAULT);
	assert_int_equal(mem_get(&mem, 8, out, 0), 0);
}

static void test_own_process(void **state _unused_)
{
	static const char text[] = "of this process";
	pid_t pid = getpid();
	struct mem own = { mem_read_process, &pid };
	char s[64];

	assert_int_equal(mem_get_string(&own, (uint64_t)(uintptr_t)text, s,
					sizeof(s)),
			 (int)sizeof(text) - 1);
	assert_string_equal(s, text);
	assert_int_equal(mem_get(&own, 8, s, 8), -EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_string),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_string_limits),
		cmocka_unit_test(test_string_at_end_of_mapping),
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_own_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
