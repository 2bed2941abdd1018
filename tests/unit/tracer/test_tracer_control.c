/* SPDX-License-Identifier: MIT */
/*
 * test_tracer_control.c - what control data may say of a message's way
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/macro.h"
#include "tracer/control.h"

static _Alignas(struct cmsghdr) unsigned char bytes[256];

/* One header after another; where the next one goes. */
static size_t put(size_t at, int level, int type, const void *data, size_t n)
{
	struct cmsghdr c = { .cmsg_len = CMSG_LEN(n),
			     .cmsg_level = level,
			     .cmsg_type = type };

	assert_true(at + CMSG_SPACE(n) <= sizeof(bytes));
	memcpy(bytes + at, &c, sizeof(c));
	memcpy(bytes + at + CMSG_LEN(0), data, n);
	return at + CMSG_SPACE(n);
}

static int one(int level, int type, const void *data, size_t n)
{
	return control_stays(bytes, put(0, level, type, data, n));
}

static void test_devices(void **state)
{
	struct in_pktinfo four = { .ipi_ifindex = 0 };
	struct in6_pktinfo six = { .ipi6_ifindex = 1 };

	(void)state;
	assert_int_equal(one(IPPROTO_IP, IP_PKTINFO, &four, sizeof(four)), 0);
	assert_int_equal(one(IPPROTO_IPV6, IPV6_PKTINFO, &six, sizeof(six)), 0);
	four.ipi_ifindex = 2;
	six.ipi6_ifindex = 2;
	assert_int_equal(one(IPPROTO_IP, IP_PKTINFO, &four, sizeof(four)),
			 -EPERM);
	assert_int_equal(one(IPPROTO_IPV6, IPV6_PKTINFO, &six, sizeof(six)),
			 -EPERM);
	assert_int_equal(one(IPPROTO_IPV6, IPV6_2292PKTINFO, &six, sizeof(six)),
			 -EPERM);
}

static void test_ways(void **state)
{
	static const int six[] = { IPV6_RTHDR, IPV6_2292RTHDR, IPV6_HOPOPTS,
				   IPV6_DSTOPTS, IPV6_RTHDRDSTOPTS };
	const uint64_t any = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(six); i++)
		assert_int_equal(one(IPPROTO_IPV6, six[i], &any, sizeof(any)),
				 -EPERM);
	assert_int_equal(one(IPPROTO_IP, IP_RETOPTS, &any, sizeof(any)),
			 -EPERM);
	assert_int_equal(one(SOL_SOCKET, SO_MARK, &any, 4), -EPERM);
	assert_int_equal(one(IPPROTO_IP, IP_TTL, &any, 4), 0);
	assert_int_equal(one(IPPROTO_IPV6, IPV6_TCLASS, &any, 4), 0);
	assert_int_equal(one(IPPROTO_UDP, 103, &any, 2), 0); /* UDP_SEGMENT */
}

/* The bad one may be the second; and nothing is read beyond the end. */
static void test_bounds(void **state)
{
	const int ttl = 9;
	const uint64_t route = 0;
	size_t n = put(0, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));

	(void)state;
	assert_int_equal(control_stays(bytes, 0), 0);
	assert_int_equal(control_stays(bytes, n), 0);
	assert_int_equal(control_stays(bytes, CMSG_LEN(0) + 1), -EINVAL);
	n = put(n, IPPROTO_IPV6, IPV6_RTHDR, &route, sizeof(route));
	assert_int_equal(control_stays(bytes, n), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
