/* SPDX-License-Identifier: MIT */
/*
 * pace.h - where and how soon a request thread runs
 */
#ifndef VFS_PACE_H
#define VFS_PACE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Once, before the first request thread: those may follow their clients from
 * CPU to CPU. dev is polled until pace_stop(). -errno: not possible here
 * (privilege), they are ordinary threads then.
 */
int pace_start(int dev);
/* After the request threads have ended. */
void pace_stop(void);

/* The calling thread begins and ends to serve requests. */
void pace_init(void);
void pace_done(void);
/* A request of `client` was taken; it was dealt with. */
void pace_request(pid_t client);
void pace_answered(void);
/* The calling thread waits for something in the middle of a request. */
void pace_away(bool away);

#endif
