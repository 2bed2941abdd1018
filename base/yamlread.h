/* SPDX-License-Identifier: MIT */
/*
 * yamlread.h - typed reading of a YAML tree, with errors that name the place
 */
#ifndef BASE_YAMLREAD_H
#define BASE_YAMLREAD_H

#include "base/yamldoc.h"

/*
 * Where we are, for messages: a chain on the caller's stack. A step has a key,
 * or, when key.p is NULL, an index.
 */
struct ypath {
	const struct ypath *up; /* NULL at the top */
	struct str key;
	size_t index;
};

/* "a.b[3].c" */
void ypath_format(const struct ypath *path, struct buf *out);

/* What the typed getters need to report an error or keep a list. */
struct yreader {
	const char *file;
	struct diag *diag;
	struct arena *arena; /* owns lists and maps read */
};

/* "file:line:col: error: PATH: text" at node; return -EINVAL. */
int yread_error(const struct yreader *r, const struct ypath *at,
		const struct ynode *node, const char *fmt, ...) _printf_(4, 5);
void yread_warn(const struct yreader *r, const struct ypath *at,
		const struct ynode *node, const char *fmt, ...) _printf_(4, 5);
/* Reports "expected WHAT, found ..."; return -EINVAL. */
int yread_mismatch(const struct yreader *r, const struct ypath *at,
		   const struct ynode *node, const char *what);

struct ystrings {
	struct str *v; /* in the arena; NUL-terminated strings */
	size_t n;
};

struct ystrmap {
	struct str *names, *values; /* file order */
	size_t n;
};

/*
 * Typed getters. A null node leaves *ret as it is, as in Go. Return: 0, or
 * -EINVAL with an error naming key path, expected type and what was found;
 * -ENOMEM. Strings point into the tree.
 */
int yread_str(const struct yreader *r, const struct ypath *at,
	      const struct ynode *node, struct str *ret);
int yread_bool(const struct yreader *r, const struct ypath *at,
	       const struct ynode *node, bool *ret);
/* Decimal, 0x, 0o or 0b, `_` ignored; a leading 0 means octal. */
int yread_int(const struct yreader *r, const struct ypath *at,
	      const struct ynode *node, int64_t min, int64_t max, int64_t *ret);
int yread_duration(const struct yreader *r, const struct ypath *at,
		   const struct ynode *node, int64_t *ret_ns);
int yread_size(const struct yreader *r, const struct ypath *at,
	       const struct ynode *node, uint64_t *ret_bytes);
int yread_strings(const struct yreader *r, const struct ypath *at,
		  const struct ynode *node, struct ystrings *ret);
int yread_strmap(const struct yreader *r, const struct ypath *at,
		 const struct ynode *node, struct ystrmap *ret);

/*
 * The text for a key that is not in `known`: `unknown key "x" in "a.b"; did
 * you mean "y"?`, appended to out. at: the mapping.
 */
void yread_unknown_text(const struct ypath *at, struct str key,
			const char *const *known, size_t n_known,
			struct buf *out);

#endif
