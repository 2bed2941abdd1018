/* SPDX-License-Identifier: MIT */
/*
 * probe.h - what this kernel and container really let us do
 *
 * Each entry is established by performing the operation in a forked child, not
 * by reading versions or capability sets.
 */
#ifndef CONFINE_PROBE_H
#define CONFINE_PROBE_H

#include <stdbool.h>

struct probe_item {
	bool works;
	int error; /* errno of the attempt; 0 if it works */
};

struct probe {
	int landlock_abi;           /* 0 = none */
	struct probe_item landlock; /* restrict_self really denied an open */
	struct probe_item seccomp_filter;
	struct probe_item notify; /* listener + a real round trip */
	struct probe_item notify_addfd_send;
	struct probe_item notify_wait_killable;
	struct probe_item notify_sync_wakeup;
	struct probe_item vm_readv; /* of a child */
	struct probe_item proc_mem;
	struct probe_item pidfd_getfd;
	struct probe_item ptrace; /* SEIZE of a child */
	struct probe_item fuse;   /* open /dev/fuse + mount */
	struct probe_item mount_ns, user_ns, pid_ns, net_ns;
	struct probe_item cgroup_memory, cgroup_pids, cgroup_cpu;
	struct probe_item caps_drop; /* a forked child could drop them all */
};

/* Runs all probes (about 10 ms). Never fails: what broke says so. */
void probe_run(struct probe *ret);

#endif
