/* SPDX-License-Identifier: MIT */
/*
 * gate.h - from a FUSE request to a verdict
 *
 * A request is judged on the object or the parent directory that we hold: the
 * kernel's name of that descriptor (plus one component). The thread waits for
 * an approval; other threads go on serving (session_block).
 *
 * One judge per operation: what the supervisor does for a caller it has judged
 * and recorded, with approvals, redirects and the brake; here only a plain
 * denial still counts. What reaches us from a process itself is judged here.
 * Looking up always is: the kernel remembers what was found, for whoever asks
 * next.
 */
#ifndef VFS_GATE_H
#define VFS_GATE_H

#include "vfs/vfs.h"

struct gate_op {
	enum file_verb verb;
	const char *type; /* of the event */
	struct str path;  /* absolute */
	struct str path2; /* rename, link: the other name; else empty */
	bool is_dir;
	bool quiet;  /* recorded only when denied */
	bool judged; /* by the supervisor, which acts for the caller */
	pid_t pid;
	struct command *command;
};

/* 0 go ahead; 1 go ahead, soft_delete; -EACCES; -EIO could not be recorded in
 * strict mode. */
int gate_ask(struct vfs *v, const struct gate_op *g);
/* The policy lets `stat` see it; nothing is recorded. */
bool gate_visible(struct vfs *v, struct str path, bool is_dir);
/* Puts on record that a name was closed to the caller of g, whatever the policy
 * says; rule: what it is called there. */
void gate_closed(struct vfs *v, const struct gate_op *g, const char *rule);
/* Absolute path of a held descriptor, and of a name in it. A file that is
 * gone (deleted or quarantined) has none: -ENOENT. */
int gate_path(struct vfs *v, struct inode *i, int fd, struct buf *out);
int gate_path_at(struct vfs *v, struct inode *dir, int dirfd, const char *name,
		 struct buf *out);
/* file_soft_deleted, for the receipt. */
void gate_soft_deleted(struct vfs *v, const struct gate_op *g,
		       struct trash_token token);
void gate_init(struct vfs *v);

#endif
