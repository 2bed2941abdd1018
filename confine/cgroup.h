/* SPDX-License-Identifier: MIT */
/*
 * cgroup.h - one cgroup per command: limits, and the end of everything in it
 *
 * v2, v1 and hybrid hosts. A "set" is the command's directory in every
 * hierarchy that has a controller we use, plus the controller-less v2 tree of
 * a hybrid host (for cgroup.kill and cgroup.events). Probed per controller by
 * making a child, writing a limit and reading it back; never inferred.
 */
#ifndef CONFINE_CGROUP_H
#define CONFINE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct cgroup_root; /* what this host offers; immutable after probing */
struct cgroup_set;  /* one command */

struct cgroup_limits {
	uint64_t memory_bytes; /* 0 = none */
	uint64_t swap_bytes;
	bool swap_set;
	uint32_t cpu_percent; /* of one CPU */
	uint32_t pids;
};

enum cgroup_kind {
	CGROUP_NONE = 0,
	CGROUP_V1,
	CGROUP_V2
};

struct cgroup_root_info {
	enum cgroup_kind memory, pids, cpu;
	bool kill;   /* cgroup.kill works */
	bool freeze; /* v2 freeze or v1 freezer works */
};

/*
 * base: sandbox.cgroups.base_path: an absolute path below the v2 mount, whose
 * tail is used in v1 hierarchies too, or a name beneath our own cgroup; NULL =
 * `agentsh`, removed by whoever closes last. Single-threaded. Where v2 forbids
 * controllers because processes sit in our own cgroup, they are moved to its
 * child `agentsh-self`, provided all of them are programs named agentsh*; close
 * moves this one back. Where others are there, too, and base is NULL, the
 * nearest cgroup above takes its place, if it passes memory and pids down and
 * what bounds ours can be set for the new directory as well.
 * Return: 0, -EOPNOTSUPP when nothing can be made, -EINVAL for a bad base,
 * -ENOMEM.
 */
int cgroup_root_open(const char *base, struct cgroup_root **ret);
/*
 * The same; why (may be NULL) says in words what each hierarchy refused, also
 * when the call succeeds with part of them.
 */
int cgroup_root_open_why(const char *base, struct buf *why,
			 struct cgroup_root **ret);
struct cgroup_root *cgroup_root_close(struct cgroup_root *r);
void cgroup_root_info(const struct cgroup_root *r,
		      struct cgroup_root_info *ret);
/* Appends "v1: memory pids cpu; v2: kill", for messages. */
void cgroup_root_describe(const struct cgroup_root *r, struct buf *out);

/*
 * name: [A-Za-z0-9_.-]{1,200}; the directory is NAME@PID.TICKS of its owner.
 * Limits that cannot be set are named in missing ("memory cpu"; may be NULL);
 * the set is made nevertheless. Memory without a swap limit may not swap.
 * Return: 0, -EINVAL (name), -ENOMEM, or -errno when no directory can be made.
 */
int cgroup_set_create(struct cgroup_root *r, const char *name,
		      const struct cgroup_limits *limits,
		      struct cgroup_set **ret, struct buf *missing);
/* cgroup.procs descriptors to write "0" or a pid to; borrowed, CLOEXEC. */
unsigned int cgroup_set_procs_fds(const struct cgroup_set *s, int *fds,
				  unsigned int max);
/* Moves pid into every hierarchy of the set. */
int cgroup_set_attach(struct cgroup_set *s, pid_t pid);
/*
 * SIGKILLs every process in it until it is empty; count of processes seen.
 * Waits for their death, at most 2 s. Return: 0 or -EBUSY (some are left).
 */
int cgroup_set_kill(struct cgroup_set *s, unsigned int *ret_killed);
bool cgroup_set_empty(const struct cgroup_set *s);
/*
 * pid, which is in the set, stays there from command to command: it counts
 * neither as a member nor against the limit of processes. A kill still takes
 * it with the others.
 */
void cgroup_set_resident(struct cgroup_set *s, pid_t pid);
/*
 * Peak memory in KiB (0 = unknown) and whether the OOM killer struck. At the
 * end of a command: cgroup_set_recycle() starts from what this has read.
 */
void cgroup_set_usage(struct cgroup_set *s, uint64_t *ret_peak_kb,
		      bool *ret_oom);
/* True if pid is in this set (reads /proc/PID/cgroup). */
bool cgroup_set_contains(const struct cgroup_set *s, pid_t pid);
/*
 * Readies a set that is empty for another command with the same limits, which
 * costs a fraction of removing it and making a new one. -EBUSY when a process
 * is in it, or when so much memory is still charged to it that the next command
 * would feel it or be blamed for it: destroy it then. Or -errno.
 */
int cgroup_set_recycle(struct cgroup_set *s);
/* Kills what is left, removes the directories, frees. */
struct cgroup_set *cgroup_set_destroy(struct cgroup_set *s);
/* Removes directories that a dead server of ours left behind. */
int cgroup_root_reap_orphans(struct cgroup_root *r);

/* --- private to confine/, and its tests --- */

#define CGROUP_MEMORY  (1U << 0)
#define CGROUP_PIDS    (1U << 1)
#define CGROUP_CPU     (1U << 2)
#define CGROUP_FREEZER (1U << 3)

/* A mounted hierarchy and where in it this process sits. */
struct cgroup_mount {
	enum cgroup_kind kind;
	bool aside;           /* v2: we are in CGROUP_SELF of `own` */
	uint32_t controllers; /* of a v1 mount */
	char *point;          /* owned; mount point */
	char *own;            /* owned; directory of our own cgroup */
	char *path; /* owned; our cgroup as /proc/self/cgroup names it */
};

/* Where our processes step aside to; never counted as their own cgroup. */
#define CGROUP_SELF "agentsh-self"

#define CGROUP_MAX_MOUNTS 8

/*
 * Pure: from the text of /proc/self/mountinfo and /proc/self/cgroup. The first
 * mount of each hierarchy counts. Return: number written to out (owned
 * strings; cgroup_mounts_done) or -ENOMEM.
 */
int cgroup_mounts_parse(struct str mountinfo, struct str self,
			struct cgroup_mount out[CGROUP_MAX_MOUNTS]);
void cgroup_mounts_done(struct cgroup_mount *m, size_t n);

#endif
