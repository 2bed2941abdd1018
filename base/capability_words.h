/* SPDX-License-Identifier: MIT */
/*
 * capability_words.h - names of Linux capabilities, and which of them commands
 * may be left
 */
#ifndef BASE_CAPABILITY_WORDS_H
#define BASE_CAPABILITY_WORDS_H

#include "base/str.h"

/* "CAP_CHOWN" or "chown", in any case: its number; -1: there is none. */
int capability_from_word(struct str word);
/* "CHOWN"; NULL if the number has no name here. */
const char *capability_name(int number);
/*
 * Why `capabilities.allow` must not name it: what a command could do with it to
 * what confines it, or that what it is for is refused anyway. NULL: it may.
 */
const char *capability_refused(int number);

#endif
