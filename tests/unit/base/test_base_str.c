/* SPDX-License-Identifier: MIT */
/*
 * test_base_str.c - string views, growable buffers, arrays, arenas
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/vec.h"

static void assert_str(struct str s, const char *want)
{
	assert_int_equal(s.n, strlen(want));
	assert_memory_equal(s.n ? s.p : "", want, s.n);
}

static void test_search(void **state)
{
	(void)state;
	assert_int_equal(str_index(STR("a/b/c"), '/'), 1);
	assert_int_equal(str_rindex(STR("a/b/c"), '/'), 3);
	assert_int_equal(str_index(STR_NONE, '/'), -1);
	assert_int_equal(str_rindex(STR("abc"), '/'), -1);
	assert_int_equal(str_find(STR("xabcabd"), STR("abd")), 4);
	assert_int_equal(str_find(STR("ab"), STR("abc")), -1);
	assert_int_equal(str_find(STR_NONE, STR("")), 0);
	assert_true(str_starts(STR("abc"), STR("")));
	assert_true(str_starts(STR("abc"), STR("ab")));
	assert_false(str_starts(STR("a"), STR("ab")));
	assert_true(str_ends(STR("abc"), STR("bc")));
	assert_false(str_ends(STR("c"), STR("bc")));
	assert_true(str_eq_icase(STR("HoSt"), STR("hOsT")));
	assert_false(str_eq_icase(STR("host["), STR("host{")));
	assert_true(str_eq(STR_NONE, STR("")));
}

static void test_pieces(void **state)
{
	struct str rest = STR("a,,b,"), part;

	(void)state;
	assert_str(str_trim(STR(" \t\r\n x y \v\f")), "x y");
	assert_str(str_trim(STR("  ")), "");
	assert_str(str_skip(STR("abc"), 2), "c");
	assert_str(str_skip(STR("abc"), 9), "");
	assert_str(str_basename(STR("/usr/bin/env")), "env");
	assert_str(str_basename(STR("env")), "env");
	assert_str(str_basename(STR("/")), "");
	assert_true(str_split(&rest, ',', &part));
	assert_str(part, "a");
	assert_true(str_split(&rest, ',', &part));
	assert_str(part, "");
	assert_true(str_split(&rest, ',', &part));
	assert_str(part, "b");
	assert_true(str_split(&rest, ',', &part));
	assert_str(part, "");
	assert_false(str_split(&rest, ',', &part));
}

static void test_order(void **state)
{
	(void)state;
	assert_true(str_cmp(STR("a"), STR("b")) < 0);
	assert_true(str_cmp(STR("ab"), STR("a")) > 0);
	assert_int_equal(str_cmp(STR("a"), STR("a")), 0);
	assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
	assert_true(str_cmp(STR_NONE, STR("a")) < 0);
}

static void test_utf8(void **state)
{
	(void)state;
	assert_true(str_is_utf8(STR("plain \xc3\xa9 \xe2\x82\xac")));
	assert_true(str_is_utf8(STR("\xf0\x9f\x98\x80")));
	assert_true(str_is_utf8(STR("\xf4\x8f\xbf\xbf")));
	assert_false(str_is_utf8(STR("\xc0\xaf")));         /* overlong */
	assert_false(str_is_utf8(STR("\xe0\x80\xaf")));     /* overlong */
	assert_false(str_is_utf8(STR("\xf0\x80\x80\xaf"))); /* overlong */
	assert_false(str_is_utf8(STR("\xed\xa0\x80")));     /* surrogate */
	assert_false(str_is_utf8(STR("\xf4\x90\x80\x80"))); /* > 10ffff */
	assert_false(str_is_utf8(STR("\x80")));
	assert_false(str_is_utf8(STR("\xe2\x82"))); /* cut off */
	assert_false(str_is_utf8(STR("\xff")));
}

static void test_buf_grows(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	(void)state;
	assert_string_equal(buf_cstr(&b), "");
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i);
	assert_int_equal(b.error, 0);
	assert_int_equal(b.len, 3890);
	assert_int_equal(b.data[b.len], 0);
	buf_consume(&b, 3886);
	assert_string_equal(buf_cstr(&b), "999,");
	buf_consume(&b, 99);
	assert_int_equal(b.len, 0);
	buf_put_escaped(&b, STR("a\\\n\x1b[\x80"));
	assert_string_equal(buf_cstr(&b), "a\\x5c\\x0a\\x1b[\\x80");
}

static void test_buf_cap_sticks(void **state)
{
	struct buf b = { .cap = 4 };

	(void)state;
	buf_puts(&b, "abcd");
	assert_int_equal(b.error, 0);
	buf_putc(&b, 'e');
	assert_int_equal(b.error, -E2BIG);
	assert_string_equal(buf_cstr(&b), "abcd");
	buf_consume(&b, 4);
	buf_putc(&b, 'x'); /* still failed */
	assert_int_equal(b.len, 0);
	assert_null(buf_take(&b));
	buf_reset(&b);
	buf_printf(&b, "%s", "12345");
	assert_int_equal(b.error, -E2BIG);
	assert_string_equal(buf_cstr(&b), "");
	buf_reset(&b);
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_int_equal(b.error, -E2BIG);
	buf_done(&b);
}

static void test_buf_take(void **state)
{
	struct buf b = BUF_INIT;
	char *s = buf_take(&b);

	(void)state;
	assert_string_equal(s, ""); /* an empty buffer is an empty string */
	free(s);
	buf_puts(&b, "xyz");
	s = buf_take(&b);
	assert_string_equal(s, "xyz");
	free(s);
	assert_int_equal(b.len, 0);
	assert_null(b.data);
}

static void test_vec(void **state)
{
	VEC(int) v = VEC_INIT;

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(vec_push(&v, i * i), 0);
	assert_int_equal(v.n, 100);
	assert_int_equal(v.data[99], 9801);
	assert_int_equal(vec_reserve(&v, SIZE_MAX / 2), -ENOMEM);
	assert_int_equal(v.data[99], 9801);
	vec_done(&v);
	assert_null(v.data);
}

static void test_arena(void **state)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(4096);
	unsigned char *p;
	size_t n = 0;

	(void)state;
	assert_string_equal(arena_dup(&a, STR("abc")), "abc");
	assert_string_equal(arena_dup(&a, STR_NONE), "");
	p = arena_alloc(&a, 3000);
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 16, 0);
	for (size_t i = 0; i < 3000; i++)
		n += p[i];
	assert_int_equal(n, 0);
	assert_null(arena_alloc(&a, 2000)); /* over the cap */
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_non_null(arena_alloc(&a, 16)); /* what fits still fits */
	arena_done(&a);
	assert_non_null(arena_alloc(&a, 4096));
}

static void test_arena_reset(void **state)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	unsigned char *first = arena_alloc(&a, 100), *again;

	(void)state;
	memset(first, 0xff, 100);
	arena_reset(&a);
	assert_int_equal(a.used, 0);
	again = arena_alloc(&a, 100);
	assert_ptr_equal(again, first); /* the same memory, */
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(again[i], 0); /* zeroed */
	assert_non_null(arena_alloc(&a, 500000));
	arena_reset(&a);
	assert_null(a.head); /* a huge block is given back */
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 1));
}

static void name(struct str in, const char *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_put_name(&b, in);
	assert_string_equal(buf_cstr(&b), want);
}

static void test_names(void **state)
{
	(void)state;
	name(STR("a b\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
	     "a b\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	name(STR("\033[2J\n\t\r\x7f"), "\\x1b[2J\\x0a\\x09\\x0d\\x7f");
	name(STR("\xff\xc2\x9b\xc2"), "\\xff\\xc2\\x9b\\xc2");
	name(STR("\xe2\x80\xae\xe2\x81\xa6"), "\\xe2\\x80\\xae\\xe2\\x81\\xa6");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_buf_grows),
		cmocka_unit_test(test_buf_cap_sticks),
		cmocka_unit_test(test_buf_take),
		cmocka_unit_test(test_vec),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_arena_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
