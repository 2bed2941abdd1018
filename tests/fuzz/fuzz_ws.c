/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ws.c - websocket frames from arbitrary bytes
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "server/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);
	struct ws_frame f;
	size_t at = 0;
	ssize_t n;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	while ((n = ws_parse(copy + at, size - at, &f)) > 0) {
		assert((size_t)n <= size - at);
		assert(f.payload.p + f.payload.n == copy + at + n);
		at += (size_t)n;
	}
	free(copy);
	return 0;
}
