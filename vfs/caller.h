/* SPDX-License-Identifier: MIT */
/*
 * caller.h - what a request does not tell about who asks
 *
 * FUSE tells user, group and process. Capabilities and further groups are in
 * /proc/TID/status, which costs some 20 us: read only where set-id bits are at
 * stake.
 */
#ifndef VFS_CALLER_H
#define VFS_CALLER_H

#include <stdbool.h>
#include <sys/types.h>

#include "vfs/request.h"

struct caller {
	pid_t tid;
	gid_t gid;
};

static inline struct caller caller_of(fuse_req_t req)
{
	const struct fuse_ctx *c = fuse_req_ctx(req);

	return (struct caller){ .tid = c->pid, .gid = c->gid };
}

/* The caller has this effective capability, in the user namespace that we are
 * in. False when it cannot be told. */
bool caller_can(struct caller c, unsigned int capability);

/* As the kernel asks before it leaves a set-group-id bit: the caller is of that
 * group, or has CAP_FSETID. */
bool caller_keeps_setgid(struct caller c, gid_t group);

/* What the caller writes to fd leaves its set-id bits: it has CAP_FSETID, or
 * what there is means nothing (no execution by the group, of which it is). */
bool caller_writes_setid(struct caller c, int fd);

/* A file that is made in dirfd with this mode keeps its set-group-id bit, which
 * we would be refused. */
bool caller_makes_setgid(struct caller c, int dirfd, mode_t mode);

#endif
