/* SPDX-License-Identifier: MIT */
/*
 * pace.h - where and how soon a request thread runs
 */
#ifndef VFS_PACE_H
#define VFS_PACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Per thread, before its first request. */
void pace_init(bool follow);
/* Per request, with the client's process (0 = none waits for it). */
void pace_request(pid_t client);

#endif
