/* SPDX-License-Identifier: MIT */
/*
 * plan.h - what a command is confined by, as data, and how it went
 *
 * The parent prepares everything that allocates or reads files (ruleset fd,
 * filter program, cgroup fds); confine_apply() then walks the steps in the
 * child between clone and exec. It is async-signal-safe, allocates nothing and
 * may run in a CLONE_VM|CLONE_VFORK child.
 *
 * Order (lessons.md 6.1): cgroup, session/terminal, rlimits, working
 * directory, capabilities, no_new_privs, close_range, Landlock, seccomp
 * static + notify. Later steps need nothing that earlier ones took away.
 */
#ifndef CONFINE_PLAN_H
#define CONFINE_PLAN_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum confine_step {
	CONFINE_CGROUP = 0,
	CONFINE_SESSION, /* setsid / controlling terminal / process group */
	CONFINE_RLIMIT,
	CONFINE_CWD,
	CONFINE_CAPS,
	CONFINE_NNP,
	CONFINE_FDS,
	CONFINE_LANDLOCK,
	CONFINE_SECCOMP,
	CONFINE_STEP_MAX,
};

enum confine_result {
	CONFINE_SKIPPED = 0,
	CONFINE_OK,
	CONFINE_FAILED
};

struct confine_report {
	uint8_t result[CONFINE_STEP_MAX]; /* enum confine_result */
	int error[CONFINE_STEP_MAX];      /* errno of a failed step */
	/*
	 * Seccomp listener, CLOEXEC, in the child's table, or -1. After this
	 * step the child's own calls are judged too: hand the fd over by
	 * pidfd_getfd() of its number, not by sendmsg().
	 */
	int listener;
	int listener_error; /* errno why filter_static had to do; 0 = it has */
};

#define CONFINE_MAX_CGROUPS 8

struct confine_rlimit {
	int resource;
	uint64_t soft, hard;
};

struct confine_plan {
	int cgroup_procs[CONFINE_MAX_CGROUPS]; /* cgroup.procs, O_WRONLY */
	unsigned int n_cgroups;
	bool tty;          /* fd 0 becomes the controlling terminal */
	bool same_session; /* new process group only, no setsid: the command
			    * keeps the caller's terminal; excludes tty */
	bool same_group; /* not even that: the caller's group, which a terminal
			  * speaks to; excludes both */
	struct confine_rlimit rlimits[8];
	unsigned int n_rlimits;
	int cwd_fd;         /* fchdir here; -1 = stay */
	const char *cwd;    /* chdir here after fchdir; NULL = no */
	uint64_t caps_keep; /* bit set of capabilities to keep; normally 0 */
	bool caps_gone;     /* the caller has none any more: nothing to do */
	int landlock_fd;    /* prebuilt ruleset; -1 = none */
	uint32_t landlock_flags; /* for landlock_restrict_self, ABI-masked */
	const struct sock_fprog *filter; /* NULL = none */
	/*
	 * The same without notify classes: installed instead when the kernel
	 * refuses the listener (another one exists: EBUSY; a container's own
	 * filter: EPERM, EINVAL). NULL = then the step fails.
	 */
	const struct sock_fprog *filter_static;
	bool listener;      /* install `filter` with NEW_LISTENER */
	bool wait_killable; /* ask for WAIT_KILLABLE_RECV; done without if the
			     * kernel (before 5.19) has no such flag */
	uint32_t required;  /* bit per confine_step: a failure stops the exec */
};

/*
 * Walks all steps; the caller's fds 0-2 are in place already. Every fd above
 * 2 except keep_fd (-1 = none) becomes CLOEXEC.
 * Return: 0, or -errno of the first failed *required* step; report says which.
 */
int confine_apply(const struct confine_plan *p, int keep_fd,
		  struct confine_report *ret);

const char *confine_step_to_string(enum confine_step step);

#endif
