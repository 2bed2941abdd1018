/* SPDX-License-Identifier: MIT */
/*
 * fuzz_hello.c - the server name of a ClientHello from arbitrary bytes
 *
 * A prefix of a good hello is incomplete, never good with another name; and what
 * first bytes are does not change with those that follow.
 */
#include <assert.h>

#include "netproxy/first.h"
#include "netproxy/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_from_n((const char *)data, size);
	struct hello whole = { .name = BUF_INIT };
	struct hello part = { .name = BUF_INIT };
	enum first begins = first_bytes(str_from_n(in.p, size / 2));

	assert(begins == FIRST_UNCLEAR || begins == first_bytes(in));
	assert(size < FIRST_MAX || first_bytes(in) != FIRST_UNCLEAR);
	if (hello_parse(in, &whole) == 1 &&
	    hello_parse(str_from_n(in.p, size / 2), &part) == 1)
		assert(str_eq(buf_str(&whole.name), buf_str(&part.name)));
	buf_done(&whole.name);
	buf_done(&part.name);
	return 0;
}
