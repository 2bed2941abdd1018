/* SPDX-License-Identifier: MIT */
/*
 * fuzz_trash_record.c - journal frames, records and summaries from a hostile
 * store
 *
 * The first byte chooses: 0 the rest is a journal; otherwise it is one payload
 * of that record type, so that mutations need not get the check sum right.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "trash/group.h"
#include "trash/record.h"
#include "trash/xattr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(enum record_type type, struct str payload)
{
	struct record_group rg;
	struct record_head head;
	struct record_dir dir;
	struct record_op op;
	struct record_ref ref;
	struct group *g;

	(void)record_get_head(payload, &head);
	(void)record_get_group(payload, &rg);
	if (record_get_dir(payload, &dir) == 0)
		assert(record_path_ok(dir.path));
	if (record_get_op(payload, &op) == 0)
		assert(record_name_ok(op.name) && op.verb < TRASH_VERB_MAX);
	(void)record_get_ref(type, payload, &ref);
	if (group_get(payload, &g) == 0)
		(void)group_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest, payload;
	enum record_type type;

	if (size == 0)
		return 0;
	rest = str_from_n((const char *)data + 1, size - 1);
	if (data[0] != 0) {
		one((enum record_type)(data[0] % RECORD_TYPE_MAX), rest);
		return 0;
	}
	while (record_next(&rest, &type, &payload) == 1)
		one(type, payload);
	return 0;
}
