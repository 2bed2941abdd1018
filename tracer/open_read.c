/* SPDX-License-Identifier: MIT */
/*
 * open_read.c - opens for reading in one step
 *
 * decode_open.c holds an object by O_PATH, judges it and opens it again
 * through procfs. Nearly all opens are reads of files and directories, and for
 * those the descriptor that the caller is to get can be the one that is held
 * and judged: opening them for reading changes nothing.
 *
 * Not so for FIFOs, devices and the files of procfs, where the open itself is
 * an act, or depends on who asks. What is no file or directory of a disk is
 * left to the long way: it is looked at by stat() first, opened without
 * blocking, and looked at again once it is open. (Something else put there in
 * between is closed at once; whoever did that gets what a reader that goes
 * away gives.) So is every error: the long way finds out which one it is, and
 * has denials on record that come before it.
 *
 * Without a link on the way the object's name is the name of where the path
 * starts and the path, cleaned; with links or ".." the kernel is asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/path.h"
#include "tracer/file.h"
#include "tracer/ownfd.h"

/* Not in Debian 12's headers. */
#ifndef XFS_SUPER_MAGIC
#	define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef FUSE_SUPER_MAGIC
#	define FUSE_SUPER_MAGIC 0x65735546
#endif

/* procfs and its like have no block device, but others have none either. fd:
 * something on it, or -1: only what is known already counts. */
static bool is_plain_fs(struct tracer *t, dev_t dev, int fd)
{
	struct plain_fs *known = &t->plain_fs;
	struct statfs fs;

	if (major(dev) != 0)
		return true;
	for (size_t i = 0; i < known->n; i++)
		if (known->dev[i] == dev)
			return true;
	if (fd < 0 || known->n == PLAIN_FS_MAX || fstatfs(fd, &fs) < 0)
		return false;
	switch ((unsigned long)fs.f_type) {
	case TMPFS_MAGIC:
	case OVERLAYFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case FUSE_SUPER_MAGIC:
	case NFS_SUPER_MAGIC:
	case V9FS_MAGIC:
		known->dev[known->n++] = dev;
		return true;
	default:
		return false;
	}
}

bool open_is_plain(struct tracer *t, const struct stat *st, int fd)
{
	return (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode)) &&
	       is_plain_fs(t, st->st_dev, fd);
}

static int open_it(const struct file_target *t, uint64_t flags,
		   uint64_t resolve)
{
	struct open_how how = { .flags = flags, .resolve = resolve };
	int from = t->base < 0 ? AT_FDCWD : t->base;
	long fd = syscall(SYS_openat2, from, t->text, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* What is no directory stays closed with O_DIRECTORY, so only others need a
 * look before. */
static bool may_open(struct file_call *f)
{
	const struct file_target *t = &f->a;
	struct stat st;

	if (f->flags & O_DIRECTORY)
		return true;
	return fstatat(t->base < 0 ? AT_FDCWD : t->base, t->text, &st,
		       f->flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0) == 0 &&
	       open_is_plain(f->q->tracer, &st, -1);
}

/* Opens f->a.text as asked; what is open is a file or directory. */
static int open_plain(struct file_call *f)
{
	struct file_target *t = &f->a;
	uint64_t flags = f->flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

	t->fd = open_it(t, flags, RESOLVE_NO_SYMLINKS);
	t->plain = t->fd >= 0;
	if (t->fd == -ELOOP && !(f->flags & O_NOFOLLOW))
		t->fd = open_it(t, flags, RESOLVE_NO_MAGICLINKS);
	if (t->fd < 0)
		return t->fd;
	if (ownfd_look(t->fd, &t->st) < 0 || t->st.st_nlink == 0 ||
	    !open_is_plain(f->q->tracer, &t->st, t->fd))
		return -EAGAIN;
	/* Of the flags that stay with it only this one is not the caller's. */
	if (!(f->flags & O_NONBLOCK) && fcntl(t->fd, F_SETFL, 0) < 0)
		return -errno;
	return 0;
}

static int name_it(struct file_call *f)
{
	struct file_target *t = &f->a;
	int r;

	if (file_name_is_path(t))
		return file_name(t, &t->path);
	r = ownfd_path(t->fd, &t->path);
	if (r == 0 && !t->plain)
		r = file_name(t, &t->name);
	if (str_eq(buf_str(&t->name), buf_str(&t->path)))
		buf_reset(&t->name);
	return r;
}

bool open_read(struct file_call *f)
{
	struct file_target *t = &f->a;

	if ((f->flags & ~OPEN_USUAL) != 0 || t->how_resolve || !t->text[0])
		return false;
	if (file_base(f, t) == 0 && may_open(f) && open_plain(f) == 0 &&
	    name_it(f) == 0 && t->path.len && request_valid(f->q)) {
		file_base_done(t);
		return true;
	}
	file_forget(t);
	return false;
}

void open_read_learn(const struct file_call *f)
{
	if (f->a.fd >= 0)
		(void)open_is_plain(f->q->tracer, &f->a.st, f->a.fd);
}
