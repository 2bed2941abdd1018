/* SPDX-License-Identifier: MIT */
/*
 * ops_attr.c - attributes, extended attributes, file system figures
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/num.h"
#include "vfs/caller.h"
#include "vfs/request.h"
#include "vfs/stale.h"

static void self_path(char out[32], int fd)
{
	(void)snprintf(out, 32, "/proc/self/fd/%d", fd);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	struct vfs *v = rq_vfs(req);
	struct inode *i = rq_inode(v, ino);
	struct stat st;
	int fd = inode_fd(&v->inodes, i), r;

	(void)fi;
	if (fd < 0) {
		rq_err(req, fd);
		return;
	}
	r = rq_stat(v, fd, &st);
	if (r == 0 && !S_ISDIR(i->type))
		stale_told(&v->inodes, i);
	inode_put_fd(&v->inodes, i);
	if (r < 0)
		rq_err(req, r);
	else
		(void)fuse_reply_attr(req, &st, watch_attr_time(v, i, &st));
}

/* Keeps what is about to change, when the file has a name. */
static int keep_meta(fuse_req_t req, struct inode *i, int fd, unsigned int what,
		     const char *xattr)
{
	struct vfs *v = rq_vfs(req);
	uint32_t group = rq_command(req)->group;
	_cleanup_buf_ struct buf dir = BUF_INIT;
	_cleanup_close_ int dirfd = -1;
	struct trash_at at;
	char name[256];
	int r;

	if (!v->trash || rq_is_own(v, i, group))
		return 0;
	r = rq_locate(v, i, fd, name, &dir, &at);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	dirfd = at.dirfd;
	r = trash_before_meta(v->trash, group, &at, fd, what, xattr);
	command_tell(v, rq_command(req));
	return r;
}

static int keep_size(fuse_req_t req, struct inode *i, int fd, off_t size)
{
	struct vfs *v = rq_vfs(req);
	uint32_t group = rq_command(req)->group;
	_cleanup_buf_ struct buf dir = BUF_INIT;
	_cleanup_close_ int dirfd = -1;
	struct trash_at at;
	char name[256];
	int r;

	if (!v->trash || rq_is_own(v, i, group))
		return 0;
	r = rq_locate(v, i, fd, name, &dir, &at);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	dirfd = at.dirfd;
	r = trash_before_write(
		v->trash, group, &at, fd,
		(struct trash_change){ .how = TRASH_WRITE_TRUNCATE,
				       .length = size },
		NULL);
	command_tell(v, rq_command(req));
	return r;
}

static int set_mode(fuse_req_t req, struct inode *i, int fd, mode_t mode)
{
	char path[32];
	int r;

	r = rq_judge_inode(req, i, fd, FILE_CHMOD, "file_chmod", false);
	if (r == 0)
		r = keep_meta(req, i, fd, TRASH_META_MODE, NULL);
	if (r < 0)
		return r;
	self_path(path, fd);
	cred_fsetid(mode & S_ISGID);
	r = chmod(path, mode & 07777) < 0 ? -errno : 0;
	cred_fsetid(false);
	return r;
}

/* One that means nothing (the group may not execute), which a chown() leaves to
 * who is of the group or has CAP_FSETID. */
static bool is_lone_setgid(int fd, fuse_req_t req)
{
	struct stat st;

	return fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
	       !S_ISDIR(st.st_mode) &&
	       (st.st_mode & (S_ISGID | S_IXGRP)) == S_ISGID &&
	       caller_keeps_setgid(caller_of(req), st.st_gid);
}

static int set_owner(fuse_req_t req, struct inode *i, int fd,
		     const struct stat *st, int to_set)
{
	uid_t uid = to_set & FUSE_SET_ATTR_UID ? st->st_uid : (uid_t)-1;
	gid_t gid = to_set & FUSE_SET_ATTR_GID ? st->st_gid : (gid_t)-1;
	bool keeps;
	int r;

	r = rq_judge_inode(req, i, fd, FILE_CHOWN, "file_chown", false);
	if (r == 0)
		r = keep_meta(req, i, fd, TRASH_META_OWNER | TRASH_META_MODE,
			      NULL);
	if (r < 0)
		return r;
	keeps = is_lone_setgid(fd, req);
	cred_fsetid(keeps);
	r = fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0
		    ? -errno
		    : 0;
	cred_fsetid(false);
	return r;
}

static int set_size(fuse_req_t req, struct inode *i, int fd, off_t size)
{
	char path[32];
	int r;

	r = rq_judge_inode(req, i, fd, FILE_TRUNCATE, "file_truncate", false);
	if (r == 0)
		r = keep_size(req, i, fd, size);
	if (r < 0)
		return r;
	self_path(path, fd);
	cred_stranger(rq_vfs(req));
	cred_fsetid(caller_writes_setid(caller_of(req), fd));
	r = truncate(path, size) < 0 ? -errno : 0;
	cred_fsetid(false);
	return r;
}

static int set_times(fuse_req_t req, struct inode *i, int fd,
		     const struct stat *st, int to_set)
{
	struct timespec ts[2] = { { .tv_nsec = UTIME_OMIT },
				  { .tv_nsec = UTIME_OMIT } };
	char path[32];
	int r;

	if (to_set & FUSE_SET_ATTR_ATIME_NOW)
		ts[0].tv_nsec = UTIME_NOW;
	else if (to_set & FUSE_SET_ATTR_ATIME)
		ts[0] = st->st_atim;
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		ts[1].tv_nsec = UTIME_NOW;
	else if (to_set & FUSE_SET_ATTR_MTIME)
		ts[1] = st->st_mtim;
	r = rq_judge_inode(req, i, fd, FILE_UTIME, "file_utime",
			   true /* quiet */);
	if (r == 0)
		r = keep_meta(req, i, fd, TRASH_META_TIMES, NULL);
	if (r < 0)
		return r;
	if (utimensat(fd, "", ts, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOENT)
		return -errno;
	self_path(path, fd); /* before 5.8 */
	return utimensat(AT_FDCWD, path, ts, 0) < 0 ? -errno : 0;
}

#define TIMES                                                                  \
	(FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW | \
	 FUSE_SET_ATTR_MTIME_NOW)

/* The thread is in the middle of a chown call. */
static bool in_chown(pid_t tid)
{
	char path[32], b[32];
	ssize_t n;
	int64_t nr;
	struct str line, word;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, b, sizeof(b));
	(void)close(fd);
	line = str_from_n(b, n > 0 ? (size_t)n : 0);
	if (!str_split(&line, ' ', &word) ||
	    num_parse_range(word, 0, 10000, &nr) < 0)
		return false;
#ifdef SYS_chown
	if (nr == SYS_chown || nr == SYS_lchown)
		return true;
#endif
	return nr == SYS_fchown || nr == SYS_fchownat;
}

/*
 * Nothing to set comes from chown(-1, -1), which is the owner's to do, and from
 * writing to a set-id file, which clears the bits whoever writes. The request
 * does not tell which.
 */
static int may_touch(fuse_req_t req, int fd)
{
	const struct fuse_ctx *c = fuse_req_ctx(req);
	struct stat st;

	if (fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
		return -errno;
	if (c->uid == st.st_uid || S_ISDIR(st.st_mode) ||
	    !(st.st_mode & (S_ISUID | S_ISGID)))
		return 0;
	if (S_ISREG(st.st_mode) && !in_chown(c->pid))
		return 0;
	/* There is nothing to clear. */
	if (!(st.st_mode & S_ISUID) && is_lone_setgid(fd, req))
		return 0;
	return caller_can(caller_of(req), CAP_FOWNER) ? 0 : -EPERM;
}

static int set_all(fuse_req_t req, struct inode *i, int fd,
		   const struct stat *st, int to_set)
{
	int r = 0;

	/* Nothing to set is chown(-1, -1): a new ctime, no set-id bits. */
	if (!to_set)
		r = may_touch(req, fd);
	if (r == 0 &&
	    (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID) || !to_set))
		r = set_owner(req, i, fd, st, to_set);
	if (r == 0 && to_set & FUSE_SET_ATTR_SIZE)
		r = set_size(req, i, fd, st->st_size);
	if (r == 0 && to_set & FUSE_SET_ATTR_MODE)
		r = set_mode(req, i, fd, st->st_mode);
	if (r == 0 && to_set & TIMES)
		r = set_times(req, i, fd, st, to_set);
	return r;
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr,
		       int to_set, struct fuse_file_info *fi)
{
	struct vfs *v = rq_vfs(req);
	struct inode *i = rq_inode(v, ino);
	struct stat st;
	int fd = inode_fd(&v->inodes, i), r;

	(void)fi;
	if (fd < 0) {
		rq_err(req, fd);
		return;
	}
	watch_own_inode(v, i);
	r = set_all(req, i, fd, attr, to_set);
	if (r == 0)
		r = rq_stat(v, fd, &st);
	inode_put_fd(&v->inodes, i);
	if (r < 0)
		rq_err(req, r);
	else
		(void)fuse_reply_attr(req, &st, watch_attr_time(v, i, &st));
}

/* An ACL sets the mode, of which the set-group-id bit stays as with chmod(). */
static bool acl_keeps_setgid(fuse_req_t req, int fd, const char *name)
{
	struct stat st;

	return strcmp(name, "system.posix_acl_access") == 0 &&
	       fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
	       st.st_mode & S_ISGID &&
	       caller_keeps_setgid(caller_of(req), st.st_gid);
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
			const char *value, size_t size, int flags)
{
	struct vfs *v = rq_vfs(req);
	struct inode *i = rq_inode(v, ino);
	char path[32];
	int fd = inode_fd(&v->inodes, i), r;

	if (fd < 0) {
		rq_err(req, fd);
		return;
	}
	watch_own_inode(v, i);
	__atomic_store_n(&i->bare, false, __ATOMIC_RELAXED);
	r = rq_judge_inode(req, i, fd, FILE_XATTR, "file_xattr", false);
	if (r == 0)
		r = keep_meta(req, i, fd, TRASH_META_XATTR | TRASH_META_MODE,
			      name);
	self_path(path, fd);
	cred_fsetid(r == 0 && acl_keeps_setgid(req, fd, name));
	if (r == 0 && setxattr(path, name, value, size, flags) < 0)
		r = -errno;
	cred_fsetid(false);
	inode_put_fd(&v->inodes, i);
	rq_err(req, r);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct vfs *v = rq_vfs(req);
	struct inode *i = rq_inode(v, ino);
	char path[32];
	int fd = inode_fd(&v->inodes, i), r;

	if (fd < 0) {
		rq_err(req, fd);
		return;
	}
	watch_own_inode(v, i);
	r = rq_judge_inode(req, i, fd, FILE_XATTR, "file_xattr", false);
	if (r == 0)
		r = keep_meta(req, i, fd, TRASH_META_XATTR, name);
	self_path(path, fd);
	if (r == 0 && removexattr(path, name) < 0)
		r = -errno;
	inode_put_fd(&v->inodes, i);
	rq_err(req, r);
}

/* name NULL: the list of names. */
static void read_xattr(fuse_req_t req, fuse_ino_t ino, const char *name,
		       size_t size)
{
	struct vfs *v = rq_vfs(req);
	struct inode *i = rq_inode(v, ino);
	char *value = size ? malloc(size) : NULL;
	int fd = inode_fd(&v->inodes, i);
	char path[32];
	ssize_t n;

	if (fd < 0 || (size && !value)) {
		n = fd < 0 ? fd : -ENOMEM;
	} else {
		self_path(path, fd);
		n = name ? getxattr(path, name, value, size)
			 : listxattr(path, value, size);
		if (n < 0)
			n = -errno;
	}
	if (fd >= 0)
		inode_put_fd(&v->inodes, i);
	if (n < 0)
		rq_err(req, (int)n);
	else if (size)
		(void)fuse_reply_buf(req, value, (size_t)n);
	else
		(void)fuse_reply_xattr(req, (size_t)n);
	free(value);
}

/* What users put there is read as the file is; ACLs and labels are looked at. */
static int judge_value(fuse_req_t req, struct inode *i, const char *name)
{
	struct vfs *v = rq_vfs(req);
	int fd, r;

	if (strncmp(name, "user.", 5) != 0 && strncmp(name, "trusted.", 8) != 0)
		return 0;
	fd = inode_fd(&v->inodes, i);
	if (fd < 0)
		return fd;
	r = rq_judge_inode(req, i, fd, FILE_OPEN, "file_open",
			   true /* quiet */);
	inode_put_fd(&v->inodes, i);
	return r;
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name,
			size_t size)
{
	struct inode *i = rq_inode(rq_vfs(req), ino);
	int r = judge_value(req, i, name);

	if (r < 0) {
		rq_err(req, r);
		return;
	}

	/* Once: somebody may set it later. */
	if (__atomic_load_n(&i->bare, __ATOMIC_RELAXED) &&
	    strcmp(name, "security.capability") == 0) {
		__atomic_store_n(&i->bare, false, __ATOMIC_RELAXED);
		rq_err(req, -ENODATA);
		return;
	}
	read_xattr(req, ino, name, size);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	read_xattr(req, ino, NULL, size);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct vfs *v = rq_vfs(req);
	struct inode *i = ino ? rq_inode(v, ino) : v->inodes.root;
	int fd = inode_fd(&v->inodes, i), r;
	struct statvfs st;

	if (fd < 0) {
		rq_err(req, fd);
		return;
	}
	r = fstatvfs(fd, &st) < 0 ? -errno : 0;
	inode_put_fd(&v->inodes, i);
	if (r < 0)
		rq_err(req, r);
	else
		(void)fuse_reply_statfs(req, &st);
}

void ops_attr(struct fuse_lowlevel_ops *o)
{
	o->getattr = op_getattr;
	o->setattr = op_setattr;
	o->setxattr = op_setxattr;
	o->removexattr = op_removexattr;
	o->getxattr = op_getxattr;
	o->listxattr = op_listxattr;
	o->statfs = op_statfs;
}
