/* SPDX-License-Identifier: MIT */
/*
 * fuzz_policy_compile.c - policy text of any kind compiles or is refused
 */
#include <assert.h>
#include <stdint.h>

#include "policy_ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_diag_ struct diag d = DIAG_INIT;
	struct policy *p = NULL;
	int r;

	if (size > 65536)
		return 0;
	r = policy_compile("fuzz.yaml", str_from_n((const char *)data, size),
			   NULL, 1, &p, &d);
	if (r < 0) {
		assert(d.n_errors > 0);
		return 0;
	}
	decide_everything(p);
	(void)policy_needs_open_notify(p, STR_NONE);
	(void)policy_unref(p);
	return 0;
}
