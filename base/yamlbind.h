/* SPDX-License-Identifier: MIT */
/*
 * yamlbind.h - strict reading of YAML mappings into structs, by tables
 *
 * A table lists the keys a mapping may have, the type of each and where it
 * goes. Reading goes on after an error, so that one run reports them all; a
 * key outside the table is an error with a suggestion.
 */
#ifndef BASE_YAMLBIND_H
#define BASE_YAMLBIND_H

#include <errno.h>

#include "base/yamlread.h"

#define BIND_ARRAY_MAX 65536

enum bind_type {
	BIND_STR = 0,  /* struct str */
	BIND_CSTR,     /* const char *, NUL-terminated, in the tree */
	BIND_BOOL,     /* bool */
	BIND_I64,      /* int64_t, any */
	BIND_U32,      /* uint32_t */
	BIND_U64,      /* uint64_t, at most INT64_MAX */
	BIND_DURATION, /* int64_t nanoseconds, not negative */
	BIND_FN,       /* fn decides */
	BIND_IGNORED,  /* not enforced: any shape, a warning unless empty */
};

/* slot: where bind_field.offset points. Return: 0, -EINVAL, -ENOMEM. */
typedef int bind_fn(const struct yreader *r, const struct ypath *at,
		    const struct ynode *node, void *slot);

struct bind_field {
	const char *key;
	enum bind_type type;
	size_t offset;
	bind_fn *fn;
};

struct bind_table {
	const struct bind_field *fields;
	size_t n;
};

#define BIND_TABLE_INIT(array)            \
	{                                 \
		(array), ARRAY_LEN(array) \
	}

/*
 * Reads every member of a mapping into *out. A null node counts as an empty
 * mapping. Return: 0; -EINVAL when anything was wrong (all in diag); -ENOMEM.
 */
int bind_mapping(const struct yreader *r, const struct ypath *at,
		 const struct ynode *node, const struct bind_table *table,
		 void *out);

/* A null node leaves *ret, which points into the tree otherwise. */
int bind_cstr(const struct yreader *r, const struct ypath *at,
	      const struct ynode *node, const char **ret);
/* A duration that is not negative. A null node leaves *ret. */
int bind_duration(const struct yreader *r, const struct ypath *at,
		  const struct ynode *node, int64_t *ret_ns);

/* An element of a list: its struct's size and who reads it. */
struct bind_elem {
	size_t size;
	bind_fn *fn;
};

/*
 * Reads a list of mappings: an array of structs from the arena, each given to
 * elem.fn. Same returns; at most BIND_ARRAY_MAX elements.
 */
int bind_array(const struct yreader *r, const struct ypath *at,
	       const struct ynode *node, struct bind_elem elem, void **ret,
	       size_t *ret_n);

/* The worse of two results: -ENOMEM, then -EINVAL, then 0. */
static inline int bind_worse(int a, int b)
{
	if (a == -ENOMEM || b == -ENOMEM)
		return -ENOMEM;
	return MIN(a, b);
}

/*
 * A word out of a table whose index is the value; an error lists the words
 * that are not empty.
 * A null node leaves *ret.
 */
int bind_word(const struct yreader *r, const struct ypath *at,
	      const struct ynode *node, const char *const *words,
	      unsigned int n_words, unsigned int *ret);

#endif
