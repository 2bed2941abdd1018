/* SPDX-License-Identifier: MIT */
/*
 * dirtimes.h - times that directories get back at the end of an undo (private
 * to trash/)
 *
 * Records are reversed newest first, and each knows what its directory was like
 * when its group first touched it: what is noted last for a path is the oldest
 * state, and that is the one set. Directories that are renamed meanwhile take
 * their entries along.
 */
#ifndef TRASH_DIRTIMES_H
#define TRASH_DIRTIMES_H

#include "base/vec.h"
#include "trash/record.h"

struct dirtime {
	char *path; /* owned; below the root, "" = the root */
	uint64_t hash;
	struct record_stat st;
	int64_t found_ns; /* its mtime when it was first noted */
	bool fresh;       /* made by this run: whatever inode it has */
	bool foreign;     /* somebody else changed it since: left as it is */
	bool partial;     /* not all that was done in it is reversed */
};

struct dirtimes {
	VEC(struct dirtime) entries;
	uint32_t *slots; /* owned; open addressing: position + 1 */
	size_t size;
};

/* Borrowed until the next call, or NULL. */
struct dirtime *dirtimes_find(const struct dirtimes *d, struct str path);
/* Sets the state for path, in a new entry or the one there is. 0 or -errno. */
int dirtimes_note(struct dirtimes *d, struct str path,
		  const struct record_stat *st, struct dirtime **ret);
/* The directory `from` is `to` now. 0 or -errno. */
int dirtimes_moved(struct dirtimes *d, struct str from, struct str to);
/* Two names were exchanged. 0 or -errno. */
int dirtimes_swapped(struct dirtimes *d, struct str a, struct str b);
void dirtimes_done(struct dirtimes *d);

#endif
