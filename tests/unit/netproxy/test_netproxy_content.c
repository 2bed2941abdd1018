/* SPDX-License-Identifier: MIT */
/* Codings: what the encoders make comes back; bombs and garbage do not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "netproxy/content.h"

#define SIZE 300000

static char plain[SIZE];

static struct buf pack(int bits, struct str in)
{
	z_stream z = { 0 };
	struct buf b = BUF_INIT;
	size_t room = in.n + 1000;

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, 0), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)in.p;
	z.avail_in = (uInt)in.n;
	z.next_out = (Bytef *)buf_reserve(&b, room);
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	b.len = room - z.avail_out;
	(void)deflateEnd(&z);
	return b;
}

static void expect(const char *codings, struct buf packed, struct str in)
{
	struct buf out = BUF_INIT, cut = BUF_INIT;

	assert_int_equal(
		content_decode(str_from(codings), buf_str(&packed), &out), 0);
	assert_true(str_eq(buf_str(&out), in));
	assert_int_equal(content_decode(str_from(codings),
					str_from_n(packed.data, packed.len / 2),
					&cut),
			 -EBADMSG);
	buf_done(&out);
	buf_done(&cut);
	buf_done(&packed);
}

static void test_zlib(void **state)
{
	struct str in = str_from_n(plain, SIZE);
	struct buf twice, once = pack(31, in);

	(void)state;
	expect("gzip", pack(31, in), in);
	expect("X-GZip", pack(31, in), in);
	expect("deflate", pack(15, in), in);
	expect("deflate", pack(-15, in), in);
	twice = pack(15, buf_str(&once));
	expect("gzip, deflate", twice, in);
	buf_done(&once);
}

static void test_zstd(void **state)
{
	struct str in = str_from_n(plain, SIZE);
	struct buf b = BUF_INIT;
	size_t room = ZSTD_compressBound(SIZE);

	(void)state;
	b.len = ZSTD_compress(buf_reserve(&b, room), room, in.p, in.n, 3);
	assert_false(ZSTD_isError(b.len));
	expect("zstd", b, in);
}

static void test_br(void **state)
{
	/* an uncompressed meta-block with "hello", RFC 7932 section 9.2 */
	static const char br[] = "\x0b\x02\x80hello\x03";
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(content_decode(STR("br"),
					str_from_n(br, sizeof(br) - 1), &out),
			 0);
	assert_true(str_eq(buf_str(&out), STR("hello")));
	buf_done(&out);
	assert_int_equal(content_decode(STR("br"),
					str_from_n(br, sizeof(br) - 3), &out),
			 -EBADMSG);
	buf_done(&out);
}

static void test_refused(void **state)
{
	char *zeros = calloc(1, 90U << 20);
	struct buf bomb, out = BUF_INIT;

	(void)state;
	assert_non_null(zeros);
	assert_int_equal(content_decode(STR("lzma"), STR("x"), &out),
			 -EOPNOTSUPP);
	assert_int_equal(content_decode(STR("gzip,gzip,gzip,gzip"), STR("x"),
					&out),
			 -EOPNOTSUPP);
	assert_int_equal(content_decode(STR("gzip"), STR("garbage"), &out),
			 -EBADMSG);
	assert_int_equal(content_decode(STR("zstd"), STR("garbage"), &out),
			 -EBADMSG);
	bomb = pack(31, str_from_n(zeros, 90U << 20));
	buf_done(&out);
	assert_int_equal(content_decode(STR("gzip"), buf_str(&bomb), &out),
			 -E2BIG);
	assert_true(out.len < 70U << 20);
	buf_done(&out);
	buf_done(&bomb);
	free(zeros);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zlib),
		cmocka_unit_test(test_zstd),
		cmocka_unit_test(test_br),
		cmocka_unit_test(test_refused),
	};
	uint32_t seed = 1;

	for (size_t i = 0; i < SIZE; i++) {
		seed = seed * 1103515245 + 12345;
		plain[i] = (char)('a' + (seed >> 20) % 20);
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
