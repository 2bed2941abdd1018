/* SPDX-License-Identifier: MIT */
/*
 * regex_class.h - named character classes of regular expressions
 */
#ifndef BASE_REGEX_CLASS_H
#define BASE_REGEX_CLASS_H

#include "base/nfa.h"
#include "base/str.h"

enum regex_class_family {
	REGEX_CLASS_PERL = 0, /* d s w */
	REGEX_CLASS_POSIX,    /* alnum ... xdigit */
	REGEX_CLASS_UNICODE,  /* L Lu Ll N Nd */
};

struct regex_class {
	const char *name;
	struct nfa_range ranges[12]; /* ended by { 0, 0 } */
};

/* NULL if the family has no class of that name. */
const struct regex_class *regex_class_find(enum regex_class_family family,
					   struct str name);

#endif
