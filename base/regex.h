/* SPDX-License-Identifier: MIT */
/*
 * regex.h - RE2-style regular expressions that answer yes or no
 *
 * Syntax: literals, . [] | () (?:) (?P<n>) (?<n>) (?ims-ims) (?i:...), * + ?
 * {n} {n,} {n,m} and their lazy forms, ^ $ \A \z \b \B, \d \D \s \S \w \W,
 * [[:alpha:]] and the other POSIX classes, \pL \p{Lu} \p{Ll} \pN \p{Nd} and
 * \P, \Q...\E, \a \f \t \n \r \v \123 \x7F \x{10FFFF}. No back-references and no
 * look-around, hence linear time. (?i) folds ASCII letters only. A compiled
 * expression is an nfa program: nfa_run(prog, 0, ...) searches, unanchored.
 */
#ifndef BASE_REGEX_H
#define BASE_REGEX_H

#include <stdbool.h>

#include "base/nfa.h"
#include "base/str.h"

#define REGEX_MAX_PATTERN 8192U
#define REGEX_MAX_REPEAT  1000U
#define REGEX_MAX_NESTING 64U

/*
 * Compiles into *ret (owned by the caller: nfa_build_done). On -EINVAL and
 * -E2BIG *ret_error is a constant that says what is wrong and *ret_at the byte
 * offset in the pattern. Return: 0, -EINVAL, -E2BIG, -ENOMEM.
 */
int regex_compile(struct str pattern, struct nfa_build *ret,
		  const char **ret_error, size_t *ret_at);
/* Compiles and searches in one go; false for a pattern that is not valid. */
bool regex_match(struct str pattern, struct str text);

#endif
