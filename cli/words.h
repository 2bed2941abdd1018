/* SPDX-License-Identifier: MIT */
/*
 * words.h - a line split into words with ' " and \ as a shell would
 */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "base/str.h"
#include "base/vec.h"

struct words {
	VEC(char *) v; /* owned strings */
};

#define WORDS_INIT       \
	{                \
		VEC_INIT \
	}

/* 0, -EINVAL (a quote or backslash without an end), -ENOMEM. */
int words_split(struct words *w, struct str line);
void words_done(struct words *w);
#define _cleanup_words_ _cleanup_(words_done)

#endif
