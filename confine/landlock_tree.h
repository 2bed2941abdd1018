/* SPDX-License-Identifier: MIT */
/*
 * landlock_tree.h - granted trees and the holes in them as rules (private to
 * landlock.c)
 */
#ifndef CONFINE_LANDLOCK_TREE_H
#define CONFINE_LANDLOCK_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/vec.h"
#include "confine/landlock.h"

#define LANDLOCK_FS_EXECUTE     (UINT64_C(1) << 0)
#define LANDLOCK_FS_WRITE_FILE  (UINT64_C(1) << 1)
#define LANDLOCK_FS_READ_FILE   (UINT64_C(1) << 2)
#define LANDLOCK_FS_READ_DIR    (UINT64_C(1) << 3)
#define LANDLOCK_FS_REMOVE_DIR  (UINT64_C(1) << 4)
#define LANDLOCK_FS_REMOVE_FILE (UINT64_C(1) << 5)
#define LANDLOCK_FS_MAKE_CHAR   (UINT64_C(1) << 6)
#define LANDLOCK_FS_MAKE_DIR    (UINT64_C(1) << 7)
#define LANDLOCK_FS_MAKE_REG    (UINT64_C(1) << 8)
#define LANDLOCK_FS_MAKE_SOCK   (UINT64_C(1) << 9)
#define LANDLOCK_FS_MAKE_FIFO   (UINT64_C(1) << 10)
#define LANDLOCK_FS_MAKE_BLOCK  (UINT64_C(1) << 11)
#define LANDLOCK_FS_MAKE_SYM    (UINT64_C(1) << 12)
#define LANDLOCK_FS_REFER       (UINT64_C(1) << 13) /* ABI 2 */
#define LANDLOCK_FS_TRUNCATE    (UINT64_C(1) << 14) /* ABI 3 */
#define LANDLOCK_FS_IOCTL_DEV   (UINT64_C(1) << 15) /* ABI 5 */

/* The rights that a rule on something else than a directory may carry. */
#define LANDLOCK_FS_OF_FILES                            \
	(LANDLOCK_FS_EXECUTE | LANDLOCK_FS_WRITE_FILE | \
	 LANDLOCK_FS_READ_FILE | LANDLOCK_FS_TRUNCATE | LANDLOCK_FS_IOCTL_DEV)

struct landlock_hole {
	struct str path; /* owned, NUL-terminated, as the kernel names it */
	bool unread;     /* must not even be read */
	uint64_t open;   /* rights that whole trees around it grant */
};

/* What has been granted. */
struct landlock_tree {
	struct str path; /* owned */
	uint64_t rights;
	bool whole; /* no hole left out */
};

struct landlock_builder {
	int fd; /* ruleset, owned by landlock_build() */
	uint64_t handled_fs;
	VEC(struct landlock_hole) holes;
	VEC(struct landlock_tree) trees;
	VEC(struct str) blind; /* owned: levels that could not be listed */
	struct landlock_report report;
	struct landlock_builder *outer; /* gets the same without holes, or NULL */
};

/* The rights of a directory are trimmed on anything else. */
int landlock_add_path(struct landlock_builder *b, int fd, uint64_t rights,
		      bool is_dir);
/* Rights of grant_access bits. */
uint64_t landlock_fs_rights(uint32_t access);

/* The holes first, then the grants. 0 or -errno. */
int landlock_add_holes(struct landlock_builder *b, const struct grant_set *g);
int landlock_add_grants(struct landlock_builder *b, const struct grant_set *g);
/* Everything beneath path, which fd is, but the holes. */
int landlock_expand(struct landlock_builder *b, int fd, struct str path,
		    uint64_t rights);
void landlock_builder_done(struct landlock_builder *b);

#endif
