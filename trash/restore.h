/* SPDX-License-Identifier: MIT */
/*
 * restore.h - bring kept things back; drop them for good
 */
#ifndef TRASH_RESTORE_H
#define TRASH_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "trash/list.h"

enum restore_status {
	RESTORE_DONE = 0,
	RESTORE_CONFLICT,      /* the destination exists */
	RESTORE_HASH_MISMATCH, /* kept bytes are not what was recorded */
	RESTORE_GONE,          /* restored or purged before */
	RESTORE_FAILED,        /* error */
};

struct restore_item {
	enum restore_status status;
	int error; /* negative errno when RESTORE_FAILED */
	struct trash_token token;
	struct str path;               /* destination, absolute */
	struct str expected, computed; /* hex, RESTORE_HASH_MISMATCH */
};
typedef int restore_fn(void *arg, const struct restore_item *item);

struct restore_options {
	/*
	 * dest: restore there instead of the original place; absolute or
	 * relative to the cwd, and the only way out of the workspace. For a
	 * tree it names the new top. as_name: keep the directory, change the
	 * last component. Empty = original.
	 */
	struct str dest;
	struct str as_name;
	bool force;   /* what is in the way is quarantined, then replaced */
	bool dry_run; /* report only */
	struct str command, session; /* recorded as the restoring command */
};

struct restore_result {
	uint64_t done, conflicts, failed;
	uint64_t bytes;
	struct trash_token group; /* of the restore itself: undo it with this */
};

/*
 * token: of an entry, of a removed directory (then with all that the same
 * command removed below it), of a group, or of the Go program. Exact mode,
 * owner, times, xattrs, ACLs, hard links and holes; missing parents are made
 * (0755, or as recorded). fn (may be NULL) is called per item.
 * Return: 0 (see ret), -ENOENT unknown token, -errno.
 */
int trash_restore(struct trash *t, struct trash_token token,
		  const struct restore_options *o, restore_fn *fn, void *arg,
		  struct restore_result *ret);

struct purge_options {
	struct str session; /* alone: everything of that session */
	int64_t ttl_ns;     /* remove what is older; 0 = not set */
	uint64_t quota;     /* then oldest first until this many bytes are left;
			     * UINT64_MAX = not set */
	struct trash_token token; /* just this entry or group; zero = not set */
	bool all;
	bool dry_run;
};
#define PURGE_OPTIONS_INIT ((struct purge_options){ .quota = UINT64_MAX })

struct purge_result {
	uint64_t entries, bytes;
};
/* With no option set nothing is removed. Newer checkpoints keep nothing. */
int trash_purge(struct trash *t, const struct purge_options *o,
		struct purge_result *ret);

#endif
