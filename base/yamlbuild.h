/* SPDX-License-Identifier: MIT */
/*
 * yamlbuild.h - a YAML tree under construction, private to yamldoc.c and
 * yamlmap.c
 */
#ifndef BASE_YAMLBUILD_H
#define BASE_YAMLBUILD_H

#include <errno.h>

#include "base/yamldoc.h"

struct anchor {
	struct str name;
	const struct ynode *node;
	bool open; /* still being filled: an alias to it would be a loop */
};

struct frame {
	struct ynode *node;
	struct yentry *last;
	const struct ynode *key; /* of the member being read; mapping only */
	ptrdiff_t anchor;        /* index, or -1 */
};

struct builder {
	struct arena *arena;
	const char *file;
	struct diag *diag;
	const struct yamldoc_caps *caps;
	size_t nodes;
	struct frame stack[YAMLDOC_DEPTH_MAX];
	unsigned int depth;
	struct anchor anchors[YAMLDOC_ANCHORS_MAX];
	size_t n_anchors;
	struct ynode *root;
	bool documents; /* one was seen */
};

#define fail_at(b, ln, col, ...)                                     \
	({                                                           \
		diag_error((b)->diag, (b)->file, (unsigned int)(ln), \
			   (unsigned int)(col), __VA_ARGS__);        \
		-EINVAL;                                             \
	})
#define fail_mark(b, mark, ...) \
	fail_at(b, (mark).line + 1, (mark).column + 1, __VA_ARGS__)

/*
 * Adds a member, counting its expansion against the cap. at: the place to
 * blame. Return: 0, -EINVAL (reported), -ENOMEM.
 */
int ybuild_append(struct builder *b, struct ynode *to, struct yentry **last,
		  struct yentry member, const struct ynode *at);
/* A finished mapping: refuses a key that is there twice. Same returns. */
int ybuild_check_duplicates(struct builder *b, const struct ynode *map);
/* Takes the `<<` member out of it and merges its value. Same returns. */
int ybuild_merge_keys(struct builder *b, struct frame *f);

#endif
