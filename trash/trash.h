/* SPDX-License-Identifier: MIT */
/*
 * trash.h - the quarantine and undo journal of one workspace
 *
 * A store lives in a directory on the workspace's own file system (default
 * <workspace>/.agentsh_trash, mode 0700). Everything a command destroys is kept
 * there before it happens (trash/keep.h), can be listed (trash/list.h), brought
 * back (trash/restore.h) and reversed as a whole (trash/undo.h).
 *
 * Several processes may have one store open at once: every writer appends to a
 * journal of its own, all share one clock (a counter in a mapped page), and
 * readers need no lock. All functions may be called from any thread. What is
 * read from the store is treated as untrusted: lengths are bounded, names are
 * single components, targets are resolved beneath the workspace root.
 *
 * Stores written by the Go program (payload/TOKEN + manifest/TOKEN.json in the
 * same directory) are listed, restored and purged like our own.
 */
#ifndef TRASH_TRASH_H
#define TRASH_TRASH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

#define TRASH_DEFAULT_DIR ".agentsh_trash"
/* What makes a directory a store: this is in it. */
#define TRASH_STORE_SUBDIR "store"

struct trash;

/*
 * Names one kept thing. 128 bits, random to look at, unique by construction,
 * written as 39 decimal digits (the Go program's tokens are decimal as well;
 * its 19-digit ones are accepted wherever a token is).
 */
struct trash_token {
	uint64_t hi, lo;
};
#define TRASH_TOKEN_LEN 39

void trash_token_format(struct trash_token t, char out[TRASH_TOKEN_LEN + 1]);
/* Any number of decimal digits up to 39. 0 or -EINVAL. */
int trash_token_parse(struct str s, struct trash_token *ret);
static inline bool trash_token_is_zero(struct trash_token t)
{
	return t.hi == 0 && t.lo == 0;
}

/*
 * What happens to an operation whose victim does not fit the budget. Content
 * about to be overwritten that is larger than max_copy, where only a copy would
 * do: refused with DENY, else recorded as not recoverable (opening a large
 * database for writing must not fail).
 */
enum trash_full {
	TRASH_FULL_DENY = 0, /* the operation fails with -EDQUOT */
	TRASH_FULL_EVICT,    /* the oldest entries go; if none is left, deny */
	TRASH_FULL_DROP,     /* performed unkept; recorded as not recoverable */
};

struct trash_options {
	const char *dir;    /* NULL: TRASH_DEFAULT_DIR; relative to the root */
	bool read_only;     /* list and show only: creates nothing, -ENOENT if
			  * there is no store */
	uint64_t max_bytes; /* budget; 0 = none */
	uint64_t max_entries; /* kept inodes; 0 = none */
	uint64_t max_copy;    /* largest content kept by copying; 0 = 64 MiB */
	uint64_t hash_under;  /* trash_maintain() hashes files up to this */
	int64_t max_age_ns;   /* trash_maintain() purges older ones; 0 = no */
	enum trash_full on_full;
	bool keep_own; /* also keep what the same command had made itself */
	/* The budget above is that of the workspace: others show it
	 * (trash_usage()), who open the store without one. */
	bool sets_budget;
	/* -EXDEV if the store says that it belongs to another directory, which
	 * is there: a copy of a workspace, or a store somebody planted. */
	bool only_own;
};

/*
 * Opens (and makes, unless read_only) the store of the workspace that root_fd
 * is the top of; root_fd (O_PATH will do) is duplicated. Journals left behind
 * by dead writers are recovered first. 0 or -errno.
 */
int trash_open(int root_fd, const struct trash_options *o, struct trash **ret);
/*
 * For the command line: opens the store at `path` (relative to the cwd). Its
 * workspace is the one it was made for, else its parent directory.
 */
int trash_open_path(const char *path, const struct trash_options *o,
		    struct trash **ret);
/* Closes open groups and syncs the journal. NULL is a no-op. */
struct trash *trash_close(struct trash *t);

/* Absolute path of the workspace root; borrowed. */
struct str trash_root_path(const struct trash *t);
/* Absolute path of the store; borrowed. Catchers must hide it. */
struct str trash_path(const struct trash *t);
/* An empty directory nobody can put anything into, to show in place of the
 * store: readable fd (owned) or -errno. */
int trash_open_empty(const struct trash *t);
/* O_PATH fd of the workspace root; borrowed. */
int trash_root_fd(const struct trash *t);
/* Device and inode of the store's directory, to recognise it. */
void trash_id(const struct trash *t, dev_t *ret_dev, ino_t *ret_ino);

/*
 * A group: everything one command did. The id given back is used in keep.h; it
 * is valid for this `struct trash` only. Opening the same session + command
 * again gives the same group. detail: the command line for people, any length
 * (cut at 4096). Returns 0 or -errno.
 */
int trash_group_open(struct trash *t, struct str session, struct str command,
		     struct str detail, uint32_t *ret_group);
/*
 * The command ended: later changes made by others are told from its own by
 * this moment. Further operations in the group reopen it.
 */
void trash_group_close(struct trash *t, uint32_t group);

/* Running totals, for a brake and for the receipt after a command. */
struct trash_group_stat {
	struct trash_token token; /* restores/undoes the whole group */
	uint64_t kept, kept_bytes;
	uint64_t removed; /* files and directories gone */
	uint64_t changed; /* contents or attributes changed */
	uint64_t created;
	uint64_t unkept; /* destroyed without a copy (TRASH_FULL_DROP) */
};
int trash_group_get(struct trash *t, uint32_t group,
		    struct trash_group_stat *ret);

struct trash_usage {
	uint64_t bytes, entries; /* kept now, by all writers */
	uint64_t max_bytes, max_entries;
	uint64_t journal_bytes;
	uint32_t writers, live_writers;
	bool mounted; /* by a process that lives, see trash_set_mounted() */
};
int trash_usage(struct trash *t, struct trash_usage *ret);

/* Says, while the store is open, that a file system over the workspace is what
 * keeps. Best effort. */
void trash_set_mounted(struct trash *t);

/*
 * Links that the quarantine holds to an inode: subtract from st_nlink before
 * showing it to a sandboxed process. Lock-free when nothing was kept.
 */
uint32_t trash_links(struct trash *t, dev_t dev, ino_t ino);

/*
 * Background work: hashes of small kept files, entries over age, budget. Stops
 * after about budget_ms. Return: 1 more to do, 0 nothing left, -errno.
 */
int trash_maintain(struct trash *t, unsigned int budget_ms);

/*
 * Test hook, called with a step's name before each step that changes the disk;
 * NULL (the default) is free.
 */
extern void (*trash_step_hook)(const char *step);

#endif
