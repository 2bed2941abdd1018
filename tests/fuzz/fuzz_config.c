/* SPDX-License-Identifier: MIT */
/*
 * fuzz_config.c - config.yaml from arbitrary bytes
 *
 * Besides not crashing: an error if and only if there is a message of one, and
 * what loads can be shown as JSON.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "base/json.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char home[] = "HOME=/h", name[] = "AGENTSH_POLICY_NAME=strict";
	char *env[] = { home, name, NULL };
	_cleanup_diag_ struct diag diag = DIAG_INIT;
	_cleanup_buf_ struct buf json = BUF_INIT;
	_cleanup_(config_free_p) struct config *c = NULL;
	struct json_writer w;
	int r = config_parse("f", str_from_n((const char *)data, size),
			     CONFIG_SOURCE_USER, env, &c, &diag);

	assert(r == 0 || r == -EINVAL || r == -ENOMEM);
	assert((diag.n_errors > 0) == (r == -EINVAL));
	assert((c != NULL) == (r == 0));
	if (r < 0)
		return 0;
	json_writer_init(&w, &json, 2);
	config_to_json(c, &w);
	assert(json.error == 0 && json.len > 0);
	return 0;
}
