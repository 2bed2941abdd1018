/* SPDX-License-Identifier: MIT */
/*
 * list.h - what the quarantine holds, and what happened to a path
 *
 * Everything borrowed lives for the duration of the callback. A callback that
 * returns non-zero stops the walk and that value is returned.
 */
#ifndef TRASH_LIST_H
#define TRASH_LIST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "trash/keep.h"

/* What was done to a name. Values are on disk. */
enum trash_verb {
	TRASH_VERB_NONE = 0,
	TRASH_VERB_UNLINK,
	TRASH_VERB_RMDIR,
	TRASH_VERB_RENAME, /* path -> path2; token: the replaced target */
	TRASH_VERB_EXCHANGE,
	TRASH_VERB_WRITE,
	TRASH_VERB_TRUNCATE,
	TRASH_VERB_APPEND,
	TRASH_VERB_META,
	TRASH_VERB_CREATE,
	TRASH_VERB_MKDIR,
	TRASH_VERB_SYMLINK,
	TRASH_VERB_MKNOD,
	TRASH_VERB_LINK,
	TRASH_VERB_RESTORE, /* brought back by restore or undo */
	TRASH_VERB_MAX,
};
/* "unlink", "rename", ...; NULL out of range. */
const char *trash_verb_to_string(enum trash_verb verb);

/* One line of `trash list`: a kept file, a removed tree, or a bundle. */
struct trash_root {
	struct trash_token token; /* restores all of this line */
	struct str path;          /* absolute */
	uint64_t n;               /* kept things in it */
	uint64_t size;            /* sum of their st_size */
	uint64_t bytes;           /* that they occupy */
	int64_t when_ns;          /* latest removal, Unix time */
	bool is_tree;    /* path is a removed directory with what was in it */
	bool is_version; /* path was replaced or overwritten, not removed */
	bool is_bundle;  /* several things below path, which still exists; the
			  * token is the group's */
};

#define TRASH_MAX_ROOTS 64

/* Everything one command did. */
struct trash_group_info {
	struct trash_token token;
	struct str session, command, detail;
	int64_t start_ns, end_ns; /* first and last operation */
	bool ended;               /* trash_group_close() was called */
	bool undone;
	bool is_undo; /* made by undo, redo or restore */
	/* of what was recorded; `kept` falls when entries are restored or
	 * purged */
	struct trash_group_stat stat;
	const struct trash_root *roots; /* what it removed and is still kept */
	size_t n_roots;
};

struct trash_filter {
	struct str session; /* empty = all */
	struct str command;
	int64_t since_ns; /* Unix time; 0 = all */
};

typedef int trash_group_fn(void *arg, const struct trash_group_info *g);
/*
 * Newest first. Reads summaries, not records: independent of how many entries
 * a group has. filter may be NULL. 0, -errno, or the callback's value.
 */
int trash_list_groups(struct trash *t, const struct trash_filter *filter,
		      trash_group_fn *fn, void *arg);

/* One kept thing, or (history) one event in a path's life. */
struct trash_entry {
	struct trash_token token;
	struct trash_token group_token;
	enum trash_verb verb;
	enum trash_how how;
	struct str path, path2; /* absolute */
	struct str session, command;
	int64_t when_ns;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size; /* st_size of what was kept */
	int64_t mtime_ns;
	bool kept;    /* its content can be had back now */
	bool legacy;  /* written by the Go program */
	uint64_t seq; /* order among all entries */
};

typedef int trash_entry_fn(void *arg, const struct trash_entry *e);
/* Kept things only, oldest first within a writer. */
int trash_list_entries(struct trash *t, const struct trash_filter *filter,
		       trash_entry_fn *fn, void *arg);
/* Of those, the ones that the Go program wrote. */
int trash_list_legacy(struct trash *t, const struct trash_filter *filter,
		      trash_entry_fn *fn, void *arg);
/*
 * Every record that concerns path (absolute, or relative to the workspace
 * root), oldest first; names it had before a recorded rename are followed.
 */
int trash_history(struct trash *t, struct str path, trash_entry_fn *fn,
		  void *arg);

/*
 * The content of a kept version, read-only, at offset 0; for what is kept in
 * parts (an append) it is put together in an anonymous file. Entry borrowed
 * strings are not filled. -EISDIR/-ELOOP/-ENXIO: a directory, link or special
 * file; -ENOENT: no such token; -ESTALE: restored or purged since.
 */
int trash_open_content(struct trash *t, struct trash_token token, int *ret_fd,
		       struct trash_entry *ret);

#endif
