/* SPDX-License-Identifier: MIT */
/*
 * ops_file.c - open files
 *
 * With passthrough the kernel reads, writes and maps the backing file itself:
 * it is told an id for our O_PATH descriptor, once per inode, and we never open
 * the file. While an inode is open that way, every open of it must be; `plain`
 * and `backing` of the node say which way it is. What the kernel does not pass
 * through (fsync, fallocate, lseek, ...) opens a descriptor when first needed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vfs/caller.h"
#include "vfs/known.h"
#include "vfs/request.h"
#include "vfs/selffd.h"
#include "vfs/stale.h"
#include "vfs/wire.h"

/* Not O_DIRECT: our buffers are not aligned as the caller's are. */
#define OPEN_KEEP \
	(O_ACCMODE | O_APPEND | O_SYNC | O_DSYNC | O_NOATIME | O_LARGEFILE)

static struct file *file_new(struct inode *i, int flags)
{
	struct file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->inode = i;
	f->fd = -1;
	f->flags = flags;
	(void)pthread_mutex_init(&f->lock, NULL);
	return f;
}

/* What the kernel opens to run it, and holds open while it runs. */
#define OPENED_TO_RUN 0x20

static bool runs(const struct file *f)
{
	return (f->flags & (O_ACCMODE | OPENED_TO_RUN)) == OPENED_TO_RUN;
}

static bool writes(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}

int file_reopen(int fd, int flags)
{
	int r = selffd_open(fd, flags);

	/* O_NOATIME is for owners; the kernel has allowed it to the caller. */
	if (r == -EPERM && flags & O_NOATIME)
		r = selffd_open(fd, flags & ~O_NOATIME);
	return r;
}

int file_fd(struct vfs *v, struct file *f)
{
	int held, r = -EBADF;

	(void)pthread_mutex_lock(&f->lock);
	if (f->fd < 0) {
		held = inode_fd(&v->inodes, f->inode);
		if (held < 0) {
			r = held;
		} else {
			r = file_reopen(held, f->flags & OPEN_KEEP);
			inode_put_fd(&v->inodes, f->inode);
		}
		if (r >= 0)
			f->fd = r;
	}
	r = f->fd >= 0 ? f->fd : r;
	(void)pthread_mutex_unlock(&f->lock);
	return r;
}

/* --- opening --- */

int file_keep(fuse_req_t req, struct inode *i, int fd, int flags)
{
	struct vfs *v = rq_vfs(req);
	uint32_t group = rq_command(req)->group;
	_cleanup_buf_ struct buf dir = BUF_INIT;
	_cleanup_close_ int dirfd = -1;
	enum trash_write how = TRASH_WRITE_ANY;
	struct trash_at at;
	char name[256];
	int r;

	if (!v->trash || (flags & O_ACCMODE) == O_RDONLY)
		if (!v->trash || !(flags & O_TRUNC))
			return 0;
	if (rq_is_own(v, i, group))
		return 0;
	r = rq_locate(v, i, fd, name, &dir, &at);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	dirfd = at.dirfd;
	if (flags & O_TRUNC)
		how = TRASH_WRITE_TRUNCATE;
	else if ((flags & (O_ACCMODE | O_APPEND)) == (O_WRONLY | O_APPEND))
		how = TRASH_WRITE_APPEND;
	r = trash_before_write(v->trash, group, &at, fd,
			       (struct trash_change){ .how = how }, NULL);
	command_tell(v, rq_command(req));
	return r;
}

/* Nobody has it open: it may be another's. The table's lock is held. */
static void backing_drop(struct vfs *v, struct inode *i)
{
	(void)ioctl(session_dev_fd(v->session), WIRE_BACKING_CLOSE,
		    &i->backing);
	i->backing = 0;
}

/*
 * The id under which the kernel knows the backing file; 0 = no passthrough.
 * setid: what is written leaves set-id bits. The kernel takes them from who may
 * not leave them before it writes, so that all who have the file open can share
 * the id. The table's lock is held.
 */
static uint32_t backing_of(struct vfs *v, struct inode *i, int fd, bool setid)
{
	struct wire_backing_map map = { .fd = fd };
	int id;

	if (i->backing && i->backing_setid != setid && i->opens == 0)
		backing_drop(v, i);
	if (i->backing || i->plain || !session_passthrough(v->session))
		return i->backing;
	cred_stranger(v); /* the kernel writes as who says this */
	cred_fsetid(setid);
	id = ioctl(session_dev_fd(v->session), WIRE_BACKING_OPEN, &map);
	cred_fsetid(false);
	if (id <= 0) {
		/* No privilege, no support, or this file system cannot. */
		if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOTTY)
			session_no_passthrough(v->session);
		return 0;
	}
	i->backing = (uint32_t)id;
	i->backing_setid = setid;
	return i->backing;
}

/* Takes own_fd (a real descriptor, or -1). */
static int file_setup(struct vfs *v, struct file *f, int fd, int own_fd,
		      struct wire_open_out *out)
{
	struct inode *i = f->inode;
	uint32_t id;

	(void)pthread_mutex_lock(&v->inodes.lock);
	id = backing_of(v, i, fd, f->setid);
	if (!id)
		i->plain = true;
	i->opens++;
	i->writers += writes(f);
	i->running += runs(f);
	(void)pthread_mutex_unlock(&v->inodes.lock);
	*out = (struct wire_open_out){ .fh = (uintptr_t)f };
	if (id) {
		f->pass = true;
		out->open_flags = WIRE_OPEN_PASSTHROUGH;
		/* The backing file would stay so when O_DIRECT is switched
		 * off, as dd does for the last block. */
		if (f->flags & O_DIRECT)
			out->open_flags |= WIRE_OPEN_DIRECT_IO;
		out->backing_id = (int32_t)id;
		if (own_fd >= 0)
			(void)close(own_fd);
		return 0;
	}
	if (own_fd < 0) {
		int flags = f->flags & OPEN_KEEP;

		/* Partial pages are read before they are written. */
		if ((flags & O_ACCMODE) == O_WRONLY)
			flags = (flags & ~O_ACCMODE) | O_RDWR;
		own_fd = file_reopen(fd, flags & ~O_APPEND);
		if (own_fd == -EACCES || own_fd == -EROFS || own_fd == -ETXTBSY)
			own_fd = file_reopen(fd,
					     f->flags & OPEN_KEEP & ~O_APPEND);
	}
	f->fd = own_fd;
	return own_fd < 0 ? own_fd : 0;
}

static void file_free(struct vfs *v, struct file *f)
{
	if (!f)
		return;
	(void)pthread_mutex_lock(&v->inodes.lock);
	f->inode->writers -= writes(f);
	f->inode->running -= runs(f);
	if (--f->inode->opens == 0)
		f->inode->plain = false;
	(void)pthread_mutex_unlock(&v->inodes.lock);
	if (f->fd >= 0)
		(void)close(f->fd);
	inode_unref(&v->inodes, f->inode);
	(void)pthread_mutex_destroy(&f->lock);
	free(f);
}

static int judge_open(fuse_req_t req, struct inode *i, int fd, int flags)
{
	bool write = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;

	return rq_judge_inode(req, i, fd, write ? FILE_WRITE : FILE_OPEN,
			      write ? "file_write" : "file_open",
			      false /* quiet */);
}

/* The kernel refuses to write what runs before it asks us, but with O_RDONLY and
 * O_TRUNC afterwards: by then it would be gone. */
static bool busy(struct vfs *v, const struct inode *i, int flags)
{
	bool r;

	if ((flags & (O_ACCMODE | O_TRUNC)) != O_TRUNC)
		return false;
	(void)pthread_mutex_lock(&v->inodes.lock);
	r = i->running > 0;
	(void)pthread_mutex_unlock(&v->inodes.lock);
	return r;
}

static int open_existing(fuse_req_t req, struct inode *i, int fd, int flags)
{
	int r = judge_open(req, i, fd, flags);

	if (r == 0 && busy(rq_vfs(req), i, flags))
		return -ETXTBSY;
	if ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC)
		watch_own_inode(rq_vfs(req), i);

	if (r == 0)
		r = file_keep(req, i, fd, flags);
	if (r < 0 || !(flags & O_TRUNC))
		return r;
	cred_fsetid(caller_writes_setid(caller_of(req), fd));
	r = file_reopen(fd, O_WRONLY | O_TRUNC);
	cred_fsetid(false);
	if (r < 0)
		return r;
	(void)close(r);
	return 0;
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct vfs *v = rq_vfs(req);
	struct inode *i = rq_inode(v, ino);
	struct wire_open_out out;
	struct file *f = NULL;
	int fd = inode_fd(&v->inodes, i), r;

	if (fd < 0) {
		rq_err(req, fd);
		return;
	}
	r = open_existing(req, i, fd, fi->flags);
	if (r == 0) {
		f = file_new(i, fi->flags);
		if (f)
			f->setid = writes(f) &&
				   caller_writes_setid(caller_of(req), fd);
		r = f ? file_setup(v, f, fd, -1, &out) : -ENOMEM;
	}
	if (r < 0) {
		rq_err(req, r);
		if (f) { /* with the reference of inode_fd() */
			inode_unhold(&v->inodes, i);
			file_free(v, f);
		} else {
			inode_put_fd(&v->inodes, i);
		}
		return;
	}
	/* The reference of inode_fd() is the file's now. */
	inode_unhold(&v->inodes, i);
	if (fuse_reply_buf(req, (const char *)&out, sizeof(out)) == -ENOENT)
		file_free(v, f); /* interrupted: no release will come */
}

static void put_attr(struct fuse_attr *a, const struct stat *st)
{
	*a = (struct fuse_attr){
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks,
		.atime = (uint64_t)st->st_atim.tv_sec,
		.mtime = (uint64_t)st->st_mtim.tv_sec,
		.ctime = (uint64_t)st->st_ctim.tv_sec,
		.atimensec = (uint32_t)st->st_atim.tv_nsec,
		.mtimensec = (uint32_t)st->st_mtim.tv_nsec,
		.ctimensec = (uint32_t)st->st_ctim.tv_nsec,
		.mode = st->st_mode,
		.nlink = (uint32_t)st->st_nlink,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.rdev = (uint32_t)st->st_rdev,
		.blksize = (uint32_t)st->st_blksize,
	};
}

/* Reply to CREATE and TMPFILE, which libfuse cannot give a backing id. */
struct created {
	struct fuse_entry_out entry;
	struct wire_open_out open;
};

static void put_entry(struct created *c, const struct fuse_entry_param *e)
{
	double whole = (double)(uint64_t)e->entry_timeout;

	memset(&c->entry, 0, sizeof(c->entry));
	c->entry.nodeid = e->ino;
	c->entry.generation = e->generation;
	c->entry.entry_valid = c->entry.attr_valid = (uint64_t)e->entry_timeout;
	c->entry.entry_valid_nsec = c->entry.attr_valid_nsec =
		(uint32_t)((e->entry_timeout - whole) * 1e9);
	put_attr(&c->entry.attr, &e->attr);
}

static int look_at(int fd, struct statx *ret)
{
	return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME,
		     ret) < 0
		       ? -errno
		       : 0;
}

static bool same_object(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino &&
	       a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor;
}

/* O_PATH of what fd is, which was `made`; now: as it is. By name it is found
 * sooner, if it is still there. */
static int hold_made(const struct spot *at, int fd, const struct statx *made,
		     struct statx *ret_now)
{
	int held, r;

	held = at ? openat(at->dirfd, at->name, O_PATH | O_NOFOLLOW | O_CLOEXEC)
		  : -1;
	if (held >= 0 && look_at(held, ret_now) == 0 &&
	    same_object(made, ret_now))
		return held;
	if (held >= 0)
		(void)close(held);
	held = file_reopen(fd, O_PATH);
	r = held < 0 ? held : look_at(held, ret_now);
	if (r < 0 && held >= 0)
		(void)close(held);
	return r < 0 ? r : held;
}

/* What was just made, and for whom. */
struct made {
	int fd;
	int flags; /* of the open file */
	uint32_t group;
	bool setid; /* what the maker writes leaves set-id bits */
	struct statx seen;
};

/* The node and open file of it; its fd is taken. at NULL: it has no name
 * (O_TMPFILE). */
static int created_setup(struct vfs *v, const struct spot *at,
			 const struct made *m, struct created *out)
{
	struct fuse_entry_param e = { .generation = 1 };
	struct statx now;
	struct inode *i;
	struct file *f;
	int fd = m->fd, path_fd = hold_made(at, fd, &m->seen, &now), held, r;

	if (path_fd < 0) {
		(void)close(fd);
		return path_fd;
	}
	r = inode_enter(&v->inodes, at ? at->parent : NULL,
			at ? at->name : NULL, path_fd, &now, &e.attr, &i);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	/* Ours alone until we reply. */
	known_name(v, i, v->settings.timeout);
	i->born_group = m->group;
	i->bare = true;
	i->born_epoch = v->trash ? trash_epoch(v->trash) : 0;
	held = inode_fd(&v->inodes, i);
	f = held < 0 ? NULL : file_new(i, m->flags);
	if (f) {
		f->setid = m->setid;
		r = file_setup(v, f, held, fd, &out->open);
		inode_unhold(&v->inodes, i);
		if (r < 0)
			file_free(v, f);
	} else {
		(void)close(fd);
		r = held < 0 ? held : -ENOMEM;
		if (held >= 0)
			inode_put_fd(&v->inodes, i);
	}
	if (r < 0) {
		inode_forget(&v->inodes, i, 1);
		return r;
	}
	rq_fix_stat(v, &e.attr);
	e.ino = rq_nodeid(v, i);
	e.attr_timeout = e.entry_timeout = v->settings.timeout;
	put_entry(out, &e);
	return 0;
}

int file_make_tmp(struct vfs *v, const struct tmp_request *t,
		  struct tmp_reply *ret)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct inode *dir = rq_inode(v, t->dir);
	struct gate_op g = { .verb = FILE_CREATE, .type = "file_create" };
	struct created out;
	struct made m = { .fd = -1, .flags = t->flags };
	struct caller c = { .tid = t->pid, .gid = t->gid };
	int held = inode_fd(&v->inodes, dir), r;

	_Static_assert(sizeof(out) == sizeof(ret->bytes), "one reply");
	if (held < 0)
		return held;
	g.command = command_asks(v, t->pid, &g.pid, &g.judged);
	/* It has no name: judged as something made in its directory. */
	r = gate_path_at(v, dir, held, "tmpfile", &path);
	if (r == 0) {
		g.path = buf_str(&path);
		r = gate_ask(v, &g);
	}
	if (r >= 0) {
		cred_become(v, t->uid, t->gid, t->umask);
		cred_fsetid(caller_makes_setgid(c, held, t->mode));
		m.fd = openat(held, ".",
			      O_TMPFILE | O_RDWR | O_CLOEXEC |
				      (t->flags & O_EXCL),
			      t->mode);
		r = m.fd < 0 ? -errno : 0;
		cred_fsetid(false);
	}
	inode_put_fd(&v->inodes, dir);
	m.group = g.command->group;
	m.setid = r == 0 && caller_writes_setid(c, m.fd);
	if (r == 0)
		r = created_setup(v, NULL, &m, &out);
	if (r == 0)
		memcpy(ret->bytes, &out, sizeof(out));
	return r;
}

static void created_undo(struct vfs *v, struct created *c)
{
	struct inode *i = rq_inode(v, c->entry.nodeid);

	file_free(v, (struct file *)(uintptr_t)c->open.fh);
	inode_forget(&v->inodes, i, 1);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name,
		      mode_t mode, struct fuse_file_info *fi)
{
	struct vfs *v = rq_vfs(req);
	struct made m = { .fd = -1, .flags = fi->flags };
	struct created out;
	struct gate_op g;
	struct spot p;
	int r = spot_open(req, parent, name, &p);

	if (r < 0) {
		rq_err(req, r);
		return;
	}
	g = rq_gate(req, FILE_CREATE, "file_create", buf_str(&p.path));
	r = gate_ask(v, &g);
	if (r >= 0) {
		rq_before_make(req, &p);
		cred_fsetid(caller_makes_setgid(caller_of(req), p.dirfd, mode));
		/* Exclusively: an existing file has not been checked. ESTALE
		 * makes the kernel look it up and come back. */
		m.fd = openat(p.dirfd, name,
			      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW |
				      O_CLOEXEC |
				      (fi->flags & (O_SYNC | O_DSYNC)),
			      mode);
		r = m.fd < 0 ? -errno : look_at(m.fd, &m.seen);
		cred_fsetid(false);
		if (r == -EEXIST && !(fi->flags & O_EXCL))
			r = -ESTALE;
		if (r < 0 && m.fd >= 0)
			(void)close(m.fd);
	}
	if (r == 0 && v->trash) {
		struct trash_at at = spot_at(v, &p);

		at.known = &m.seen;
		(void)trash_note_made(v->trash, g.command->group, &at,
				      TRASH_MADE_FILE);
		command_tell(v, g.command);
	}
	m.group = g.command->group;
	m.setid = r == 0 && mode & (S_ISUID | S_ISGID) &&
		  caller_writes_setid(caller_of(req), m.fd);
	if (r == 0)
		r = created_setup(v, &p, &m, &out);
	if (r < 0)
		rq_err(req, r);
	else if (fuse_reply_buf(req, (const char *)&out, sizeof(out)) ==
		 -ENOENT)
		created_undo(v, &out);
	spot_done(v, &p);
}

static void op_release(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	struct file *f = rq_file(fi);

	(void)ino;
	if ((f->flags & O_ACCMODE) != O_RDONLY)
		watch_own_inode(rq_vfs(req), f->inode);
	if (f->pass)
		stale_file(&rq_vfs(req)->inodes, f->inode);
	file_free(rq_vfs(req), f);
	rq_err(req, 0);
}

void ops_file(struct fuse_lowlevel_ops *o)
{
	o->open = op_open;
	o->create = op_create;
	o->release = op_release;
}
