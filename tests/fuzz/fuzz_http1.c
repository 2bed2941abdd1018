/* SPDX-License-Identifier: MIT */
/*
 * fuzz_http1.c - heads and chunked bodies from arbitrary bytes
 *
 * Besides not crashing: what parses whole also parses to the same length when
 * it is followed by more, and never consumes more than there is.
 */
#include <assert.h>
#include <stdint.h>

#include "base/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_from_n((const char *)data, size);
	struct http1_chunked c = HTTP1_CHUNKED_INIT;
	static struct http1_head head;
	struct str body;
	bool done = false;
	ssize_t n;

	n = http1_parse_request(in, &head);
	assert(n <= (ssize_t)size);
	if (n > 0)
		assert(http1_parse_request(str_from_n(in.p, (size_t)n),
					   &head) == n);
	n = http1_parse_response(in, STR("GET"), &head);
	assert(n <= (ssize_t)size);
	while (!done) {
		n = http1_chunked_decode(&c, in, &body, &done);
		if (n < 0)
			break;
		assert((size_t)n <= in.n && body.n <= (size_t)n);
		in = str_skip(in, (size_t)n);
	}
	return 0;
}
