/* SPDX-License-Identifier: MIT */
/*
 * legacy.h - entries written by the Go program (private to trash/)
 *
 * payload/TOKEN is the kept object, manifest/TOKEN.json what it was. A manifest
 * says where to restore to, but not what to move: the payload is always taken
 * from payload/ in this store, and the target must lie beneath the workspace.
 */
#ifndef TRASH_LEGACY_H
#define TRASH_LEGACY_H

#include "base/arena.h"
#include "trash/restore.h"

struct legacy_entry {
	struct trash_token token;
	struct str original_path, session, hash; /* in the arena */
	uint64_t size;
	int64_t created_ns;
	uint32_t mode, uid, gid;
	bool has_owner;
};

typedef int legacy_fn(void *arg, const struct legacy_entry *e);
/* Oldest first; unreadable manifests are skipped. */
int legacy_walk(struct trash *t, legacy_fn *fn, void *arg);
/* -ENOENT: no such manifest. */
int legacy_find(struct trash *t, struct trash_token token, struct arena *a,
		struct legacy_entry *ret);
/* Directory fd of payload/ (owned) and the payload's name. */
int legacy_payload(struct trash *t, struct trash_token token, int *ret_dirfd,
		   char name[TRASH_TOKEN_LEN + 1]);
/* Removes manifest and payload (a tree, too; not crossing mounts). */
int legacy_remove(struct trash *t, struct trash_token token, bool payload_too);

#endif
