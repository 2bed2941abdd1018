/* SPDX-License-Identifier: MIT */
/*
 * canary_try.h - attempts at what the policy forbids (private to canary.c)
 *
 * Each returns 0 (it worked), or -errno of the refusal; -ENOENT when the scene
 * has nothing to try it on.
 */
#ifndef CONFINE_CANARY_TRY_H
#define CONFINE_CANARY_TRY_H

#include "confine/canary.h"

int canary_create(const struct canary_scene *s);
int canary_program(const struct canary_scene *s);
int canary_alias(const struct canary_scene *s);
int canary_connect(const struct canary_scene *s);
int canary_datagram(const struct canary_scene *s);
int canary_control(const struct canary_scene *s);
int canary_undo(const struct canary_scene *s);
int canary_survivor(const struct canary_scene *s);
int canary_processes(const struct canary_scene *s);
int canary_memory(const struct canary_scene *s);

#endif
