/* SPDX-License-Identifier: MIT */
/*
 * undo.h - reverse what commands did; checkpoints
 *
 * Undo walks the selected records newest first and reverses each one whose
 * result is still there: three-way, what the record says was before, what it
 * made of it, what is there now. Something changed since (by another command,
 * or on the host) is a conflict: skipped and reported, or with `force` the
 * present state is quarantined and the earlier one put back. Everything undo
 * does is itself recorded as one group: redo is the undo of that group.
 */
#ifndef TRASH_UNDO_H
#define TRASH_UNDO_H

#include <stdbool.h>
#include <stdint.h>

#include "trash/list.h"

struct undo_select {
	struct str command; /* id; or */
	struct str session; /* all of its commands; or */
	int64_t since_ns;   /* all since this Unix time; or */
	uint64_t since_seq; /* all since a checkpoint; or */
	struct trash_token group;
	/* none of the above: the newest group that is neither undone nor an
	 * undo itself */
	const struct str *paths; /* only records of these paths and below */
	size_t n_paths;
	bool dry_run, force;
	struct str by_command, by_session; /* who the undo is recorded as */
	struct str detail;
};

enum undo_status {
	UNDO_DONE = 0, /* or would be done, in a dry run */
	UNDO_CONFLICT, /* changed since: left alone */
	UNDO_LOST,     /* its content was not kept, or was purged */
	UNDO_SKIPPED,  /* nothing to do: already as it was */
	UNDO_FAILED,   /* error */
};
const char *undo_status_to_string(enum undo_status s);

struct undo_step {
	enum undo_status status;
	enum trash_verb verb;   /* of the record reversed */
	struct str path, path2; /* absolute, where they are now */
	const char *why;        /* conflict, loss; static text */
	int error;
	uint64_t bytes;
	struct trash_token token; /* of the record */
	struct str command;       /* that did it */
	uint64_t nr, total;       /* 1 to total */
};
typedef int undo_step_fn(void *arg, const struct undo_step *s);

struct undo_result {
	uint64_t done, conflicts, lost, failed, skipped;
	struct trash_token group; /* what was recorded; zero if nothing */
	char command[64];         /* its command id */
};

/* Return: 0 (see ret), -ENOENT nothing selected, -errno. fn may be NULL. */
int trash_undo(struct trash *t, const struct undo_select *sel, undo_step_fn *fn,
	       void *arg, struct undo_result *ret);
/* Undoes the newest undo that was not itself undone; options from sel. */
int trash_redo(struct trash *t, const struct undo_select *sel, undo_step_fn *fn,
	       void *arg, struct undo_result *ret);

struct checkpoint {
	char id[37]; /* UUID */
	struct str session, reason;
	int64_t created_ns;
	uint64_t seq; /* records after this came later */
};
typedef int checkpoint_fn(void *arg, const struct checkpoint *c);

/* O(1): a mark; nothing is copied. id_out: 37 bytes. */
int checkpoint_create(struct trash *t, struct str session, struct str reason,
		      char id_out[37]);
/* Oldest first; session empty = all. */
int checkpoint_list(struct trash *t, struct str session, checkpoint_fn *fn,
		    void *arg);
/* Strings in *ret point into buf. -ENOENT. id may be a unique prefix. */
int checkpoint_find(struct trash *t, struct str id, struct buf *buf,
		    struct checkpoint *ret);
/* Forgets marks older than older_than_ns (0 = any), keeping the newest `keep`
 * (SIZE_MAX = not set). Return: number removed or -errno. */
int checkpoint_purge(struct trash *t, struct str session, int64_t older_than_ns,
		     size_t keep);

/* How a path differs from what it was at the mark. */
struct checkpoint_change {
	char kind;       /* 'M' changed, '+' deleted since, '-' added since */
	struct str path; /* relative to the workspace root */
	struct trash_token before; /* its content then; zero if none kept */
};
typedef int checkpoint_change_fn(void *arg, const struct checkpoint_change *c);
int checkpoint_changes(struct trash *t, uint64_t seq, checkpoint_change_fn *fn,
		       void *arg);
/* Rollback is trash_undo() with since_seq. */

#endif
