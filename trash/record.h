/* SPDX-License-Identifier: MIT */
/*
 * record.h - the records of a journal (private to trash/)
 *
 * A journal is a sequence of frames: u32 length of the payload, u32 check sum
 * of it, payload. A payload is u8 type + fields (core/wire.h encoding). Frames
 * are appended with one write; a torn one at the end is a record whose action
 * never began. Decoders take untrusted bytes; strings borrow from them.
 */
#ifndef TRASH_RECORD_H
#define TRASH_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/str.h"
#include "trash/list.h"

#define RECORD_VERSION 1
#define RECORD_MAX     (512U * 1024) /* payload; 65 roots of PATH_MAX fit */
#define RECORD_FRAME   8U
#define RECORD_HASH    32

enum record_type {
	RECORD_HEAD = 1, /* first in a journal */
	RECORD_GROUP,
	RECORD_DIR,
	RECORD_OP,
	RECORD_ABORT,   /* the operation did not happen */
	RECORD_STAT,    /* what was really kept, when it differs */
	RECORD_SUM,     /* SHA-256 of the kept content */
	RECORD_UNDONE,  /* an operation was reversed */
	RECORD_END,     /* a group ended */
	RECORD_SKIP,    /* bytes of a torn write, made harmless */
	RECORD_SUMMARY, /* groups file: state of one group */
	RECORD_COVERED, /* groups file: journal offset summarised so far */
	RECORD_REMADE,  /* an undo brought it back as another inode */
	RECORD_UNDOES,  /* an undo begins: of this group */
	RECORD_TYPE_MAX,
};

/* What identifies and describes an object. */
struct record_stat {
	uint64_t dev, ino, size;
	uint64_t bytes; /* that the budget is charged */
	uint32_t mode, uid, gid, nlink;
	int64_t mtime_ns, atime_ns;
	int64_t btime_ns; /* 0 = the file system does not say */
};

struct record_head {
	uint64_t writer;
	int64_t when_ns;
	uint32_t pid;
	struct str root;
};

enum record_group_flags {
	RECORD_GROUP_UNDO = 1 << 0,
	RECORD_GROUP_REDO = 1 << 1, /* an undo of undos */
};

struct record_group {
	uint32_t id;
	uint32_t flags;
	uint64_t seq;
	int64_t when_ns;
	struct str session, command, detail;
};

/* A directory as it was when the group first touched a name in it. */
struct record_dir {
	uint32_t id, group;
	struct record_stat st;
	struct str path; /* below the root, "" = the root */
};

enum record_op_flags {
	RECORD_OP_TO_OUTSIDE = 1 << 0,
	RECORD_OP_FROM_OUTSIDE = 1 << 1,
	RECORD_OP_OWN = 1 << 2,     /* the same group had made it */
	RECORD_OP_PARTIAL = 1 << 3, /* payload holds bytes from `arg` on */
	RECORD_OP_RECOVERED = 1 << 4,
	RECORD_OP_ABSENT = 1 << 5,   /* META: the attribute was not there */
	RECORD_OP_WHITEOUT = 1 << 6, /* RENAME: left a whiteout behind */
};

struct record_op {
	uint64_t seq;
	int64_t when_ns;
	uint32_t group, dir, dir2; /* dir2: of name2 */
	uint8_t verb;              /* enum trash_verb */
	uint8_t how;               /* enum trash_how */
	uint32_t flags;
	/* WRITE, TRUNCATE, APPEND: old length or start of the payload;
	 * META: enum trash_meta; RESTORE: seq of the entry;
	 * RENAME: inode number of the source */
	uint64_t arg;
	struct record_stat st; /* of what is destroyed or was made */
	struct str name, name2;
	struct str blob; /* xattrs (xattr.h), or the target of a symlink */
};

struct record_ref { /* ABORT, UNDONE, SUM, STAT, END, REMADE */
	uint64_t seq;
	uint64_t by; /* UNDONE: seq of the undo's group; END: group id */
	int64_t when_ns;
	struct record_stat st;
	uint8_t hash[RECORD_HASH];
};

/* Start a frame, append fields, finish it: the check sum is filled in. */
void record_put_head(struct buf *b, const struct record_head *r);
void record_put_group(struct buf *b, const struct record_group *r);
void record_put_dir(struct buf *b, const struct record_dir *r);
void record_put_op(struct buf *b, const struct record_op *r);
/* type: one of those of struct record_ref. */
void record_put_ref(struct buf *b, enum record_type type,
		    const struct record_ref *r);
/* A frame of exactly n >= RECORD_FRAME + 1 bytes. */
void record_put_skip(struct buf *b, size_t n);
/* For records that other files define. */
size_t record_begin(struct buf *b, enum record_type type);
void record_end(struct buf *b, size_t start);

/*
 * Takes the frame at the front of *rest. Return: 1 with *ret_type and
 * *ret_payload (after the type byte), 0 at the end, -EBADMSG torn or damaged.
 */
int record_next(struct str *rest, enum record_type *ret_type,
		struct str *ret_payload);

/* 0 or -EBADMSG. */
int record_get_head(struct str payload, struct record_head *ret);
int record_get_group(struct str payload, struct record_group *ret);
int record_get_dir(struct str payload, struct record_dir *ret);
int record_get_op(struct str payload, struct record_op *ret);
int record_get_ref(enum record_type type, struct str payload,
		   struct record_ref *ret);

/* True for one path component that may be used in a directory. */
bool record_name_ok(struct str name);
/* True for "" or components joined by single slashes, none special. */
bool record_path_ok(struct str path);

struct statx;
void record_stat_from(struct record_stat *r, const struct statx *sx);
/* Same inode, and the same birth where both are known. */
bool record_same_object(const struct record_stat *a,
			const struct record_stat *b);

#endif
