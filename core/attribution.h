/* SPDX-License-Identifier: MIT */
/*
 * attribution.h - who a thread acts for: one shared page between two workers
 *
 * The supervisor (tracer) carries calls out for commands, so the file system
 * (vfs) sees the supervisor's threads as its clients. Here the supervisor
 * writes, before each call, for which command and which process a thread acts.
 * The call blocks until the file system has answered, so what it reads while
 * serving is what was written for this very call.
 *
 * The same memory lists the commands that run, with their first process, for
 * calls that a process makes by itself. A command is on the list before its
 * first process can touch a file; news over the channel would come later.
 *
 * Writer: one process at a time (and children it forks for one call). Readers:
 * any thread. Made by the server as a sealed memfd of fixed size. What is in it
 * is the supervisor's word; the reader bounds every index and string.
 */
#ifndef CORE_ATTRIBUTION_H
#define CORE_ATTRIBUTION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

#define ATTRIBUTION_ID_MAX   128U
#define ATTRIBUTION_LINE_MAX 376U
#define ATTRIBUTION_NONE     UINT32_MAX /* no place */

struct attribution;

/* Server: the memory (owned fd). 0 or -errno. */
int attribution_create(int *ret_fd);
/* Maps it; fd is borrowed. -EBADMSG: not of this kind. */
int attribution_map(int fd, struct attribution **ret);
struct attribution *attribution_unmap(struct attribution *a);

/*
 * Writer: a command with its words, for people. first: its first process; 0
 * when not known yet. ret: its place, until removed. -ENOSPC: too many; its
 * calls are then recorded for the session as such.
 */
int attribution_add(struct attribution *a, struct str id, struct str words,
		    pid_t first, uint32_t *ret_place);
void attribution_set_first(struct attribution *a, uint32_t place, pid_t first);
void attribution_remove(struct attribution *a, uint32_t place);
/* The calling thread acts for `caller` of the command from now on. */
void attribution_act(struct attribution *a, uint32_t place, pid_t caller);

/* A new writer takes over from one that has died. */
void attribution_reset(struct attribution *a);
/* In a child that was forked: it is a thread of its own. */
void attribution_forked(void);
/* The calling thread acts for nobody any more: before it ends. */
void attribution_leave(void);

/*
 * Reader: the command that the thread tid acts for, as its place and a number
 * that no other command ever has; 0: it acts for itself. *ret_own: it is the
 * writer itself and not a child that it forked, whose number somebody else may
 * have by now.
 */
uint64_t attribution_of_thread(const struct attribution *a, pid_t tid,
			       uint32_t *ret_place, pid_t *ret_caller,
			       bool *ret_own);
/* The running command whose first process this is, likewise. */
uint64_t attribution_of_first(const struct attribution *a, pid_t pid,
			      uint32_t *ret_place);
/* The one running command, when there is only one; 0: none or several. */
uint64_t attribution_of_only(const struct attribution *a, uint32_t *ret_place);
struct attributed {
	char id[ATTRIBUTION_ID_MAX];
	char words[ATTRIBUTION_LINE_MAX];
};
/* Its id and words. -ESTALE: it is gone. */
int attribution_get(const struct attribution *a, uint32_t place,
		    uint64_t generation, struct attributed *ret);
/*
 * What the command has done to files, said by the file system before it answers
 * the call; for the receipt and the brake.
 */
struct attribution_totals {
	uint64_t removed, changed, created, kept_bytes, unkept;
	uint64_t token_hi, token_lo; /* of its group in the trash; 0 = none */
};
void attribution_put_totals(struct attribution *a, uint32_t place,
			    uint64_t generation,
			    const struct attribution_totals *t);
/* All zero when nothing was said yet. */
void attribution_get_totals(const struct attribution *a, uint32_t place,
			    struct attribution_totals *ret);
/* Changes whenever a command is added or removed. */
uint64_t attribution_changes(const struct attribution *a);

#endif
