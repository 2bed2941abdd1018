/* SPDX-License-Identifier: MIT */
/*
 * ops_dir.c - directory streams
 *
 * An entry whose attributes cannot be had (descriptors used up, removed
 * meanwhile) is still listed, with nodeid 0: the kernel looks it up itself.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfs/known.h"
#include "vfs/request.h"
#include "vfs/stale.h"

static void op_opendir(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	struct vfs *v = rq_vfs(req);
	struct inode *i = rq_inode(v, ino);
	struct file *f = calloc(1, sizeof(*f));
	int fd, held, r;

	held = inode_fd(&v->inodes, i);
	r = held < 0 ? held : f ? 0 : -ENOMEM;
	if (r == 0)
		watch_dir(v, i, held);
	if (r == 0)
		r = rq_judge_inode(req, i, held, FILE_LIST, "dir_list",
				   false /* quiet */);
	if (r == 0) {
		fd = openat(held, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = fd < 0 ? -errno : 0;
	}
	if (r == 0) {
		f->dir = fdopendir(fd);
		if (!f->dir) {
			r = -errno;
			(void)close(fd);
		}
	}
	if (r < 0) {
		if (held >= 0)
			inode_put_fd(&v->inodes, i);
		free(f);
		rq_err(req, r);
		return;
	}
	f->inode = i; /* the reference of inode_fd() is the file's */
	inode_unhold(&v->inodes, i);
	f->fd = -1;
	fi->fh = (uintptr_t)f;
	/* The kernel asks for the directory's time before it uses them. A list
	 * that is not from there leaves there what is. */
	fi->keep_cache = v->settings.timeout > 0;
	f->keeps = fi->keep_cache && !stale_list(&v->inodes, i);
	fi->cache_readdir = f->keeps;
	(void)fuse_reply_open(req, fi);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino,
			  struct fuse_file_info *fi)
{
	struct vfs *v = rq_vfs(req);
	struct file *f = rq_file(fi);

	(void)ino;
	(void)closedir(f->dir);
	inode_unref(&v->inodes, f->inode);
	free(f);
	rq_err(req, 0);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* What may not be looked up is listed, but not handed out with attributes. */
static bool visible(struct vfs *v, struct file *f, const struct dirent *e)
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	return gate_path_at(v, f->inode, dirfd(f->dir), e->d_name, &path) ==
		       0 &&
	       gate_visible(v, buf_str(&path), e->d_type == DT_DIR);
}

static void fill(struct vfs *v, struct file *f, const struct dirent *e,
		 struct fuse_entry_param *p)
{
	struct inode *i;

	memset(p, 0, sizeof(*p));
	p->attr.st_ino = e->d_ino;
	p->attr.st_mode = (mode_t)DTTOIF(e->d_type);
	if (is_dots(e->d_name) || !visible(v, f, e) ||
	    inode_lookup(&v->inodes, f->inode, e->d_name, -1, &p->attr, &i) < 0)
		return;
	rq_fix_stat(v, &p->attr);
	p->ino = rq_nodeid(v, i);
	p->generation = 1;
	p->entry_timeout = watch_name_time(v, f->inode, e->d_name);
	p->attr_timeout = watch_attr_time(v, i, &p->attr);
	known_name(v, i, p->entry_timeout);
}

/* Bytes used, or 0 when it does not fit. */
static size_t put_entry(fuse_req_t req, struct file *f, const struct dirent *e,
			char *at, size_t room, bool plus)
{
	struct vfs *v = rq_vfs(req);
	struct fuse_entry_param p = { 0 };
	size_t need;

	if (!plus) {
		p.attr.st_ino = e->d_ino;
		p.attr.st_mode = (mode_t)DTTOIF(e->d_type);
		need = fuse_add_direntry(req, at, room, e->d_name, &p.attr,
					 e->d_off);
		return need <= room ? need : 0;
	}
	if (fuse_add_direntry_plus(req, NULL, 0, e->d_name, NULL, 0) > room)
		return 0;
	fill(v, f, e, &p);
	return fuse_add_direntry_plus(req, at, room, e->d_name, &p, e->d_off);
}

static bool hidden(const struct vfs *v, const struct file *f,
		   const struct dirent *e)
{
	struct stat st;

	if (!v->trash || e->d_ino != v->trash_ino)
		return false;
	return fstatat(dirfd(f->dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
		       0 &&
	       rq_is_trash(v, &st);
}

static int list(fuse_req_t req, struct file *f, off_t off, char *out,
		size_t size, bool plus)
{
	struct vfs *v = rq_vfs(req);
	size_t used = 0;

	if (off != f->pos) {
		seekdir(f->dir, off);
		f->pending = NULL;
		f->pos = off;
		f->listed = 0;
	}
	for (;;) {
		struct dirent *e = f->pending;
		size_t n;

		if (!e) {
			errno = 0;
			e = readdir(f->dir);
		}
		if (!e) {
			if (!errno && f->listed > 0)
				stale_listed(&v->inodes, f->inode, f->listed,
					     f->keeps);
			return errno && used == 0 ? -errno : (int)used;
		}
		f->pending = NULL;
		if (!hidden(v, f, e)) {
			n = put_entry(req, f, e, out + used, size - used, plus);
			if (n == 0) {
				f->pending = e;
				return (int)used;
			}
			used += n;
			f->listed++;
		}
		f->pos = e->d_off;
	}
}

static void answer(fuse_req_t req, size_t size, off_t off,
		   struct fuse_file_info *fi, bool plus)
{
	char *out = malloc(size);
	int n = out ? list(req, rq_file(fi), off, out, size, plus) : -ENOMEM;

	if (n < 0)
		rq_err(req, n);
	else
		(void)fuse_reply_buf(req, out, (size_t)n);
	free(out);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	(void)ino;
	answer(req, size, off, fi, false /* plus */);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size,
			   off_t off, struct fuse_file_info *fi)
{
	(void)ino;
	answer(req, size, off, fi, true /* plus */);
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync,
			struct fuse_file_info *fi)
{
	struct file *f = rq_file(fi);
	int fd = dirfd(f->dir);

	(void)ino;
	rq_err(req, (datasync ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0);
}

void ops_dir(struct fuse_lowlevel_ops *o)
{
	o->opendir = op_opendir;
	o->releasedir = op_releasedir;
	o->readdir = op_readdir;
	o->readdirplus = op_readdirplus;
	o->fsyncdir = op_fsyncdir;
}
