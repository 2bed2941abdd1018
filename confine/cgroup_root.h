/* SPDX-License-Identifier: MIT */
/*
 * cgroup_root.h - private seam between cgroup.c (host) and cgroup_set.c
 */
#ifndef CONFINE_CGROUP_ROOT_H
#define CONFINE_CGROUP_ROOT_H

#include <stdbool.h>
#include <stdint.h>

#include "confine/cgroup.h"

/* One hierarchy of this host in which we can make directories. */
struct cgroup_tree {
	enum cgroup_kind kind;
	uint32_t use; /* controllers that passed the probe */
	bool kill;    /* cgroup.kill */
	bool freeze;  /* cgroup.freeze, or freezer.state on v1 */
	bool made;    /* the base directory is ours to remove, when last */
	bool moved;   /* this process went to SELF_NAME */
	bool above;   /* v2: own_fd is not our own cgroup, but one above it */
	int own_fd;   /* our own cgroup; owned */
	int fd;       /* base directory; owned */
	char *dir;    /* owned; path of the base directory */
	char *path;   /* owned; the same as /proc/PID/cgroup says it */
};

struct cgroup_root {
	struct cgroup_tree trees[CGROUP_MAX_MOUNTS];
	size_t n;
	char owner[64]; /* "@PID.TICKS.PIDNS": suffix of our directories */
};

/* Small files of a cgroup directory. 0 or -errno; text NUL-terminated. */
int cgroup_write(int dirfd, const char *file, const char *text);
int cgroup_write_u64(int dirfd, const char *file, uint64_t value);
int cgroup_read(int dirfd, const char *file, char *text, size_t size);
/* Number after "KEY " in a flat-keyed file; -ENOENT if there is none. */
int cgroup_read_key(int dirfd, const char *file, const char *key,
		    uint64_t *ret);

/*
 * Kills everything in the directory dirfd of a tree and waits for the end, at
 * most 2 s. Adds the processes seen to *killed. 0 or -EBUSY.
 */
int cgroup_kill_dir(const struct cgroup_tree *t, int dirfd,
		    unsigned int *killed);
bool cgroup_dir_empty(const struct cgroup_tree *t, int dirfd);

/*
 * cgroup_above.c. Makes *m mean the cgroup one above; false at the top of what
 * is mounted, or without memory (then *m is unchanged).
 */
bool cgroup_mount_up(struct cgroup_mount *m);
/*
 * Lowers the limits of the directory `to` to those of the cgroups from `from`
 * (a path) up to, not including, `above`. 0, or -errno when one of them has a
 * bound that cannot be had in `to`.
 */
int cgroup_copy_bounds(const char *from, const char *above, int to);

/* Inode of our PID namespace: a pid means nothing in another. 0 = unknown. */
uint64_t cgroup_pid_namespace(void);

#endif
