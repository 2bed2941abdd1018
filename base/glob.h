/* SPDX-License-Identifier: MIT */
/*
 * glob.h - the glob dialect of policy files, in linear time
 *
 *	*        any run of characters but the separator
 *	**       any run of characters
 *	?        one character but the separator
 *	[a-z_]   one of these        [!a-z_]  one not of these
 *	{a,b*}   one of these patterns; nests
 *	\x       x itself
 *
 * Patterns are anchored at both ends, case-sensitive and work on Unicode code
 * points. The separator is '/' for paths, '.' for host names, 0 for none.
 */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

#include "base/nfa.h"
#include "base/str.h"

#define GLOB_MAX_PATTERN 4096U
#define GLOB_MAX_NESTING 16U
#define GLOB_MAX_EXPAND  64U

/*
 * NULL if the pattern is well-formed, else why it is not (a constant).
 */
const char *glob_check(struct str pattern);
bool glob_valid(struct str pattern);
/* True if it has any of * ? [ { \ (a pattern without them is its own text). */
bool glob_is_pattern(struct str s);
/*
 * Compiles and matches in one go, for occasional use. A pattern that is not
 * well-formed, or memory running out, matches nothing.
 */
bool glob_match(struct str pattern, char sep, struct str text);

enum glob_shape {
	GLOB_EXACT = 0, /* prefix only */
	GLOB_STAR,      /* prefix, one '*', suffix */
	GLOB_SUPER,     /* prefix, one '**', suffix */
	GLOB_TOKENS,    /* only literals, '*', '**' and '?' */
	GLOB_PROGRAM,   /* anything */
};

/*
 * A compiled pattern in place; all borrowed, no pointers into each other, so
 * that the parts can be stored anywhere. tokens: the pattern with its special
 * characters as the bytes 1 ('*'), 2 ('**'), 3 ('?'); set for GLOB_TOKENS.
 */
struct glob {
	enum glob_shape shape;
	char sep;
	struct str prefix, suffix; /* literal text at both ends */
	struct str tokens;
	struct nfa prog; /* GLOB_TOKENS and GLOB_PROGRAM */
};

/* No allocation; thread-safe. */
bool glob_run(const struct glob *g, struct str text);

struct glob_build {
	enum glob_shape shape;
	char sep;
	struct buf prefix, suffix, tokens; /* owned */
	struct nfa_build prog;             /* owned */
};

/* Return: 0; -EINVAL (see glob_check); -E2BIG; -ENOMEM. */
int glob_compile(struct str pattern, char sep, struct glob_build *ret);
void glob_build_done(struct glob_build *b);
#define _cleanup_glob_build_ _cleanup_(glob_build_done)
struct glob glob_view(const struct glob_build *b);

typedef int glob_expand_fn(void *arg, struct str pattern);
/*
 * Calls fn for every pattern that expanding the outermost braces first gives,
 * in order; with more than GLOB_MAX_EXPAND of them, just once for the pattern
 * itself. Stops at the first negative return and returns it.
 */
int glob_expand(struct str pattern, glob_expand_fn *fn, void *arg);
/*
 * Calls fn for patterns (separator '/') that together match, of the paths that
 * pattern matches, just dir and what lies beneath it. dir: an absolute path
 * without "." or a '/' at its end. Return: 0; fn's first negative return;
 * -EINVAL: pattern is not well-formed; -E2BIG: too long, or braces for more
 * than GLOB_MAX_EXPAND patterns; -ENOMEM.
 */
int glob_below(struct str pattern, struct str dir, glob_expand_fn *fn,
	       void *arg);

#endif
