/* SPDX-License-Identifier: MIT */
/*
 * request.c - shared by the request handlers
 */
#include "vfs/request.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "vfs/known.h"
#include "vfs/stale.h"

int spot_open(fuse_req_t req, fuse_ino_t parent, const char *name,
	      struct spot *ret)
{
	struct vfs *v = rq_vfs(req);
	struct inode *i = rq_inode(v, parent);
	int r;

	*ret = (struct spot){ .parent = i, .name = name };
	ret->dirfd = inode_fd(&v->inodes, i);
	if (ret->dirfd < 0)
		return ret->dirfd;
	watch_dir(v, i, ret->dirfd);
	watch_own(v, i, name);
	stale_names(i);
	r = gate_path_at(v, i, ret->dirfd, name, &ret->path);
	if (r < 0)
		spot_done(v, ret);
	return r;
}

void spot_done(struct vfs *v, struct spot *p)
{
	if (p->dirfd >= 0)
		inode_put_fd(&v->inodes, p->parent);
	p->dirfd = -1;
	buf_done(&p->path);
}

struct trash_at spot_at(struct vfs *v, const struct spot *p)
{
	struct str root = trash_root_path(v->trash), path = buf_str(&p->path);
	size_t tail = strlen(p->name) + 1;
	struct trash_at at = { .dirfd = p->dirfd, .name = p->name };

	/* <root>/<dir>/<name>, or <root>/<name> */
	if (path_beneath(path, root) && path.n >= root.n + tail) {
		at.dir = str_from_n(path.p + root.n, path.n - root.n - tail);
		if (at.dir.n > 0 && at.dir.p[0] == '/')
			at.dir = str_skip(at.dir, 1);
	}
	return at;
}

struct gate_op rq_gate(fuse_req_t req, enum file_verb verb, const char *type,
		       struct str path)
{
	struct vfs *v = rq_vfs(req);
	struct gate_op g = { .verb = verb, .type = type, .path = path };

	g.command = command_asks(v, fuse_req_ctx(req)->pid, &g.pid, &g.judged);
	return g;
}

int rq_judge_inode(fuse_req_t req, struct inode *i, int fd, enum file_verb verb,
		   const char *type, bool quiet)
{
	struct vfs *v = rq_vfs(req);
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct gate_op op;
	int r = known_path(v, i, &path);

	if (r < 0) {
		buf_reset(&path);
		r = gate_path(v, i, fd, &path);
		if (r == 0)
			known_learn(v, i, buf_str(&path));
	}
	if (r < 0) /* open but unlinked: judged when it was opened */
		return r == -ENOENT ? 0 : r;
	op = rq_gate(req, verb, type, buf_str(&path));
	op.is_dir = S_ISDIR(i->type);
	op.quiet = quiet;
	r = gate_ask(v, &op);
	return r < 0 ? r : 0;
}

void rq_become(fuse_req_t req)
{
	const struct fuse_ctx *c = fuse_req_ctx(req);

	cred_become(rq_vfs(req), c->uid, c->gid, c->umask);
}

void rq_before_make(fuse_req_t req, const struct spot *p)
{
	struct vfs *v = rq_vfs(req);
	struct trash_at at;

	if (v->trash) {
		at = spot_at(v, p);
		/* Only times are at stake: no reason to refuse. */
		(void)trash_before_make(v->trash, rq_command(req)->group, &at);
	}
	rq_become(req);
}

bool rq_is_own(struct vfs *v, const struct inode *i, uint32_t group)
{
	return !v->settings.trash.keep_own && i->born_group == group && group &&
	       i->born_epoch == trash_epoch(v->trash);
}

bool rq_is_trash(const struct vfs *v, const struct stat *st)
{
	return v->trash && st->st_ino == v->trash_ino &&
	       st->st_dev == v->trash_dev;
}

void rq_fix_stat(struct vfs *v, struct stat *st)
{
	uint32_t n;

	if (!v->trash)
		return;
	if (S_ISDIR(st->st_mode)) {
		/* The quarantine's own directory does not count either. */
		if (v->trash_in_root && st->st_ino == v->inodes.root->ino &&
		    st->st_dev == v->inodes.root->dev && st->st_nlink > 2)
			st->st_nlink--;
		return;
	}
	n = trash_links(v->trash, st->st_dev, st->st_ino);
	st->st_nlink -= n < st->st_nlink ? n : st->st_nlink;
}

int rq_stat(struct vfs *v, int fd, struct stat *st)
{
	if (fstatat(fd, "", st, AT_EMPTY_PATH) < 0)
		return -errno;
	rq_fix_stat(v, st);
	return 0;
}

int rq_entry(fuse_req_t req, struct spot *p, int own_fd,
	     struct fuse_entry_param *ret)
{
	struct vfs *v = rq_vfs(req);
	struct inode *i;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (own_fd < 0) {
		own_fd = openat(p->dirfd, p->name,
				O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (own_fd < 0 && errno != EMFILE && errno != ENFILE)
			return -errno;
	}
	r = inode_lookup(&v->inodes, p->parent, p->name, own_fd, &ret->attr,
			 &i);
	if (r < 0)
		return r;
	rq_fix_stat(v, &ret->attr);
	ret->ino = rq_nodeid(v, i);
	ret->generation = 1;
	ret->entry_timeout = watch_name_time(v, p->parent, p->name);
	ret->attr_timeout = watch_attr_time(v, i, &ret->attr);
	known_name(v, i, ret->entry_timeout);
	return 0;
}

void rq_reply_made(fuse_req_t req, struct spot *p, enum trash_made made)
{
	struct vfs *v = rq_vfs(req);
	struct fuse_entry_param e;
	int r;

	if (v->trash) {
		const struct command *c = rq_command(req);
		struct trash_at at = spot_at(v, p);

		(void)trash_note_made(v->trash, c->group, &at, made);
		command_tell(v, c);
	}
	r = rq_entry(req, p, -1, &e);
	if (r < 0)
		rq_err(req, r);
	else
		(void)fuse_reply_entry(req, &e);
}

int rq_locate(struct vfs *v, struct inode *i, int fd, char name[256],
	      struct buf *dir, struct trash_at *ret)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct str root, full, last;
	ptrdiff_t slash;
	int r = gate_path(v, i, fd, &path);

	if (r < 0)
		return r;
	full = buf_str(&path);
	root = trash_root_path(v->trash);
	if (!path_beneath(full, root) || full.n == root.n)
		return -ENOENT;
	slash = str_rindex(full, '/');
	last = str_skip(full, (size_t)slash + 1);
	if (slash < 0 || last.n > 255)
		return -ENOENT;
	memcpy(name, last.p, last.n);
	name[last.n] = '\0';
	if ((size_t)slash > root.n)
		buf_put_str(dir, str_from_n(full.p + root.n + 1,
					    (size_t)slash - root.n - 1));
	if (dir->error)
		return dir->error;
	*ret = (struct trash_at){ .name = name,
				  .dir = str_from(buf_cstr(dir)) };
	ret->dirfd = path_open_beneath(v->root_fd,
				       dir->len ? buf_cstr(dir) : ".",
				       O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	return ret->dirfd < 0 ? ret->dirfd : 0;
}
