/* SPDX-License-Identifier: MIT */
/*
 * ptrace_holder.h - a process that lends descriptors to commands
 *
 * Without a seccomp listener nothing can put a descriptor into another
 * process; that process has to take it, by pidfd_getfd(), whose arguments are
 * all scalars. It may take from whom it could trace: the holder lives in the
 * commands' own Landlock domain, and the supervisor gives it what is to be
 * taken, under numbers at which no other process of ours has anything.
 */
#ifndef TRACER_PTRACE_HOLDER_H
#define TRACER_PTRACE_HOLDER_H

#include <sys/types.h>

#define HOLDER_FIRST 600 /* numbers of what it holds */
#define HOLDER_MAX   256

/* Forks the holder, in the process that is in the right domain already; sock:
 * its end of a SOCK_SEQPACKET pair (taken). 0 or -errno. */
int holder_start(int sock);

struct holder {
	struct holder *next; /* owned: for callers of other real ids */
	uid_t uid;
	gid_t gid;
	int sock; /* owned; -1 = there is none */
	pid_t pid;
	unsigned char used[HOLDER_MAX];
	unsigned int asked, answered; /* messages */
};

/* Waits for the holder's first word. 0 or -errno. */
int holder_connect(struct holder *h, int sock);
void holder_done(struct holder *h);
/*
 * The one that a caller of these real ids may take from, where such differ: the
 * kernel asks for the same user, and for no capability that the caller has not.
 * Forked by h when it is asked for first. NULL: it cannot be had.
 */
struct holder *holder_for(struct holder *h, uid_t uid, gid_t gid);
/* Sends fd (borrowed). Return: its number there, or -errno. */
int holder_lend(struct holder *h, int fd);
/* Waits until all that was lent is there, and all that was dropped is closed.
 * 0 or -errno. */
int holder_settle(struct holder *h);
void holder_drop(struct holder *h, int number);

#endif
