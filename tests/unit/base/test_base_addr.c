/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/addr.h"

static struct addr parsed(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_loose(str_from(text), &a), 0);
	return a;
}

static void test_classes(void **state)
{
	static const struct {
		const char *text;
		enum addr_class class;
	} rows[] = {
		{ "0.0.0.0", ADDR_UNSPECIFIED },
		{ "::", ADDR_UNSPECIFIED },
		{ "0.0.0.1", ADDR_RESERVED },
		{ "0.255.255.255", ADDR_RESERVED },
		{ "::ffff:0.1.2.3", ADDR_RESERVED },
		{ "::ffff:0.0.0.0", ADDR_UNSPECIFIED },
		{ "127.0.0.1", ADDR_LOOPBACK },
		{ "127.1", ADDR_LOOPBACK },
		{ "0x7f000001", ADDR_LOOPBACK },
		{ "017700000001", ADDR_LOOPBACK },
		{ "::1", ADDR_LOOPBACK },
		{ "169.254.169.254", ADDR_METADATA },
		{ "2852039166", ADDR_METADATA },
		{ "0xA9FEA9FE", ADDR_METADATA },
		{ "0251.0376.0251.0376", ADDR_METADATA },
		{ "169.254.43518", ADDR_METADATA },
		{ "[::ffff:169.254.169.254]", ADDR_METADATA },
		{ "::ffff:169.254.169.254%3", ADDR_METADATA },
		{ "64:ff9b::a9fe:a9fe", ADDR_METADATA },
		{ "2002:a9fe:a9fe::1", ADDR_METADATA },
		{ "::169.254.169.254", ADDR_METADATA },
		{ "2001::5601:5601", ADDR_METADATA }, /* Teredo, inverted */
		{ "fd00:ec2::254", ADDR_METADATA },
		{ "100.100.100.200", ADDR_METADATA },
		{ "168.63.129.16", ADDR_METADATA },
		{ "169.254.1.1", ADDR_LINK_LOCAL },
		{ "fe80::1", ADDR_LINK_LOCAL },
		{ "10.1.2.3", ADDR_PRIVATE },
		{ "172.31.255.255", ADDR_PRIVATE },
		{ "172.32.0.1", ADDR_PUBLIC },
		{ "192.168.0.1", ADDR_PRIVATE },
		{ "100.64.0.1", ADDR_PRIVATE },
		{ "fd12::1", ADDR_PRIVATE },
		{ "64:ff9b::a00:1", ADDR_PRIVATE },
		{ "224.0.0.1", ADDR_MULTICAST },
		{ "255.255.255.255", ADDR_MULTICAST },
		{ "ff02::1", ADDR_MULTICAST },
		{ "192.0.2.1", ADDR_PUBLIC },
		{ "2001:db8::1", ADDR_PUBLIC },
		{ "8.8.8.8", ADDR_PUBLIC },
		{ "2606:4700::1111", ADDR_PUBLIC },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr a = parsed(rows[i].text);

		if (addr_classify(&a) != rows[i].class)
			fail_msg("%s is %d", rows[i].text, addr_classify(&a));
	}
}

static void test_strict_refuses(void **state)
{
	static const char *const bad[] = {
		"",          "127.1",     "0127.0.0.1", "1.2.3.4.",
		"1.2.3",     "1.2.3.4 ",  " 1.2.3.4",   "::1%lo",
		"[1.2.3.4]", "1.2.3.256", "12345::",    "[::1",
	};
	struct addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(addr_parse(str_from(bad[i]), &a), -EINVAL);
	assert_int_equal(addr_parse(STR("1.2.3.4\0x"), &a), -EINVAL);
	assert_int_equal(addr_parse_loose(STR("1.2.3.4.5"), &a), -EINVAL);
	assert_int_equal(addr_parse_loose(STR("4294967296"), &a), -EINVAL);
	assert_int_equal(addr_parse_loose(STR("0x"), &a), 0); /* as glibc */
}

static void test_cidr(void **state)
{
	struct addr net, a = parsed("10.200.0.1");
	unsigned int bits;

	(void)state;
	assert_int_equal(addr_parse_cidr(STR("10.0.0.0/8"), &net, &bits), 0);
	assert_int_equal(bits, 104);
	assert_true(addr_in_cidr(&a, &net, bits));
	a = parsed("11.0.0.1");
	assert_false(addr_in_cidr(&a, &net, bits));
	assert_int_equal(addr_parse_cidr(STR("10.0.0.0/33"), &net, &bits),
			 -EINVAL);
	assert_int_equal(addr_parse_cidr(STR("10.0.0.0"), &net, &bits),
			 -EINVAL);
	assert_int_equal(addr_parse_cidr(STR("fc00::/7"), &net, &bits), 0);
	a = parsed("fdff::1");
	assert_true(addr_in_cidr(&a, &net, bits));
	a = parsed("fe00::1");
	assert_false(addr_in_cidr(&a, &net, bits));
}

static void test_hosts(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct addr a;

	(void)state;
	assert_int_equal(host_canonical(STR("Example.COM."), &b, &a), 0);
	assert_string_equal(buf_cstr(&b), "example.com");
	buf_reset(&b);
	assert_int_equal(host_canonical(STR("0x7f.1"), &b, &a), 1);
	assert_string_equal(buf_cstr(&b), "127.0.0.1");
	buf_reset(&b);
	assert_int_equal(host_canonical(STR("[::FFFF:7f00:1]"), &b, &a), 1);
	assert_string_equal(buf_cstr(&b), "127.0.0.1");
	assert_int_equal(host_canonical(STR("evil\0.allowed"), &b, &a),
			 -EINVAL);
	assert_int_equal(host_canonical(STR("a..b"), &b, &a), -EINVAL);
	assert_int_equal(host_canonical(STR("a.."), &b, &a), -EINVAL);
	assert_int_equal(host_canonical(STR("-a.com"), &b, &a), -EINVAL);
	assert_int_equal(host_canonical(STR("a b.com"), &b, &a), -EINVAL);
	assert_int_equal(host_canonical(STR("b\xc3\xbc"
					    "cher.de"),
					&b, &a),
			 -EINVAL);
	assert_true(host_is_metadata(STR("metadata.google.internal")));
}

static void test_sockaddr(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(80) };
	struct addr a;
	uint16_t port;

	(void)state;
	in6.sin6_addr = in6addr_loopback;
	assert_int_equal(addr_from_sockaddr(&in6, sizeof(in6), &a, &port), 0);
	assert_int_equal(port, 80);
	assert_int_equal(addr_classify(&a), ADDR_LOOPBACK);
	assert_int_equal(addr_from_sockaddr(&in6, 24, &a, &port), 0);
	assert_int_equal(addr_from_sockaddr(&in6, 23, &a, &port), -EINVAL);
	in6.sin6_family = AF_UNIX;
	assert_int_equal(addr_from_sockaddr(&in6, sizeof(in6), &a, &port),
			 -EAFNOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_strict_refuses),
		cmocka_unit_test(test_cidr),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_sockaddr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
