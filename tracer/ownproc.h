/* SPDX-License-Identifier: MIT */
/*
 * ownproc.h - processes of the supervision itself, as procfs shows them
 */
#ifndef TRACER_OWNPROC_H
#define TRACER_OWNPROC_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"

struct tracer;

/* This process, the launcher, a zygote, or what one of them started to help:
 * none of them is a command's. */
bool ownproc_is(const struct tracer *t, pid_t pid);

/*
 * May a link of procfs that lies in `dir`, the kernel's name of a directory on
 * procfs, be followed for a caller? Not one of ours, and nowhere but below
 * /proc: what another mount of procfs calls a process, nobody here knows.
 * t: NULL in tests.
 */
bool ownproc_may_follow(const struct tracer *t, struct str dir);

#endif
