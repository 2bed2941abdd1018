/* SPDX-License-Identifier: MIT */
/*
 * proc.h - what /proc says of a process
 */
#ifndef BASE_PROC_H
#define BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

/* Fields of /proc/PID/status or stat; -errno (-ESRCH: gone). */
int proc_parent(pid_t pid, pid_t *ret);
int proc_tgid(pid_t tid, pid_t *ret);
int proc_start_ticks(pid_t pid, uint64_t *ret);
int proc_umask(pid_t pid, mode_t *ret);
/* /proc/PID/limits as it is; everybody may read it. */
int proc_limits(pid_t pid, struct buf *out);
/* Has a seccomp filter and no_new_privs; false if that cannot be told. */
bool proc_is_confined(pid_t pid);
int proc_comm(pid_t pid, struct buf *out);
int proc_exe(pid_t pid, struct buf *out);
/* argv joined by NUL as the kernel gives it. */
int proc_cmdline(pid_t pid, struct buf *out);

#endif
