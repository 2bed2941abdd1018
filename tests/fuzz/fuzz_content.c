/* SPDX-License-Identifier: MIT */
/*
 * fuzz_content.c - bodies in arbitrary codings
 *
 * The first byte chooses the coding. What comes out is bounded.
 */
#include <assert.h>

#include "netproxy/content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const codings[] = { "gzip", "deflate", "br", "zstd",
					       "gzip, br" };
	_cleanup_buf_ struct buf out = BUF_INIT;

	if (size == 0)
		return 0;
	(void)content_decode(str_from(codings[data[0] % ARRAY_LEN(codings)]),
			     str_from_n((const char *)data + 1, size - 1),
			     &out);
	assert(out.len <= CONTENT_MAX + (1U << 20));
	return 0;
}
