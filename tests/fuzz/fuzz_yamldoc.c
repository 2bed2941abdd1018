/* SPDX-License-Identifier: MIT */
/*
 * fuzz_yamldoc.c - YAML trees from arbitrary bytes
 *
 * Besides not crashing: a failure has exactly one error, a success none, and a
 * full walk with aliases expanded is as large as the root says and within the
 * caps.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "base/yamldoc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct yamldoc_caps caps = { 1U << 20, 5000, 32 };

/* Nodes below and including this one. */
static size_t walk(const struct ynode *node, unsigned int depth)
{
	size_t n = 1;

	assert(depth <= caps.depth);
	assert(node->line > 0 && node->column > 0);
	if (node->type < YNODE_SEQUENCE)
		return n;
	ynode_foreach(e, node)
	{
		assert((e->key != NULL) == (node->type == YNODE_MAPPING));
		n += walk(e->value, depth + 1);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena arena = ARENA_INIT(64U << 20);
	_cleanup_diag_ struct diag diag = DIAG_INIT;
	const struct ynode *root = NULL;
	int r = yamldoc_parse(&arena, "f", str_from_n((const char *)data, size),
			      &caps, &root, &diag);

	assert(r == 0 || r == -EINVAL || r == -ENOMEM);
	assert(diag.n_errors == (r == -EINVAL ? 1 : 0));
	if (r == 0)
		assert(walk(root, 0) <= caps.nodes);
	return 0;
}
