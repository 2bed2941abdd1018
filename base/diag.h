/* SPDX-License-Identifier: MIT */
/*
 * diag.h - messages about text that a human wrote
 *
 * A diag collects errors and warnings with file, line and column. The text of
 * each names the offending key or value and the fix. Bounded: after
 * DIAG_MAX_ITEMS further ones are only counted.
 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum diag_level {
	DIAG_ERROR = 0,
	DIAG_WARNING
};

#define DIAG_MAX_ITEMS 100

struct diag_item {
	enum diag_level level;
	char *file;                /* owned; may be NULL */
	unsigned int line, column; /* from 1; 0 = not known */
	char *text;                /* owned */
};

struct diag {
	struct diag_item items[DIAG_MAX_ITEMS];
	size_t n_items;
	size_t n_errors, n_warnings; /* all, stored or not */
};

#define DIAG_INIT ((struct diag){ 0 })

void diag_done(struct diag *d);
#define _cleanup_diag_ _cleanup_(diag_done)

/* All accept d == NULL and then do nothing. */
void diag_error(struct diag *d, const char *file, unsigned int line,
		unsigned int column, const char *fmt, ...) _printf_(5, 6);
void diag_warn(struct diag *d, const char *file, unsigned int line,
	       unsigned int column, const char *fmt, ...) _printf_(5, 6);
/* "file:line:column: error: text\n" for each item. */
void diag_format(const struct diag *d, struct buf *out);
/* Text of the first error ("file:line:col: text"), or "" if none. */
void diag_first_error(const struct diag *d, struct buf *out);
/*
 * The entry of `known` nearest to `word` (edit distance at most 2 or a third
 * of its length), for "did you mean"; NULL if none is near.
 */
const char *diag_suggest(struct str word, const char *const *known,
			 size_t n_known);

#endif
