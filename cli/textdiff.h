/* SPDX-License-Identifier: MIT */
/*
 * textdiff.h - unified difference of two texts
 */
#ifndef CLI_TEXTDIFF_H
#define CLI_TEXTDIFF_H

#include "base/str.h"

/*
 * Appends hunks with three lines of context, without the file header; control
 * characters are escaped. 1: appended; 0: equal; -ENOTSUP: not text (a zero
 * byte); -E2BIG: too long or too different to be shown.
 */
int textdiff(struct str a, struct str b, struct buf *out);

#endif
