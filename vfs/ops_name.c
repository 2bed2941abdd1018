/* SPDX-License-Identifier: MIT */
/*
 * ops_name.c - names: look up, make, remove, rename, link
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vfs/caller.h"
#include "vfs/request.h"

/* A procfs that the workspace holds: refused, and on record. */
static int close_procfs(fuse_req_t req, struct spot *p)
{
	struct vfs *v = rq_vfs(req);
	struct gate_op g;

	if (gate_path_at(v, p->parent, p->dirfd, p->name, &p->path) == 0) {
		g = rq_gate(req, FILE_STAT, "file_stat", buf_str(&p->path));
		gate_closed(v, &g, "procfs-guard");
	}
	return -EACCES;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct vfs *v = rq_vfs(req);
	struct inode *dir = rq_inode(v, parent);
	struct fuse_entry_param e;
	struct gate_op g;
	struct spot p = { .parent = dir, .name = name };
	int r;

	p.dirfd = inode_fd(&v->inodes, dir);
	if (p.dirfd < 0) {
		rq_err(req, p.dirfd);
		return;
	}
	watch_dir(v, dir, p.dirfd);
	/* Most names asked for are not there: their path is not needed. */
	r = rq_entry(req, &p, -1, &e);
	if (r == -EXDEV)
		r = close_procfs(req, &p);
	if (r == -ENOENT && watch_has(dir)) {
		e = (struct fuse_entry_param){ .entry_timeout = watch_name_time(
						       v, dir, name) };
		(void)fuse_reply_entry(req, &e);
		spot_done(v, &p);
		return;
	}
	if (r == 0 && rq_is_trash(v, &e.attr)) {
		inode_forget(&v->inodes, rq_inode(v, e.ino), 1);
		r = -ENOENT;
	}
	if (r == 0) {
		r = gate_path_at(v, dir, p.dirfd, name, &p.path);
		g = rq_gate(req, FILE_STAT, "file_stat", buf_str(&p.path));
		g.is_dir = S_ISDIR(e.attr.st_mode);
		g.quiet = true;
		if (r == 0)
			r = gate_ask(v, &g);
		if (r < 0)
			inode_forget(&v->inodes, rq_inode(v, e.ino), 1);
	}
	if (r < 0)
		rq_err(req, r);
	else
		(void)fuse_reply_entry(req, &e);
	spot_done(v, &p);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	struct vfs *v = rq_vfs(req);

	if (ino != FUSE_ROOT_ID)
		inode_forget(&v->inodes, rq_inode(v, ino), n);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count,
			    struct fuse_forget_data *forgets)
{
	struct vfs *v = rq_vfs(req);

	for (size_t i = 0; i < count; i++)
		if (forgets[i].ino != FUSE_ROOT_ID)
			inode_forget(&v->inodes, rq_inode(v, forgets[i].ino),
				     forgets[i].nlookup);
	fuse_reply_none(req);
}

/* Opens the place and asks; on error the request is answered. */
static int begin(fuse_req_t req, fuse_ino_t parent, const char *name,
		 enum file_verb verb, const char *type, struct spot *p,
		 struct gate_op *g)
{
	struct vfs *v = rq_vfs(req);
	int r = spot_open(req, parent, name, p);

	if (r < 0) {
		rq_err(req, r);
		return r;
	}
	*g = rq_gate(req, verb, type, buf_str(&p->path));
	g->is_dir = verb == FILE_MKDIR || verb == FILE_RMDIR;
	r = gate_ask(v, g);
	if (r < 0) {
		rq_err(req, r);
		spot_done(v, p);
	}
	return r;
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
		     mode_t mode)
{
	struct vfs *v = rq_vfs(req);
	struct gate_op g;
	struct spot p;

	if (begin(req, parent, name, FILE_MKDIR, "dir_create", &p, &g) < 0)
		return;
	rq_before_make(req, &p);
	if (mkdirat(p.dirfd, name, mode) < 0)
		rq_err(req, -errno);
	else
		rq_reply_made(req, &p, TRASH_MADE_DIR);
	spot_done(v, &p);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
		     mode_t mode, dev_t rdev)
{
	struct vfs *v = rq_vfs(req);
	bool regular = S_ISREG(mode) || (mode & S_IFMT) == 0;
	struct gate_op g;
	struct spot p;
	int r;

	if (begin(req, parent, name, regular ? FILE_CREATE : FILE_MKNOD,
		  "file_create", &p, &g) < 0)
		return;
	rq_before_make(req, &p);
	cred_fsetid(caller_makes_setgid(caller_of(req), p.dirfd, mode));
	r = mknodat(p.dirfd, name, mode, rdev) < 0 ? -errno : 0;
	cred_fsetid(false);
	if (r < 0)
		rq_err(req, r);
	else
		rq_reply_made(req, &p,
			      regular ? TRASH_MADE_FILE : TRASH_MADE_NODE);
	spot_done(v, &p);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
		       const char *name)
{
	struct vfs *v = rq_vfs(req);
	struct gate_op g;
	struct spot p;

	if (begin(req, parent, name, FILE_SYMLINK, "symlink_create", &p, &g) <
	    0)
		return;
	rq_before_make(req, &p);
	if (symlinkat(target, p.dirfd, name) < 0)
		rq_err(req, -errno);
	else
		rq_reply_made(req, &p, TRASH_MADE_SYMLINK);
	spot_done(v, &p);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct vfs *v = rq_vfs(req);
	struct inode *i = rq_inode(v, ino);
	char target[PATH_MAX + 1];
	int fd = inode_fd(&v->inodes, i);
	ssize_t n;
	int r;

	if (fd < 0) {
		rq_err(req, fd);
		return;
	}
	r = rq_judge_inode(req, i, fd, FILE_READLINK, "symlink_read",
			   true /* quiet */);
	n = r < 0 ? r : readlinkat(fd, "", target, PATH_MAX);
	if (r == 0 && n < 0)
		r = -errno;
	inode_put_fd(&v->inodes, i);
	if (r < 0) {
		rq_err(req, r);
		return;
	}
	target[n] = '\0';
	(void)fuse_reply_readlink(req, target);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent,
		    const char *name)
{
	struct vfs *v = rq_vfs(req);
	_cleanup_buf_ struct buf from = BUF_INIT;
	struct inode *i = rq_inode(v, ino);
	char self[32];
	struct gate_op g;
	struct spot p;
	int fd, r;

	fd = inode_fd(&v->inodes, i);
	if (fd < 0) {
		rq_err(req, fd);
		return;
	}
	r = spot_open(req, parent, name, &p);
	if (r < 0)
		goto out;
	/* Both names: a link must not make a denied file reachable. */
	g = rq_gate(req, FILE_LINK, "file_link", buf_str(&p.path));
	if (gate_path(v, i, fd, &from) == 0)
		g.path2 = buf_str(&from);
	r = gate_ask(v, &g);
	if (r >= 0) {
		rq_before_make(req, &p);
		(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		r = linkat(AT_FDCWD, self, p.dirfd, name, AT_SYMLINK_FOLLOW) < 0
			    ? -errno
			    : 0;
	}
	if (r == 0)
		rq_reply_made(req, &p, TRASH_MADE_LINK);
	spot_done(v, &p);
out:
	inode_put_fd(&v->inodes, i);
	if (r < 0)
		rq_err(req, r);
}

/* soft_block: what destroys is refused. */
static bool blocked(const struct vfs *v)
{
	return v->settings.mode == VFS_SOFT_BLOCK;
}

static void report_kept(struct vfs *v, const struct gate_op *g, int verdict,
			const struct trash_kept *kept)
{
	bool told = verdict == 1 || v->settings.mode == VFS_SOFT_DELETE;

	if (told && !trash_token_is_zero(kept->token))
		gate_soft_deleted(v, g, kept->token);
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name,
			bool dir)
{
	struct vfs *v = rq_vfs(req);
	struct trash_kept kept = { 0 };
	struct trash_at at;
	struct statx seen;
	struct gate_op g;
	struct spot p;
	int r, verdict;

	verdict = begin(req, parent, name, dir ? FILE_RMDIR : FILE_DELETE,
			dir ? "dir_delete" : "file_delete", &p, &g);
	if (verdict < 0)
		return;
	if (blocked(v)) {
		r = -EACCES;
	} else if (!v->trash) {
		/* soft_delete without a quarantine must not become a removal */
		r = verdict == 1 ? -EIO : 0;
		(void)inode_detach(&v->inodes, p.parent, p.dirfd, name, &seen);
		if (r == 0 &&
		    unlinkat(p.dirfd, name, dir ? AT_REMOVEDIR : 0) < 0)
			r = -errno;
	} else {
		r = inode_detach(&v->inodes, p.parent, p.dirfd, name, &seen);
		at = spot_at(v, &p);
		if (r == 0)
			at.known = &seen;
		r = dir ? trash_rmdir(v->trash, g.command->group, &at, &kept)
			: trash_unlink(v->trash, g.command->group, &at, &kept);
		if (r == 0)
			report_kept(v, &g, verdict, &kept);
		command_tell(v, g.command);
	}
	rq_err(req, r);
	spot_done(v, &p);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, false);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, true);
}

static int do_rename(struct vfs *v, const struct gate_op *g,
		     const struct spot *from, const struct spot *to,
		     unsigned int flags, struct trash_kept *kept)
{
	struct trash_at a, b;

	if (!v->trash)
		return renameat2(from->dirfd, from->name, to->dirfd, to->name,
				 flags) < 0
			       ? -errno
			       : 0;
	a = spot_at(v, from);
	b = spot_at(v, to);
	return trash_rename(v->trash, g->command->group, &a, &b, flags, kept);
}

static void rename_both(fuse_req_t req, const struct spot *from,
			const struct spot *to, unsigned int flags)
{
	struct vfs *v = rq_vfs(req);
	struct trash_kept kept = { 0 };
	struct gate_op g;
	struct stat st, st2;
	struct statx seen;
	bool replaces;
	int r, verdict;

	g = rq_gate(req, FILE_RENAME, "file_rename", buf_str(&from->path));
	g.path2 = buf_str(&to->path);
	verdict = gate_ask(v, &g);
	if (verdict < 0 ||
	    fstatat(from->dirfd, from->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		rq_err(req, verdict < 0 ? verdict : -errno);
		return;
	}
	replaces = fstatat(to->dirfd, to->name, &st2, AT_SYMLINK_NOFOLLOW) == 0;
	if (replaces && blocked(v) && !(flags & RENAME_EXCHANGE)) {
		rq_err(req, -EACCES);
		return;
	}
	if (replaces && !(flags & RENAME_EXCHANGE))
		(void)inode_detach(&v->inodes, to->parent, to->dirfd, to->name,
				   &seen);
	if (flags & RENAME_WHITEOUT)
		rq_become(req);
	r = do_rename(v, &g, from, to, flags, &kept);
	if (r == 0) {
		const struct inode_place a = { from->parent, from->name };
		const struct inode_place b = { to->parent, to->name };

		inode_moved(&v->inodes, &st, &a, &b);
		if (flags & RENAME_EXCHANGE)
			inode_moved(&v->inodes, &st2, &b, &a);
		g.path = buf_str(&to->path);
		report_kept(v, &g, verdict, &kept);
		command_tell(v, g.command);
	}
	rq_err(req, r);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
		      fuse_ino_t newparent, const char *newname,
		      unsigned int flags)
{
	struct vfs *v = rq_vfs(req);
	struct spot from, to;
	int r = spot_open(req, parent, name, &from);

	if (r < 0) {
		rq_err(req, r);
		return;
	}
	r = spot_open(req, newparent, newname, &to);
	if (r < 0) {
		rq_err(req, r);
	} else {
		rename_both(req, &from, &to, flags);
		spot_done(v, &to);
	}
	spot_done(v, &from);
}

void ops_name(struct fuse_lowlevel_ops *o)
{
	o->lookup = op_lookup;
	o->forget = op_forget;
	o->forget_multi = op_forget_multi;
	o->mkdir = op_mkdir;
	o->mknod = op_mknod;
	o->symlink = op_symlink;
	o->readlink = op_readlink;
	o->link = op_link;
	o->unlink = op_unlink;
	o->rmdir = op_rmdir;
	o->rename = op_rename;
}
