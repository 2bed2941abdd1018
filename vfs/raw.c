/* SPDX-License-Identifier: MIT */
/*
 * raw.c - requests that libfuse of the distributions does not know
 */
#include <sys/uio.h>
#include <unistd.h>

#include "vfs/request.h"
#include "vfs/wire.h"

static void reply(struct vfs *v, const struct fuse_in_header *h, int error,
		  const void *body, size_t n)
{
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + (error ? 0 : n)),
		.error = error,
		.unique = h->unique,
	};
	struct iovec iov[2] = {
		{ &out, sizeof(out) },
		{ (void *)(uintptr_t)body, n },
	};

	(void)!writev(session_dev_fd(v->session), iov, error ? 1 : 2);
}

static struct wire_sx_time sx_time(const struct statx_timestamp *t)
{
	return (struct wire_sx_time){ .tv_sec = t->tv_sec,
				      .tv_nsec = t->tv_nsec };
}

static void put_statx(struct wire_statx *o, const struct statx *s)
{
	*o = (struct wire_statx){
		.mask = s->stx_mask,
		.blksize = s->stx_blksize,
		.attributes = s->stx_attributes,
		.nlink = s->stx_nlink,
		.uid = s->stx_uid,
		.gid = s->stx_gid,
		.mode = s->stx_mode,
		.ino = s->stx_ino,
		.size = s->stx_size,
		.blocks = s->stx_blocks,
		.attributes_mask = s->stx_attributes_mask,
		.atime = sx_time(&s->stx_atime),
		.btime = sx_time(&s->stx_btime),
		.ctime = sx_time(&s->stx_ctime),
		.mtime = sx_time(&s->stx_mtime),
		.rdev_major = s->stx_rdev_major,
		.rdev_minor = s->stx_rdev_minor,
		.dev_major = s->stx_dev_major,
		.dev_minor = s->stx_dev_minor,
	};
}

static void raw_statx(struct vfs *v, const struct fuse_in_header *h)
{
	struct inode *i = rq_inode(v, h->nodeid);
	struct wire_statx_out out = { 0 };
	struct statx sx = { 0 };
	uint32_t links = 0;
	int fd = inode_fd(&v->inodes, i), r;

	if (fd < 0) {
		reply(v, h, fd, NULL, 0);
		return;
	}
	r = statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
		  STATX_BASIC_STATS | STATX_BTIME, &sx) < 0
		    ? -errno
		    : 0;
	inode_put_fd(&v->inodes, i);
	if (v->trash && !S_ISDIR(sx.stx_mode))
		links = trash_links(v->trash, (dev_t)i->dev, (ino_t)i->ino);
	sx.stx_nlink -= links < sx.stx_nlink ? links : sx.stx_nlink;
	put_statx(&out.stat, &sx);
	out.attr_valid = (uint64_t)v->settings.timeout;
	reply(v, h, r, &out, sizeof(out));
}

static void raw_tmpfile(struct vfs *v, const struct fuse_in_header *h)
{
	const struct fuse_create_in *in = (const void *)(h + 1);
	struct tmp_request t = {
		.dir = h->nodeid,
		.flags = (int)in->flags,
		.mode = in->mode & 07777,
		.umask = in->umask,
		.uid = h->uid,
		.gid = h->gid,
		.pid = (pid_t)h->pid,
	};
	struct tmp_reply out;
	int r = file_make_tmp(v, &t, &out);

	reply(v, h, r, &out, sizeof(out));
}

bool ops_raw(struct vfs *v, const void *request, size_t n)
{
	const struct fuse_in_header *h = request;

	if (h->opcode == WIRE_OP_STATX &&
	    n >= sizeof(*h) + sizeof(struct wire_statx_in)) {
		raw_statx(v, h);
		return true;
	}
	if (h->opcode == WIRE_OP_TMPFILE &&
	    n >= sizeof(*h) + sizeof(struct fuse_create_in)) {
		raw_tmpfile(v, h);
		return true;
	}
	return false;
}
