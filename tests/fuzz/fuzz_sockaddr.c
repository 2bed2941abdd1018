/* SPDX-License-Identifier: MIT */
/*
 * fuzz_sockaddr.c - socket addresses and addresses as text
 *
 * What the kernel would take as one and the same address has one form and one
 * class here; text and bytes lead to the same; what is taken strictly is taken
 * loosely, as the same address.
 */
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "base/addr.h"
#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct addr *a, const struct addr *b)
{
	assert(memcmp(a->b, b->b, sizeof(a->b)) == 0);
	assert(addr_classify(a) == addr_classify(b));
}

/* Of the three ways to say an IPv4 address to connect(). */
static void check_v4(const struct addr *a, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port),
				    .sin6_scope_id = 7 };
	struct addr other;
	uint16_t other_port;

	memcpy(&in.sin_addr, a->b + 12, 4);
	memcpy(&in6.sin6_addr, a->b, 16);
	assert(addr_from_sockaddr(&in, sizeof(in), &other, &other_port) == 0);
	same(a, &other);
	assert(other_port == port);
	assert(addr_from_sockaddr(&in6, sizeof(in6), &other, &other_port) == 0);
	same(a, &other);
	addr_from_v4(in.sin_addr.s_addr, &other);
	same(a, &other);
}

static void check_bytes(const uint8_t *data, size_t size)
{
	_Alignas(8) unsigned char copy[128];
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct addr a, again, inner;
	uint16_t port;

	if (size > sizeof(copy))
		size = sizeof(copy);
	memcpy(copy, data, size);
	if (addr_from_sockaddr(copy, size, &a, &port) < 0)
		return;
	assert(addr_classify(&a) < ADDR_CLASS_MAX);
	if (addr_is_v4(&a))
		check_v4(&a, port);
	if (!addr_is_v4(&a) && addr_unwrap(&a, &inner))
		assert(addr_is_v4(&inner));
	addr_format(&a, &text);
	assert(addr_parse(buf_str(&text), &again) == 0);
	same(&a, &again);
}

static void check_text(struct str s)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct addr strict, loose;

	if (addr_parse(s, &strict) < 0)
		return;
	assert(addr_parse_loose(s, &loose) == 0);
	same(&strict, &loose);
	addr_format(&strict, &text);
	assert(addr_parse(buf_str(&text), &loose) == 0);
	same(&strict, &loose);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_bytes(data, size);
	check_text(str_from_n((const char *)data, size));
	return 0;
}
