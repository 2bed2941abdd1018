/* SPDX-License-Identifier: MIT */
/*
 * floor.h - the Landlock domains of a session's commands and of its supervisor
 */
#ifndef TRACER_FLOOR_H
#define TRACER_FLOOR_H

#include "tracer/tracer.h"

/*
 * The commands' domain as t->landlock_fd; that there is no Landlock is no
 * failure, but in t->landlock_error. 0 or -errno.
 */
int floor_build(struct tracer *t);
/* Again, after t has learnt what cannot be had here. */
int floor_rebuild(struct tracer *t);
/* No capabilities (but t->own_caps), no_new_privs, and a domain that the commands' lies in. */
int floor_drop_privileges(struct tracer *t);

#endif
