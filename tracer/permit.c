/* SPDX-License-Identifier: MIT */
/*
 * permit.c - what the kernel would ask of a caller whose files we keep
 *
 * What is removed or replaced is renamed into the quarantine, which is ours. A
 * caller with ids of its own may not do that, so we do it with rights over
 * everybody's files; what it may do is asked here, before, of the kernel as far
 * as it answers (access to a directory, with its groups and ACLs). What the
 * kernel refuses us as well (immutable files, mount points) needs no question.
 */
#include "tracer/permit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "confine/caps.h"

static bool over_owners(void)
{
	uint64_t effective = 0, permitted = 0, bounding = 0;

	return caps_get(&effective, &permitted, &bounding) == 0 &&
	       (effective >> CAP_FOWNER & 1);
}

static int may_make(const struct file_target *t)
{
	return faccessat(t->parent, ".", W_OK | X_OK, AT_EACCESS) < 0 ? -errno
								      : 0;
}

/* What is in a sticky directory is for its owner to remove, and for that of
 * the directory. */
static int may_remove(const struct file_target *t)
{
	struct stat dir;
	int r = may_make(t);

	if (r < 0)
		return r;
	if (fstat(t->parent, &dir) < 0)
		return -errno;
	return !(dir.st_mode & S_ISVTX) || dir.st_uid == geteuid() ||
			       t->st.st_uid == geteuid() || over_owners()
		       ? 0
		       : -EPERM;
}

int permit_remove(const struct file_call *f)
{
	return may_remove(&f->a);
}

/* A directory's ".." changes with the directory that it is in. */
static int may_move(const struct file_target *t, const struct file_target *to)
{
	struct stat a, b;
	char path[FILE_SELF_MAX];

	if (!S_ISDIR(t->st.st_mode))
		return 0;
	if (fstat(t->parent, &a) < 0 || fstat(to->parent, &b) < 0)
		return -errno;
	if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return 0;
	file_self_path(t->fd, path);
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static bool is_same_file(const struct file_call *f)
{
	return f->b.fd >= 0 && f->a.st.st_dev == f->b.st.st_dev &&
	       f->a.st.st_ino == f->b.st.st_ino;
}

int permit_rename(const struct file_call *f)
{
	int r;

	if (is_same_file(f)) /* nothing happens */
		return 0;
	/* Into itself: said before anything else. */
	if (path_beneath(buf_str(&f->b.path), buf_str(&f->a.path)))
		return -EINVAL;
	r = may_remove(&f->a);
	if (r == 0)
		r = f->b.fd >= 0 ? may_remove(&f->b) : may_make(&f->b);
	if (r == 0)
		r = may_move(&f->a, &f->b);
	if (r == 0 && (f->flags & RENAME_EXCHANGE))
		r = may_move(&f->b, &f->a);
	return r;
}
