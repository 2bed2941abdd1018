/* SPDX-License-Identifier: MIT */
/*
 * mark.h - what any agentsh of this machine knows commands of any other by
 *
 * Several servers (a person's, root's, `agentsh run`) do not know each other's
 * sessions, and a command of one must not be taken for a person by another. So
 * who supervises lowers a limit that nobody else lowers, which what it starts
 * inherits, cannot raise, and shows in /proc/PID/limits to everybody.
 */
#ifndef BASE_MARK_H
#define BASE_MARK_H

#include <stdbool.h>
#include <sys/types.h>

/* Marks this process and what it starts from now on, for good. 0 or -errno. */
int mark_self(void);

/*
 * Whether a process supervises commands, or is one: it bears the mark, and we do
 * not bear it in the same way. False for one that is gone. A command may make its
 * mark larger; it is known by being confined as well.
 */
bool mark_is_on(pid_t pid);

#endif
