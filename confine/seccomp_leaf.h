/* SPDX-License-Identifier: MIT */
/*
 * seccomp_leaf.h - private seam of the filter builder: decision and tests
 *
 * seccomp.c decides per syscall which leaf it gets and lays the tree over the
 * numbers; seccomp_leaf.c emits what a leaf does.
 */
#ifndef CONFINE_SECCOMP_LEAF_H
#define CONFINE_SECCOMP_LEAF_H

#include <linux/seccomp.h>
#include <stdint.h>

#include "confine/bpf.h"
#include "confine/seccomp.h"

#define RET_NOTIFY   0x7fc00000U /* SECCOMP_RET_USER_NOTIF, 5.0 */
#define RET_ERRNO(e) (SECCOMP_RET_ERRNO | (uint32_t)(e))

/* What gen-syscalls.py may say of a syscall. */
enum row_class {
	ROW_ALLOW,
	ROW_DENY,
	ROW_NOSYS,
	ROW_PTRACE,
	ROW_SETNS,
	ROW_UNSHARE,
	ROW_CLONE,
	ROW_EXEC,
	ROW_SETFS,
	ROW_SETTID,
	ROW_OPEN,
	ROW_OPENAT,
	ROW_OPENAT2,
	ROW_CREAT,
	ROW_MUTATE,
	ROW_TRUNCATE,
	ROW_MKNOD,
	ROW_MKNODAT,
	ROW_META,
	ROW_CHMOD,
	ROW_CHMODAT,
	ROW_STAT,
	ROW_NET,
	ROW_SENDTO,
	ROW_RECVFROM,
	ROW_RECVMSG,
	ROW_SENDMSG,
	ROW_SENDMMSG,
	ROW_SOCKET,
	ROW_SOCKETPAIR,
	ROW_SETSOCKOPT,
	ROW_KILL,
	ROW_SIGNAL,
	ROW_TGKILL,
	ROW_FTRUNCATE,
	ROW_PWRITEV2,
	ROW_IO_SETUP,
	ROW_CHDIR,
	ROW_WATCH,
	ROW_IOCTL,
	ROW_FCNTL,
	ROW_PRCTL,
	ROW_SECCOMP,
	ROW_PERSONALITY,
	ROW_PRLIMIT,
	ROW_SETPRIORITY,
	ROW_IOPRIO,
	ROW_SELF,
};

/* A leaf: run the tests of `check` (ROW_ALLOW = none), then return `pass`. */
struct action {
	uint32_t pass;
	uint8_t check; /* enum row_class */
};

/* Appends the leaf: its tests, then the return. Never falls through. */
void seccomp_leaf_emit(struct bpf *b, const struct seccomp_options *o,
		       struct action a);

#endif
