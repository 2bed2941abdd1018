/* SPDX-License-Identifier: MIT */
/*
 * fuzz_path.c - a cleaned path is absolute, has no empty, "." or ".."
 * component, and cleaning it again changes nothing
 */
#include <assert.h>
#include <stdint.h>

#include "base/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_clean(struct str path)
{
	_cleanup_buf_ struct buf again = BUF_INIT;
	struct str rest = str_skip(path, 1), part;

	assert(path.n && path.p[0] == '/');
	while (path.n > 1 && str_split(&rest, '/', &part))
		assert(part.n && !str_eq(part, STR(".")) &&
		       !str_eq(part, STR("..")));
	assert(path_clean(path, &again) == 0);
	assert(str_eq(path, buf_str(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_from_n((const char *)data, size);
	_cleanup_buf_ struct buf clean = BUF_INIT;
	_cleanup_buf_ struct buf joined = BUF_INIT;

	if (path_clean(in, &clean) == 0)
		check_clean(buf_str(&clean));
	if (path_join(STR("/a/b"), in, &joined) == 0)
		check_clean(buf_str(&joined));
	return 0;
}
