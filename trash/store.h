/* SPDX-License-Identifier: MIT */
/*
 * store.h - inside of an open store (private to trash/)
 *
 * Disk layout below the trash directory:
 *
 *	payload/ manifest/        the Go program's, if it was ever here
 *	store/state               struct trash_state, mapped by everybody
 *	store/lock                flock: making writers, recovery, purge
 *	store/marks               checkpoints (append-only)
 *	store/empty/              stands in for the store in sessions
 *	store/w-<id>/             one per writer process
 *		journal           records; locked (OFD) while the writer lives
 *		groups            summaries of the journal, for listing
 *		gone              struct gone_entry: restored or purged
 *		making            struct making: what is being made just now
 *		closed            exists: complete, nothing to recover
 *		<dir id>/<seq><mark><name>   what was kept; mark '~': the inode
 *		                  itself, '^': a copy
 *
 * A kept thing is there when its payload file is; the journal says what it was.
 */
#ifndef TRASH_STORE_H
#define TRASH_STORE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "trash/group.h"
#include "trash/record.h"
#include "trash/seen.h"
#include "trash/token.h"
#include "trash/trash.h"

#define STORE_MAGIC         0x3168736172746731ULL
#define STORE_VERSION       1
#define STORE_STATE         4096
#define STORE_SUBDIR        TRASH_STORE_SUBDIR
#define STORE_WRITER_PREFIX "w-"

#define COPY_DEFAULT_MAX (64ULL << 20)
/* Below this a copy is cheaper than a swap, and changes no inode number. */
#define COPY_SMALL (128U << 10)

struct trash_state {
	uint64_t magic;
	uint32_t version;
	uint32_t root_len;
	uint64_t clock; /* last sequence number given out */
	uint64_t epoch; /* checkpoints made */
	uint64_t bytes, entries;
	uint64_t root_dev, root_ino;
	char root[STORE_STATE - 88];
	uint64_t max_bytes, max_entries; /* budget of who keeps; 0 = none */
	uint64_t reserved;
};
_Static_assert(sizeof(struct trash_state) == STORE_STATE, "one page");

struct gone_entry {
	uint64_t seq;
	uint64_t by; /* seq of the restore; 0 = purged */
	uint64_t bytes;
	uint32_t group;
	uint32_t pad;
};

#define SLOT_NAME_MAX 255
/* On a copy of a file's end: where it begins (uint64_t), for recovery. */
#define SLOT_FROM_XATTR "user.agentsh.from"
#define SLOT_CACHE      256

/* A directory that names were taken from, and its payload directory. */
struct slotdir {
	uint64_t hash;
	uint32_t group;
	uint32_t id;
	char *path; /* owned; below the root */
	int fd;     /* owned; -1 until something is kept */
	unsigned int refs;
	bool stale; /* out of the cache: freed with the last reference */
};

struct trash {
	int root_fd, dir_fd;
	int base_fd; /* store/; -1: there is none (read only) */
	struct buf root_path, path;
	struct buf rel; /* store's path below the root; error set: outside */
	dev_t dev;
	ino_t ino;
	struct trash_options opt;
	bool no_reflink;   /* the file system said so; relaxed access */
	bool layered;      /* overlayfs, see store_settle() */
	int64_t opened_ns; /* CLOCK_REALTIME */
	struct trash_state *state;
	bool fresh;     /* the state was made by us */
	int mounted_fd; /* owned, locked; -1 */

	pthread_mutex_t lock; /* all below */
	uint64_t writer;      /* 0: not made yet */
	int wfd, jfd, gfd;
	uint64_t joff, jalloc;
	struct making *making; /* mapped; NULL */
	bool no_making;        /* cannot be mapped here */
	uint32_t next_dir;
	uint64_t n_ops;    /* recorded by us */
	int64_t purged_ns; /* monotonic: last purge by age */
	uint64_t hashed;   /* journal offset that trash_maintain() got to */
	unsigned int since_summary; /* records since the last one */
	VEC(struct group *) groups; /* index = group id - 1 */
	struct slotdir *slots[SLOT_CACHE];
	struct buf scratch;
	struct seen seen;
	struct links links;
};

/* --- state.c --- */
uint64_t store_tick(struct trash *t);
uint64_t store_epoch(const struct trash *t);
int store_map_state(struct trash *t);
/* Writes into the state that the store is its root's: it was copied here. */
void store_claim(struct trash *t);
void store_unmap_state(struct trash *t);
/* Exclusive maintenance lock; the fd is the lock. fd or -errno. */
int store_lock(struct trash *t);
/* A journal belongs to a living writer while its OFD write lock is held;
 * asking takes no lock, so readers never disturb one another. */
int store_own_journal(int fd);
bool store_journal_live(int fd);

/* --- journal.c: the lock is held by the caller --- */
int journal_ready(struct trash *t);
/* Appends frames made in t->scratch (reset first by journal_scratch). */
struct buf *journal_scratch(struct trash *t);
int journal_commit(struct trash *t);
int journal_summarise(struct trash *t);
void journal_close(struct trash *t);
/* Takes the lock itself; best effort. */
void journal_ref(struct trash *t, enum record_type type,
		 const struct record_ref *ref);

/* --- slot.c --- */
/*
 * The slot directory for names in `path`, with a reference; `want_fd` makes
 * it exist on disk. parent_fd: the directory itself (its attributes are
 * recorded). Takes the lock itself.
 */
int slot_get(struct trash *t, uint32_t group, struct str path, int parent_fd,
	     bool want_fd, struct slotdir **ret);
/* Makes it exist on disk after all. */
int slot_need_fd(struct trash *t, struct slotdir *s);
void slot_put(struct trash *t, struct slotdir *s);
/* Out of the cache (its directory was removed behind our back). */
void slot_forget(struct trash *t, struct slotdir *s);
void slot_name(char out[SLOT_NAME_MAX + 1], uint64_t seq, uint8_t how,
	       struct str name);
void slot_dir_name(char out[16], uint32_t id);
void slot_cache_done(struct trash *t);

/* --- budget.c --- */
/*
 * Reserves room for one entry. Return: 0; 1 no room and TRASH_FULL_DROP;
 * -EDQUOT. Evicts if so configured.
 */
int budget_take(struct trash *t, uint64_t bytes);
void budget_give(struct trash *t, uint64_t bytes, uint64_t entries);

/* --- reserve.c --- */
void reserve_make(struct trash *t);
/* After -ENOSPC: true if space was freed and it may be tried again. */
bool reserve_use(struct trash *t, int error);
/* fd_write_full() of one small entry, tried again so. */
int reserve_append(struct trash *t, int fd, const void *p, size_t n);
/* mkdirat, and openat with mode 0600: 0 or a descriptor, or -errno. */
int reserve_mkdir(struct trash *t, int dirfd, const char *name, mode_t mode);
int reserve_open(struct trash *t, int dirfd, const char *name, int flags);

/* --- recover.c --- */
int recover_all(struct trash *t);

/* --- util --- */
int store_stat(int fd, const char *name, struct record_stat *ret);
/*
 * Before an object is looked at that is about to be changed: on overlayfs the
 * first change gives what lies in a lower layer another inode (its birth, and
 * on some set-ups its number), and the record would name the one before. So
 * the change of layers is made now. What was born after the store was opened
 * has changed already, and is left alone. Best effort; elsewhere it does nothing.
 */
void store_settle(const struct trash *t, int fd);
/* Leading hexadecimal digits as a number; 0 if there are none. */
uint64_t store_hex(const char *s);
struct group *store_group(struct trash *t, uint32_t id); /* lock held */
int store_group_open(struct trash *t, uint32_t flags, struct str session,
		     struct str command, struct str detail,
		     uint32_t *ret_group);

#define TRASH_STEP(name)                       \
	do {                                   \
		if (trash_step_hook)           \
			trash_step_hook(name); \
	} while (0)

#endif
