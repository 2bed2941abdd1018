/* SPDX-License-Identifier: MIT */
/*
 * fuzz_socks.c - SOCKS5 greeting and request from arbitrary bytes
 *
 * What is accepted names a canonical host, and fewer bytes are never taken for
 * the whole.
 */
#include <assert.h>

#include "netproxy/socks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_from_n((const char *)data, size);
	enum socks_reply reply = SOCKS_FAILURE;
	struct request r;
	bool ok;
	ssize_t n = socks_parse_greeting(in, &ok);

	assert(n <= (ssize_t)size);
	n = socks_parse_request(in, &r, &reply);
	assert(n <= (ssize_t)size);
	if (n > 0 && reply == SOCKS_OK) {
		_cleanup_buf_ struct buf again = BUF_INIT;
		struct addr a;

		assert(r.port != 0);
		assert(host_canonical(buf_str(&r.host), &again, &a) ==
		       (r.is_addr ? 1 : 0));
		assert(str_eq(buf_str(&again), buf_str(&r.host)));
	}
	request_done(&r);
	return 0;
}
