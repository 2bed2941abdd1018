/* SPDX-License-Identifier: MIT */
/*
 * proc.h - processes by pidfd, and what /proc says of them
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

/* A process pinned by pidfd; start_ticks guards against reuse without one. */
struct procref {
	pid_t pid;
	int pidfd; /* owned; -1 where pidfd_open is missing */
	uint64_t start_ticks;
};

int procref_open(pid_t pid, struct procref *ret);
void procref_close(struct procref *p);
/* 0 alive, -ESRCH gone. */
int procref_check(const struct procref *p);
/* pidfd_send_signal, else kill after checking start_ticks. */
int procref_kill(const struct procref *p, int signo);

/* Fields of /proc/PID/status or stat; -errno (-ESRCH: gone). */
int proc_parent(pid_t pid, pid_t *ret);
int proc_tgid(pid_t tid, pid_t *ret);
int proc_start_ticks(pid_t pid, uint64_t *ret);
int proc_umask(pid_t pid, mode_t *ret);
int proc_comm(pid_t pid, struct buf *out);
int proc_exe(pid_t pid, struct buf *out);
/* argv joined by NUL as the kernel gives it. */
int proc_cmdline(pid_t pid, struct buf *out);

#endif
