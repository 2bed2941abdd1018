/* SPDX-License-Identifier: MIT */
/*
 * programs.h - what is known of programs by the names they are run by
 */
#ifndef TRACER_PROGRAMS_H
#define TRACER_PROGRAMS_H

#include "tracer/exec.h"
#include "tracer/tracer.h"

/*
 * x->raw is known and leads to the same file as before, unchanged: fills path,
 * names (borrowed until the next programs_learn()), image and image_st; there
 * is nothing to follow then, and x->fd stays -1.
 */
bool programs_find(const struct tracer *t, struct exec *x);
/* x was found, followed and not denied. n_names: those that raw led to. */
void programs_learn(struct tracer *t, const struct exec *x, size_t n_names);
/* Rules have changed, or directories have been renamed. */
void programs_forget(struct tracer *t);
void programs_done(struct tracer *t);

#endif
