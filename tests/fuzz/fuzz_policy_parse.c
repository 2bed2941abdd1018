/* SPDX-License-Identifier: MIT */
/*
 * fuzz_policy_parse.c - policies from arbitrary bytes
 *
 * Besides not crashing: an error if and only if there is a message of one, and
 * what parses has a version, a name, ports in range and no decision that is
 * permitted although its word was not valid.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "policy/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct policy_rules *p)
{
	assert(p->version > 0 && p->name.n > 0);
	for (size_t i = 0; i < p->n_files; i++)
		assert(p->files[i].c.decision_valid ||
		       p->files[i].c.decision == VERDICT_DENY);
	for (size_t i = 0; i < p->n_commands; i++) {
		assert(p->commands[i].c.decision_valid ||
		       p->commands[i].c.decision == VERDICT_DENY);
		assert(p->commands[i].min_depth <= p->commands[i].max_depth);
	}
	for (size_t i = 0; i < p->n_networks; i++)
		for (size_t j = 0; j < p->networks[i].n_ports; j++)
			assert(p->networks[i].ports[j] > 0);
	for (size_t i = 0; i < p->n_signals; i++)
		assert(p->signals[i].signals != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena arena = ARENA_INIT(128U << 20);
	_cleanup_diag_ struct diag diag = DIAG_INIT;
	struct policy_rules rules = { 0 };
	int r = policy_parse("f", str_from_n((const char *)data, size), &arena,
			     &rules, &diag);

	assert(r == 0 || r == -EINVAL || r == -ENOMEM);
	assert((diag.n_errors > 0) == (r == -EINVAL));
	if (r == 0)
		check(&rules);
	return 0;
}
