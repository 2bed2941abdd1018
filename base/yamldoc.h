/* SPDX-License-Identifier: MIT */
/*
 * yamldoc.h - YAML text into a bounded tree (yamlread.h reads it)
 *
 * Stricter than YAML: one document, UTF-8, scalar keys, no duplicate keys, no
 * tags but the core ones, no NUL. Aliases and merge keys work, but what they
 * expand to counts against the node and depth caps, so no input makes a
 * reader's walk larger than caps.nodes. An alias shares the node it names: the
 * tree is read-only.
 *
 * Scalars follow Go's yaml.v3, which the files were written for: any scalar
 * may be read as a string; a quoted scalar is never a bool, number or null.
 */
#ifndef BASE_YAMLDOC_H
#define BASE_YAMLDOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

enum ynode_type {
	YNODE_NULL = 0, /* empty, ~, null */
	YNODE_SCALAR,
	YNODE_SEQUENCE,
	YNODE_MAPPING,
};

struct ynode;

/* Member of a mapping or sequence, in file order. */
struct yentry {
	const struct ynode *key; /* NULL in a sequence */
	const struct ynode *value;
	struct yentry *next;
};

struct ynode {
	enum ynode_type type;
	bool quoted;               /* 'x' "x" | > or !!str: always text */
	unsigned int line, column; /* from 1 */
	unsigned int height;       /* of the tree below; 0 for a scalar */
	struct str text;           /* scalar; NUL-terminated, no NUL inside */
	struct yentry *first;      /* mapping or sequence */
	size_t n;                  /* entries */
	size_t weight;             /* nodes with aliases expanded, itself too */
};

/* Caps on the input; core/limits.h has the values (base cannot see it). */
struct yamldoc_caps {
	size_t bytes, nodes;
	unsigned int depth; /* at most YAMLDOC_DEPTH_MAX */
};

#define YAMLDOC_DEPTH_MAX   64
#define YAMLDOC_ANCHORS_MAX 256

/*
 * Parses text into nodes owned by the arena (nothing is borrowed from text).
 * An empty document gives a null node. file: name for messages.
 * Return: 0; -EINVAL with exactly one error added to diag; -ENOMEM.
 */
int yamldoc_parse(struct arena *a, const char *file, struct str text,
		  const struct yamldoc_caps *caps, const struct ynode **ret,
		  struct diag *diag);

#define ynode_foreach(it, node) \
	for (const struct yentry *it = (node)->first; it; it = it->next)

/* Value of a key; NULL if absent or node (may be NULL) is no mapping. */
const struct ynode *ynode_get(const struct ynode *node, const char *key);
/* True if a plain scalar reads as a bool (true/yes/on/y and opposites). */
bool ynode_as_bool(const struct ynode *node, bool *ret);

#endif
