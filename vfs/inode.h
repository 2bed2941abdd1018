/* SPDX-License-Identifier: MIT */
/*
 * inode.h - what the kernel knows of us: one node per inode it holds
 *
 * A node is found by (device, inode, birth time) and is the nodeid. It can hold
 * an O_PATH descriptor; when many are open, those of files that can be found
 * again by parent and name are closed and opened anew when needed, verified
 * by inode and birth time. All fields are protected by the table's lock except
 * those said to be constant; a descriptor got by inode_fd() stays open until
 * inode_put_fd().
 */
#ifndef VFS_INODE_H
#define VFS_INODE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/str.h"

/* A further name of a node with several links. */
struct alias {
	struct alias *next;
	struct inode *parent; /* with a reference */
	char name[];
};

struct inode {
	struct inode *next;    /* in its hash chain */
	uint64_t dev, ino;     /* constant */
	int64_t btime_ns;      /* constant; 0 = not known */
	mode_t type;           /* constant: S_IFMT bits */
	uint64_t lookups;      /* what the kernel holds */
	uint32_t refs;         /* children, open files and users of fd */
	uint32_t held;         /* users of fd alone: it stays open */
	int fd;                /* O_PATH; -1 */
	struct inode *parent;  /* with a reference; NULL = not known */
	char *name;            /* in parent; NULL = only fd leads to it */
	struct alias *aliases; /* other names, newest first; may be stale */
	uint32_t backing;      /* id of the kernel's; 0 = none */
	uint32_t opens;        /* open files */
	uint32_t writers;      /* of them: for writing */
	uint32_t running;      /* of them: programs that run */
	int64_t told_ctime_ns; /* 0: not told yet */
	uint32_t own_ms;       /* of a directory: our last change in it */
	char *path;            /* of a directory: cached, see inode_path() */
	uint64_t path_gen;
	int64_t path_until_ns;
	uint32_t born_group; /* the command that made it, in the trash */
	uint64_t born_epoch;
	int64_t known_until_ms; /* known.h: the name of a file */
	uint32_t known_changes, n_changed;
	/* stale.h; of a directory: listings, children of whose attributes the
	 * kernel has dropped some since, entries; of a child: counted there */
	uint32_t list_gen, n_stale, n_listed, stale_gen;
	int wd;                /* watch of a directory; 0 = none yet, -1 = no */
	struct inode *wd_next; /* in its chain */
	/* Made a moment ago: it has no security.capability yet, for which the
	 * kernel asks at the first write. */
	bool bare;
	bool list_kept;     /* stale.h; relaxed access */
	bool backing_setid; /* what is written by it leaves set-id bits */
	bool plain; /* open files read and write through us, not the backing */
};

struct inode_table {
	pthread_mutex_t lock;
	struct inode **slots; /* power of two */
	size_t size, n;
	size_t n_fds, max_fds;
	size_t hand; /* of the eviction clock */
	struct inode *root;
	uint64_t path_gen;    /* a directory was moved or removed */
	uint32_t n_changed;   /* see known.h */
	int watch_fd;         /* inotify; -1 */
	struct inode **by_wd; /* chains */
	int dev_fuse;         /* for closing backing ids; -1 */
};

int inode_table_init(struct inode_table *t, int root_fd);
void inode_table_done(struct inode_table *t);

/*
 * The node of parent/name with one more lookup counted. st is filled. An open
 * O_PATH descriptor of it may be given (taken in any case); -1: none, then the
 * node opens it when needed. -EXDEV: it is a procfs, which is closed.
 */
int inode_lookup(struct inode_table *t, struct inode *parent, const char *name,
		 int fd, struct stat *st, struct inode **ret);
/* The same of what has been looked at: fd is taken. */
int inode_enter(struct inode_table *t, struct inode *parent, const char *name,
		int fd, const struct statx *seen, struct stat *st,
		struct inode **ret);
/* The kernel forgets n lookups. */
void inode_forget(struct inode_table *t, struct inode *i, uint64_t n);

/* O_PATH descriptor, held until inode_put_fd(). -ESTALE: it is not where it
 * was. */
int inode_fd(struct inode_table *t, struct inode *i);
void inode_put_fd(struct inode_table *t, struct inode *i);
/* Gives up the descriptor but keeps the node, for inode_unref() later. */
void inode_unhold(struct inode_table *t, struct inode *i);
/*
 * Absolute path of a directory whose fd is held, appended to out. Remembered
 * until a directory is renamed through us, and for a second at most: the host
 * may rename one as well.
 */
int inode_path(struct inode_table *t, struct inode *i, int fd, struct buf *out);
/*
 * The same of any node, put together from the names it was looked up by: for
 * paths that are too long for the kernel to tell. -ENOENT: it has none.
 */
int inode_long_path(struct inode_table *t, const struct inode *i,
		    struct buf *out);
/* Keeps the node itself. */
void inode_ref(struct inode_table *t, struct inode *i);
void inode_unref(struct inode_table *t, struct inode *i);

/*
 * Before parent/name is removed or replaced: the node that has this name, if
 * any, gets its descriptor now and forgets the name. ret_seen: what was there
 * (basic fields and birth time). -ENOENT.
 */
int inode_detach(struct inode_table *t, struct inode *parent, int dirfd,
		 const char *name, struct statx *ret_seen);
/* A place in the tree; dirfd not used. */
struct inode_place {
	struct inode *parent;
	const char *name;
};
/* After a rename: the node that had the name `from` has `to`. */
void inode_moved(struct inode_table *t, const struct stat *st,
		 const struct inode_place *from, const struct inode_place *to);
/*
 * A name that leads to the node now, for one whose descriptor shows a name it
 * has lost. The parent's fd is held: inode_put_fd(ret_parent). -ENOENT: none
 * is known.
 */
int inode_name(struct inode_table *t, struct inode *i,
	       struct inode **ret_parent, char ret_name[256]);

/* A directory is watched as wd (-1: cannot be). */
void inode_watched(struct inode_table *t, struct inode *dir, int wd);
/* The directory watched as wd, with a reference; NULL: none. ended: it is
 * watched no more. */
struct inode *inode_of_watch(struct inode_table *t, int wd, bool ended);
/* The node that is parent/name now, with a reference; NULL: not known. */
struct inode *inode_find(struct inode_table *t, struct inode *parent,
			 const char *name);
/*
 * Calls fn for every name known, without a lock held: parents are kept. Names
 * that come meanwhile may be left out.
 */
void inode_each_name(struct inode_table *t,
		     void (*fn)(void *arg, struct inode *parent,
				const char *name),
		     void *arg);

#endif
