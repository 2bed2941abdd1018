/* SPDX-License-Identifier: MIT */
/*
 * generate.h - a policy that allows what a session was seen to do
 */
#ifndef CLI_GENERATE_H
#define CLI_GENERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/vec.h"

struct generate_input {
	const char *session;
	const char *name;    /* of the policy */
	struct json *events; /* array, oldest first */
	int64_t now_ns;
	/* entries below one directory that become one pattern; at least 2 */
	unsigned int threshold;
	bool blocked;      /* what was denied, commented out */
	bool arg_patterns; /* allow only the sub-commands seen */
};

/*
 * Policy YAML with a comment above each rule that says where it is from.
 * Whatever was not seen is denied by it. Return: 0 or -ENOMEM.
 */
int generate_policy(const struct generate_input *in, struct buf *out);

/* What a path below the project's root begins with. */
#define GENERATE_ROOT STR("${PROJECT_ROOT}")

/* A path or pattern and how often it was seen. */
struct generate_path {
	struct str text; /* borrowed */
	uint64_t n;
};
struct generate_paths {
	struct generate_path *data;
	size_t n, size;
};

/*
 * in: literal paths, sorted by str_cmp, no duplicates. Appends to out patterns
 * that match all of them: a directory with `threshold` or more entries becomes
 * "DIR/" followed by two stars, from the leaves up, but never a directory at
 * the top of the file system or a home directory, nor one with a path of `never`
 * below it (what was denied stays so). Texts live in a.
 * Return: 0 or -ENOMEM.
 */
int generate_collapse(struct arena *a, const struct generate_paths *in,
		      const struct generate_paths *never,
		      unsigned int threshold, struct generate_paths *out);

#endif
