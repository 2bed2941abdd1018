/* SPDX-License-Identifier: MIT */
/*
 * file.h - common part of the decoders of calls that name files
 *
 *	file_new -> file_get_path -> file_find_* -> file_judge -> act
 *
 * A `struct file_call` belongs to its request (request->data). `act` runs when
 * the call is permitted: it performs the call on what is held and returns what
 * the caller shall see (a negative errno or a value), or FILE_ANSWERED when it
 * answered by itself.
 */
#ifndef TRACER_FILE_H
#define TRACER_FILE_H

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/limits.h"
#include "core/op.h"
#include "tracer/notify.h"
#include "tracer/resolve.h"
#include "trash/keeper.h"

#define FILE_ANSWERED INT64_MIN

/* One file that a call names. */
struct file_target {
	int dirfd; /* the caller's number, or AT_FDCWD */
	char text[LIMIT_PATH];
	uint64_t how_resolve; /* RESOLVE_* of openat2 */
	/* what was found */
	int base;       /* where a relative text starts, until named; -1 */
	bool base_held; /* base is the cwd cache's, else owned */
	struct str base_path; /* then: its name (borrowed) */
	int parent;           /* owned O_PATH; -1 */
	char last[NAME_MAX + 1];
	bool slash;   /* the name ended in '/' */
	bool missing; /* not found; a rule may say where else to look */
	bool plain;   /* no link on the way: name and path are the same */
	int fd;       /* owned O_PATH of the object; -1 = does not exist */
	/* The object is not held: only what it is like counts (unlink). Set by
	 * who looks for a name. */
	bool unheld;
	bool there; /* then: it exists, and sx is set as well as st */
	/* Whether it exists is not looked at, for the call fails if it does.
	 * Set by who looks for a name. */
	bool unseen;
	struct statx sx;
	struct stat st;
	struct buf path; /* judged: object, or parent + last */
	struct buf name; /* as named; empty when equal */
};

struct file_call {
	struct request *q;
	struct viewer viewer;
	struct file_target a, b;
	enum file_verb verb;
	bool two; /* b is used */
	/* judge also whether a may be read: its content gets another name */
	bool exposes;
	int64_t (*act)(struct file_call *f);
	/* what a diverted call does: act as file_new() was told */
	int64_t (*perform)(struct file_call *f);
	/* arguments that act needs */
	uint64_t flags, mode;
	char *value; /* owned: link target, xattr value */
	size_t value_n;
	char xattr[256];
	struct timespec times[2];
	bool times_now;
	uint32_t uid, gid;
	bool diverted;          /* by a rule; another file is acted on */
	bool held;              /* by the brake */
	int refusal;            /* errno of a denial */
	struct buf inner;       /* below a directory that is moved: denied */
	struct trash_kept kept; /* by the last file_keep() */
};

static inline bool file_exists(const struct file_target *t)
{
	return t->fd >= 0 || t->there;
}

/* NULL: out of memory, and the request has been answered. */
struct file_call *file_new(struct request *q, enum file_verb verb,
			   int64_t (*act)(struct file_call *f));

/*
 * Does the call give names, or take them away, that a rule denies: of what is in
 * a directory that is renamed, or behind a symbolic link? 1: ret_verb of
 * f->inner is denied; 0; -errno: that cannot be found out.
 */
int file_carries(struct file_call *f, enum file_verb *ret_verb);

/* Where t->text starts: t->base. 0 or the error the caller would get. */
int file_base(struct file_call *f, struct file_target *t);
void file_base_done(struct file_target *t);
/* t->text as named, absolute and clean, into out. 0 or -errno. */
int file_name(const struct file_target *t, struct buf *out);
/* No link was followed, so that file_name() is the object's path. */
bool file_name_is_path(const struct file_target *t);
/* Copies the path at addr into t->text. 0 or -errno. */
int file_get_path(struct file_call *f, struct file_target *t, int dirfd,
		  uint64_t addr);
/* The object itself must exist; follow: a link as last component is followed.
 * An empty path with `empty` means dirfd itself. */
int file_find_object(struct file_call *f, struct file_target *t, bool follow,
		     bool empty);
/* Parent and last component; the object too when it exists (not followed). */
int file_find_name(struct file_call *f, struct file_target *t);
/* Drops what a file_find_* found, to look again. */
void file_forget(struct file_target *t);
/* As open(O_CREAT): follows links at the end, also one to a missing file. */
int file_find_for_create(struct file_call *f, struct file_target *t,
			 bool follow);
/* The object behind the caller's descriptor. */
int file_find_fd(struct file_call *f, struct file_target *t, int fd);

/* With parent and last known: the judged path, and the object if it exists. */
int file_have_parent(const struct file_call *f, struct file_target *t);

/* The operation verb on a target, for a decision. */
void file_fill_op(const struct file_call *f, const struct file_target *t,
		  enum file_verb verb, struct op *op);
/* True for what no command may do, whatever the policy says. */
bool file_is_ours(const struct file_call *f, struct str path);

/* The kernel's O_LARGEFILE, which some C libraries pass; others say it is 0. */
#ifdef __aarch64__
#	define OPEN_LARGE 0400000
#else
#	define OPEN_LARGE 0100000
#endif
/* What an open for reading may have that changes nothing for us. */
#define OPEN_USUAL                                                      \
	((uint64_t)(O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | \
		    O_NOCTTY | OPEN_LARGE))
/*
 * A file or directory of a disk or the like: opening it for reading is no act.
 * fd: something on its file system, or -1: only what is known already counts.
 */
bool open_is_plain(struct tracer *t, const struct stat *st, int fd);
/* A component of path is "..". */
bool file_has_dotdot(const char *path);

/*
 * Opens f->a for reading in one step, if it is a plain file or directory (see
 * open_read.c): f->a.fd is then what the caller is to get. False: nothing was
 * done.
 */
bool open_read(struct file_call *f);
/* f->a was found by file_find_object(): the next one there may be plain. */
void open_read_learn(const struct file_call *f);

/* Asks the guard, records, then acts or refuses; ends the request. */
void file_judge(struct file_call *f);
/* Path by call, object by descriptor; then the guard. flags: AT_*. */
void file_judge_path(struct file_call *f, int dirfd, uint64_t path, int flags);
void file_judge_fd(struct file_call *f, int fd);
/* Keeps what of f->a is about to change: enum trash_meta bits. 0 or -errno. */
int file_keep_meta(struct file_call *f, unsigned int what);
/* Ends the request with -r (an error before anything was judged). */
void file_error(struct file_call *f, int r);

/* "/proc/self/fd/N" of a held descriptor. */
#define FILE_SELF_MAX 48
void file_self_path(int fd, char out[FILE_SELF_MAX]);
/*
 * Around the one call that makes a file: the caller's umask is ours. Masking
 * the mode instead would override a directory's default ACL.
 */
void file_umask_on(const struct file_call *f);
void file_umask_off(void);
/*
 * Whether we, as the caller, may write to the object held. To be asked before
 * its content is kept: what then cannot be written to has not changed, and
 * keeping may have moved it away. 0 or -errno.
 */
int file_may_write(const struct file_call *f);
/* Of two targets, the first lies where what is destroyed is kept, the second
 * does not. */
bool file_leaves_store(const struct file_call *f);
/* Calls the keeper (or performs plainly); 0 or -errno. */
int file_keep(struct file_call *f, struct keep_req *req);
/* Finds the directory of an object found by file_find_object, for the keeper;
 * without one (deleted, moved since) t->parent stays -1. */
void file_hold_parent(struct file_target *t);
/* Fills at from a target whose parent is held. */
struct trash_at file_at(const struct file_target *t);

#endif
