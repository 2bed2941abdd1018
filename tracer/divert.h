/* SPDX-License-Identifier: MIT */
/*
 * divert.h - redirect verdicts of file rules: another file takes the place of
 * the one that was named
 *
 * `redirect_to` is a directory; the file becomes redirect_to/BASENAME, or with
 * preserve_tree redirect_to/ALL/OF/THE/PATH. Which of the two a call names is
 * the same to the caller: descriptors, errors and attributes are those of the
 * diverted file. Rules are not asked again about it (the rule that diverts has
 * said where to), but what is closed to every command stays closed, and no link
 * is followed below redirect_to.
 */
#ifndef TRACER_DIVERT_H
#define TRACER_DIVERT_H

#include "tracer/file.h"

/*
 * Puts the diverted files in the place of f's targets; f->act then works on
 * them. 0 or -errno, what the caller shall see.
 */
int file_divert(struct file_call *f);
/*
 * For a call on something that is not there: true when a rule diverts its
 * name; it is ready to be judged then.
 */
bool file_name_diverted(struct file_call *f);
/* Makes the directories that rules divert to, as far as we may: Landlock can
 * only grant what exists. */
void divert_prepare(const struct tracer *t);

#endif
