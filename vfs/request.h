/* SPDX-License-Identifier: MIT */
/*
 * request.h - shared by the request handlers (ops_*.c)
 */
#ifndef VFS_REQUEST_H
#define VFS_REQUEST_H

#define FUSE_USE_VERSION 35

#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>

#include <fuse_lowlevel.h>

#include "base/path.h"
#include "vfs/gate.h"
#include "vfs/inode.h"
#include "vfs/session.h"
#include "vfs/vfs.h"
#include "vfs/watch.h"

/* An open file or directory; fi->fh points to it. */
struct file {
	struct inode *inode; /* with a reference */
	int fd;              /* owned; -1: passed through, opened if needed */
	int flags;
	bool pass;
	uint32_t align; /* of what O_DIRECT transfers; 0 = not asked yet */
	bool setid;     /* what the opener writes leaves set-id bits */
	pthread_mutex_t lock; /* fd, when opened late */
	/* directories */
	void *dir;       /* DIR *, owned */
	long pos;        /* offset after the entry read last */
	void *pending;   /* struct dirent * that did not fit */
	bool keeps;      /* the kernel: what is listed */
	uint32_t listed; /* since it was at the start or was sought in */
};

/* One name in a directory, and its path for the policy. */
struct spot {
	struct inode *parent;
	int dirfd; /* held: release with spot_done() */
	const char *name;
	struct buf path; /* absolute */
};

static inline struct vfs *rq_vfs(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static inline struct inode *rq_inode(struct vfs *v, fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? v->inodes.root
				   : (struct inode *)(uintptr_t)ino;
}

static inline fuse_ino_t rq_nodeid(struct vfs *v, const struct inode *i)
{
	return i == v->inodes.root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)i;
}

/* Of requests on an open file: never NULL. */
static inline __attribute__((returns_nonnull)) struct file *
rq_file(const struct fuse_file_info *fi)
{
	return (struct file *)(uintptr_t)fi->fh;
}

static inline void rq_err(fuse_req_t req, int r)
{
	(void)fuse_reply_err(req, r < 0 ? -r : 0);
}

int spot_open(fuse_req_t req, fuse_ino_t parent, const char *name,
	      struct spot *ret);
void spot_done(struct vfs *v, struct spot *p);
/* For the trash: the path below the workspace root is in p->path. */
struct trash_at spot_at(struct vfs *v, const struct spot *p);

/* The command that the request is for. */
static inline struct command *rq_command(fuse_req_t req)
{
	return command_of(rq_vfs(req), fuse_req_ctx(req)->pid);
}

/* Fills who asks; verb and type as given. */
struct gate_op rq_gate(fuse_req_t req, enum file_verb verb, const char *type,
		       struct str path);
/* Judges an operation on a node by its present name; nameless ones pass. */
int rq_judge_inode(fuse_req_t req, struct inode *i, int fd, enum file_verb verb,
		   const char *type, bool quiet);
/* Before something is made in p: the directory's times go on record, and the
 * caller's owner and umask are adopted. */
void rq_before_make(fuse_req_t req, const struct spot *p);
void rq_become(fuse_req_t req);
/* The command made this file itself: nothing of it need be kept. */
bool rq_is_own(struct vfs *v, const struct inode *i, uint32_t group);
/* True for the quarantine's own directory. */
bool rq_is_trash(const struct vfs *v, const struct stat *st);
/* What the caller may see: links of the quarantine do not count. */
void rq_fix_stat(struct vfs *v, struct stat *st);
int rq_stat(struct vfs *v, int fd, struct stat *st);

/* Entry for parent/name with a lookup counted; own_fd: taken, may be -1. */
int rq_entry(fuse_req_t req, struct spot *p, int own_fd,
	     struct fuse_entry_param *ret);
/* Looks up what was just made and replies. */
void rq_reply_made(fuse_req_t req, struct spot *p, enum trash_made made);

/* Place of a node for the trash: its directory opened (owned fd in ret->dirfd)
 * and its name in `name`. -ENOENT: it has no name. */
int rq_locate(struct vfs *v, struct inode *i, int fd, char name[256],
	      struct buf *dir, struct trash_at *ret);

/* O_TMPFILE, which this libfuse does not know. */
struct tmp_request {
	fuse_ino_t dir;
	int flags;
	mode_t mode, umask;
	uid_t uid;
	gid_t gid;
	pid_t pid;
};
struct tmp_reply {
	char bytes[144]; /* struct fuse_entry_out, struct fuse_open_out */
};
int file_make_tmp(struct vfs *v, const struct tmp_request *t,
		  struct tmp_reply *ret);

/* --- open files (ops_file.c) --- */
/* A new descriptor of what fd is, or -errno. */
int file_reopen(int fd, int flags);
/* A real descriptor of an open file, opened now if there is none; or -errno. */
int file_fd(struct vfs *v, struct file *f);
/* Keeps what an open file with these flags may destroy. 0 or -errno. */
int file_keep(fuse_req_t req, struct inode *i, int fd, int flags);

/* --- ops tables --- */
void ops_name(struct fuse_lowlevel_ops *o);
void ops_dir(struct fuse_lowlevel_ops *o);
void ops_file(struct fuse_lowlevel_ops *o);
void ops_data(struct fuse_lowlevel_ops *o);
void ops_attr(struct fuse_lowlevel_ops *o);
/* Requests that libfuse does not know; true when answered. */
bool ops_raw(struct vfs *v, const void *request, size_t n);

#endif
