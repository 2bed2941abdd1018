/* SPDX-License-Identifier: MIT */
/*
 * test_netproxy_packet.c - packets for a raw socket, byte by byte
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "netproxy/packet.h"

static struct packet_ends ends(const char *from, const char *to)
{
	struct packet_ends e = { .from_port = 0x1234, .to_port = 53 };

	assert_int_equal(addr_parse(str_from(from), &e.from), 0);
	assert_int_equal(addr_parse(str_from(to), &e.to), 0);
	return e;
}

/* One's complement sum of what a receiver checks: 0xffff when it is right. */
static unsigned int sum(const unsigned char *p, size_t n, unsigned int s)
{
	for (size_t i = 0; i < n; i++)
		s += i % 2 ? p[i] : (unsigned int)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void test_udp4(void **state)
{
	static unsigned char p[PACKET_ROOM];
	struct packet_ends e = ends("192.0.2.1", "198.51.100.7");

	(void)state;
	for (size_t n = 0; n < 5; n++) {
		assert_int_equal(packet_put_udp(&e, str_from_n("\377abcd", n),
						p),
				 28 + n);
		assert_int_equal(p[0], 0x45);
		assert_int_equal(p[3], 28 + n);
		assert_int_equal(p[9], 17);
		assert_memory_equal(p + 12, "\300\0\2\1\306\63\144\7", 8);
		assert_memory_equal(p + 20, "\x12\x34\0\x35\0", 5);
		assert_int_equal(p[25], 8 + n);
		assert_memory_equal(p + 28, "\377abcd", n);
		assert_int_equal(sum(p + 20, 8 + n,
				     sum(p + 12, 8, 17 + 8 + (unsigned int)n)),
				 0xffff);
	}
}

static void test_udp6(void **state)
{
	static unsigned char p[PACKET_ROOM];
	struct packet_ends e = ends("2001:db8::1", "2001:db8::2");

	(void)state;
	assert_int_equal(packet_put_udp(&e, STR("hello"), p), 53);
	assert_int_equal(p[0], 0x60);
	assert_int_equal(p[5], 13);
	assert_int_equal(p[6], 17);
	assert_int_equal(sum(p + 40, 13, sum(p + 8, 32, 17 + 13)), 0xffff);
}

static void test_refusals(void **state)
{
	static unsigned char p[PACKET_ROOM];
	struct packet_ends e = ends("192.0.2.1", "198.51.100.7");

	(void)state;
	assert_int_equal(packet_put_refusal(&e, p), 20 + 8 + 28);
	assert_memory_equal(p + 12, "\306\63\144\7\300\0\2\1", 8);
	assert_int_equal(p[20], 3);
	assert_int_equal(p[21], 3);
	assert_int_equal(sum(p + 20, 36, 0), 0xffff);
	assert_memory_equal(p + 28 + 12, "\300\0\2\1\306\63\144\7", 8);
	assert_memory_equal(p + 48, "\x12\x34\0\x35", 4);
	e = ends("2001:db8::1", "2001:db8::2");
	assert_int_equal(packet_put_refusal(&e, p), 40 + 8 + 48);
	assert_int_equal(p[40], 1);
	assert_int_equal(p[41], 4);
	assert_int_equal(sum(p + 40, 56, sum(p + 8, 32, 58 + 56)), 0xffff);
}

static void test_impossible(void **state)
{
	static unsigned char p[PACKET_ROOM];
	struct packet_ends e = ends("192.0.2.1", "2001:db8::2");
	char *big = calloc(1, 65536);

	(void)state;
	assert_non_null(big);
	assert_int_equal(packet_put_udp(&e, STR("x"), p), 0);
	assert_int_equal(packet_put_refusal(&e, p), 0);
	e = ends("192.0.2.1", "192.0.2.2");
	assert_int_equal(packet_put_udp(&e, str_from_n(big, 65507), p), 65535);
	assert_int_equal(packet_put_udp(&e, str_from_n(big, 65508), p), 0);
	e = ends("2001:db8::1", "2001:db8::2");
	assert_int_equal(packet_put_udp(&e, str_from_n(big, 65527), p), 65575);
	assert_int_equal(packet_put_udp(&e, str_from_n(big, 65528), p), 0);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp4),
		cmocka_unit_test(test_udp6),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_impossible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
