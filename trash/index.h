/* SPDX-License-Identifier: MIT */
/*
 * index.h - all journals of a store as one sequence (private to trash/)
 *
 * Journals are mapped and walked once; an item is 24 bytes and its record is
 * decoded when asked for. Journals never shrink while they may be mapped.
 */
#ifndef TRASH_INDEX_H
#define TRASH_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "trash/group.h"
#include "trash/record.h"
#include "trash/store.h"

struct index_group {
	struct record_group rec; /* id 0: none */
	uint64_t off;            /* of its record */
	int64_t end_ns;
	bool ended;
	bool undone;     /* every operation that still counts was reversed */
	bool destroying; /* not only made things and took them away again */
	uint64_t ops, undone_ops;
};

struct index_dir_key {
	uint64_t hash;
	uint32_t id;
};

struct index_writer {
	uint64_t id;
	int fd;             /* owned: its directory */
	struct str journal; /* mapped */
	uint64_t valid;     /* bytes of whole records */
	struct str root;
	bool live, closed;
	uint64_t start; /* where reading began */
	/* Numbers of those before the first ones read. */
	uint32_t groups_before, dirs_before;
	VEC(struct record_dir) dirs;       /* by id - 1 - dirs_before */
	VEC(struct index_dir_key) by_path; /* made when first asked for */
	VEC(struct index_group) groups;
	VEC(struct gone_entry) gone; /* sorted by seq */
};

enum index_flags {
	INDEX_ABORTED = 1 << 0,
	INDEX_GONE = 1 << 1, /* payload restored or purged */
	INDEX_UNDONE = 1 << 2,
};

struct index_item {
	uint64_t seq;
	uint64_t off;
	uint32_t writer; /* position in index.writers */
	uint32_t flags;
};

struct index_fix { /* STAT, SUM, ABORT, UNDONE record about an operation */
	uint64_t seq, off, by;
	uint32_t writer;
	enum record_type type;
};

struct index {
	struct trash *t; /* borrowed */
	VEC(struct index_writer) writers;
	VEC(struct index_item) items; /* by seq */
	VEC(struct index_fix) fixes;  /* by seq */
};

/* only: a writer's id, or 0 for all. */
int index_load(struct trash *t, uint64_t only, struct index *ret);

/* Where reading of a writer's journal begins: at a group's record. */
struct index_start {
	uint64_t writer, off;
};
/* The journals of the writers named alone, each from its place on. Groups and
 * directories on record before are not known, nor operations of theirs. */
int index_load_parts(struct trash *t, const struct index_start *parts, size_t n,
		     struct index *ret);
void index_done(struct index *ix);
#define _cleanup_index_ _cleanup_(index_done)

/* Decodes; corrections applied. Strings live as long as the index. */
int index_op(const struct index *ix, const struct index_item *item,
	     struct record_op *ret);
/* Position of seq in items, or -1. */
ptrdiff_t index_find_seq(const struct index *ix, uint64_t seq);
/* The record behind a fix. */
int index_fix_ref(const struct index *ix, const struct index_fix *f,
		  struct record_ref *ret);
/* First position with a larger seq. */
size_t index_after(const struct index *ix, uint64_t seq);
/* Hash on record for an operation; false if there is none. */
bool index_hash(const struct index *ix, uint64_t seq, uint8_t out[RECORD_HASH]);
const struct index_group *index_group(const struct index *ix, uint32_t writer,
				      uint32_t id);
const struct record_dir *index_dir(const struct index *ix, uint32_t writer,
				   uint32_t id);
/*
 * The attributes that the directory `path` had when the group first touched a
 * name in it, if it is the object st; else NULL. A removed directory's record
 * has the times after it was emptied; these are the ones before.
 */
const struct record_stat *index_first_touch(struct index *ix, uint32_t writer,
					    uint32_t group, struct str path,
					    const struct record_stat *st);
/* Path below the root of a name in a directory; -EBADMSG unknown directory. */
int index_path(const struct index *ix, uint32_t writer, uint32_t dir,
	       struct str name, struct buf *out);
/*
 * Payload of an operation: the directory that holds it (owned by the caller)
 * and its name there. -ENOENT when it is gone.
 */
int index_payload(const struct index *ix, const struct index_item *item,
		  const struct record_op *op, int *ret_dirfd,
		  char name[SLOT_NAME_MAX + 1]);
/* Appends to the writer's `gone` file and marks the item. */
int index_mark_gone(struct index *ix, struct index_item *item,
		    const struct record_op *op, uint64_t by);

#endif
