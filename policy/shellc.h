/* SPDX-License-Identifier: MIT */
/*
 * shellc.h - what `sh -c SCRIPT` would run, as far as that is certain (private)
 *
 * Only scripts that are one simple command in plain words are understood; the
 * rest is opaque, and is judged when its commands are executed. A script that
 * tries to run a command in a way that hides it from rules is a bypass.
 */
#ifndef POLICY_SHELLC_H
#define POLICY_SHELLC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define SHELLC_MAX_TEXT  2048U
#define SHELLC_MAX_WORDS 64U

enum shellc_kind {
	SHELLC_NONE = 0, /* no -c, or a builtin: the shell's own rule holds */
	SHELLC_DERIVED,  /* words[0] with words[1..] is what runs */
	SHELLC_OPAQUE,
	SHELLC_BYPASS,  /* words[0] is a wrapper with options */
	SHELLC_UNCLEAR, /* may hide a command, and cannot be read */
};

struct shellc {
	struct str words[SHELLC_MAX_WORDS]; /* into text */
	size_t n_words;
	char text[SHELLC_MAX_TEXT];
	size_t n_text;
};

/* base: lower-cased, without ".real". */
bool is_shell(struct str base);

/*
 * argv with argv[0]. Fills out (no allocation). argv must not point into out.
 */
enum shellc_kind shellc_inspect(const struct str *argv, size_t argc,
				struct shellc *out);

/*
 * After SHELLC_BYPASS: drops the wrapper, its options and assignments, so that
 * words[0] is the likely command. False if nothing is left.
 */
bool shellc_skip_wrapper(struct shellc *s);

#endif
