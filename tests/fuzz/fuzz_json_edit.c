/* SPDX-License-Identifier: MIT */
/*
 * fuzz_json_edit.c - edits of arbitrary bytes
 *
 * What is no JSON for base/json is not edited silently: an edited document is
 * JSON whenever the original is, and nothing replaced means nothing written.
 */
#include <assert.h>

#include "base/json.h"
#include "netproxy/json_edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Replaces every second byte pair of every text. */
static int scan(void *arg, struct str text, struct json_edits *e)
{
	*(size_t *)arg += text.n;
	for (size_t i = 0; i + 2 <= text.n; i += 4)
		json_edits_add(e, i, i + 2, STR("\"\\\n"));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(64U << 20);
	struct str in = str_from_n((const char *)data, size);
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct json *v;
	size_t shown = 0;
	int r = json_edit(in, scan, &shown, &out);
	bool good = json_parse(&a, in, &v) == 0;

	if (r <= 0)
		assert(out.len == 0);
	assert(shown <= 4 * size);
	if (good)
		assert(r >= 0);
	/* two spans of one text can cut a character, which base/json minds */
	if (good && r > 0 && str_is_utf8(buf_str(&out)))
		assert(json_parse(&a, buf_str(&out), &v) == 0);
	return 0;
}
