/* SPDX-License-Identifier: MIT */
/*
 * keeper.h - one call for "do this destroying operation, kept"
 *
 * For catchers that carry out a sandboxed process's system call on its behalf
 * (tracer): a request is a verb, a held parent and a name. struct keeper is the
 * seam; keeper_for() backs it with a store, tests with a fake, and a catcher
 * without a store uses keeper_none(), which performs plainly.
 */
#ifndef TRASH_KEEPER_H
#define TRASH_KEEPER_H

#include "trash/keep.h"

enum keep_verb {
	KEEP_UNLINK = 0,
	KEEP_RMDIR,
	KEEP_RENAME,   /* at -> to, rename_flags */
	KEEP_WRITE,    /* before an open for writing or a write */
	KEEP_APPEND,   /* before an open with O_APPEND and no O_TRUNC */
	KEEP_TRUNCATE, /* before O_TRUNC, truncate, ftruncate: length */
	KEEP_META,     /* before chmod, chown, utimens, xattr: meta, xattr */
	KEEP_MAKE,     /* before create, mkdir, ...: times of the directory */
	KEEP_MADE,     /* after create, mkdir, symlink, link, mknod: made */
};

struct keep_req {
	enum keep_verb verb;
	uint32_t group; /* trash_group_open() */
	struct trash_at at;
	struct trash_at to;        /* KEEP_RENAME */
	unsigned int rename_flags; /* renameat2(2) */
	int fd;             /* the object, when the caller holds it; else -1 */
	off_t length;       /* KEEP_TRUNCATE */
	unsigned int flags; /* TRASH_MAY_SWAP */
	unsigned int meta;  /* enum trash_meta bits */
	const char *xattr;
	enum trash_made made;
};

struct keeper {
	/*
	 * UNLINK, RMDIR and RENAME are performed; for the others only what is
	 * needed before (or noted after) is done and the caller acts itself.
	 * 0 or -errno, then nothing was destroyed. ret may be NULL.
	 */
	int (*keep)(void *arg, const struct keep_req *req,
		    struct trash_kept *ret);
	void *arg;
};

/* t is borrowed. */
struct keeper keeper_for(struct trash *t);
/* Performs without keeping. */
struct keeper keeper_none(void);

static inline int keeper_keep(const struct keeper *k,
			      const struct keep_req *req,
			      struct trash_kept *ret)
{
	return k->keep(k->arg, req, ret);
}

#endif
