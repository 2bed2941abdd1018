/* SPDX-License-Identifier: MIT */
/*
 * fuzz_json.c - the reader takes anything; what it took can be written again
 *
 * A parsed document written by json_writer and parsed once more gives the same
 * text: the reader and the writer agree on every string and number.
 */
#include <assert.h>
#include <stdint.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_scalar(struct json_writer *w, const struct json *j)
{
	if (j->type == JSON_STRING) {
		assert(str_is_utf8(j->text));
		json_str(w, j->text);
	} else if (j->type == JSON_NUMBER) {
		json_raw(w, j->text);
	} else if (j->type == JSON_BOOL) {
		json_bool(w, j->boolean);
	} else {
		json_null(w);
	}
}

static void write_end(struct json_writer *w, const struct json *j)
{
	if (j->type == JSON_OBJECT)
		json_end_object(w);
	else
		json_end_array(w);
}

/* Opens a container; false if j is none or has no child. */
static bool write_begin(struct json_writer *w, const struct json *j)
{
	if (j->type == JSON_OBJECT)
		json_begin_object(w);
	else if (j->type == JSON_ARRAY)
		json_begin_array(w);
	else
		write_scalar(w, j);
	if (j->type != JSON_OBJECT && j->type != JSON_ARRAY)
		return false;
	if (!j->child)
		write_end(w, j);
	return j->child != NULL;
}

static void write_tree(struct json_writer *w, const struct json *root)
{
	const struct json *open[JSON_MAX_DEPTH], *j = root;
	size_t depth = 0;

	while (j) {
		if (depth && open[depth - 1]->type == JSON_OBJECT)
			json_key_str(w, j->key);
		if (write_begin(w, j)) {
			open[depth++] = j;
			j = j->child;
			continue;
		}
		while (depth && !j->next) {
			j = open[--depth];
			write_end(w, j);
		}
		j = depth ? j->next : NULL;
	}
}

static void round_trip(struct str in, struct buf *out)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(16U << 20);
	struct json *j = NULL;
	struct json_writer w;

	if (json_parse(&a, in, &j) < 0)
		return;
	json_writer_init(&w, out, 0);
	write_tree(&w, j);
	assert(out->error == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_buf_ struct buf once = BUF_INIT;
	_cleanup_buf_ struct buf twice = BUF_INIT;

	round_trip(str_from_n((const char *)data, size), &once);
	if (once.len) {
		round_trip(buf_str(&once), &twice);
		assert(str_eq(buf_str(&once), buf_str(&twice)));
	}
	return 0;
}
