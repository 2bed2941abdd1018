/* SPDX-License-Identifier: MIT */
/*
 * decode_xattr.c - extended attributes and file attributes, in all their forms
 *
 * As in decode_meta.c: Landlock does not mediate any of these, so they are
 * performed here, on the object held. Reading them is left to the kernel, like
 * reading any attribute. The *at forms (6.13) and file_setattr (6.17) have the
 * same numbers on every machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tracer/file.h"

#define XATTR_VALUE_MAX 65536 /* XATTR_SIZE_MAX */
#define ARGS_MAX        256   /* of a structure that may grow */
#define NR_SETXATTRAT   463
#define NR_FILE_SETATTR 469
#define FILE_ATTR_SIZE  24 /* struct file_attr, first version */

/* The kernel's struct xattr_args. */
struct at_args {
	uint64_t value;
	uint32_t size, flags;
};

/* "/proc/self/fd/OBJECT", or ".../PARENT/last" for a link itself. */
static int xattr_path(struct file_call *f, struct buf *out)
{
	bool link = S_ISLNK(f->a.st.st_mode);

	if (link && f->a.parent < 0)
		return -ENOENT;
	buf_printf(out, "/proc/self/fd/%d", link ? f->a.parent : f->a.fd);
	if (link)
		buf_printf(out, "/%s", f->a.last);
	return out->error;
}

static int64_t act_setxattr(struct file_call *f)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	bool link = S_ISLNK(f->a.st.st_mode);
	int r = file_keep_meta(f, TRASH_META_XATTR);

	if (r == 0)
		r = xattr_path(f, &path);
	if (r < 0)
		return r;
	r = (link ? lsetxattr : setxattr)(buf_cstr(&path), f->xattr, f->value,
					  f->value_n, (int)f->flags);
	return r < 0 ? -errno : 0;
}

static int64_t act_removexattr(struct file_call *f)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	bool link = S_ISLNK(f->a.st.st_mode);
	int r = file_keep_meta(f, TRASH_META_XATTR);

	if (r == 0)
		r = xattr_path(f, &path);
	if (r < 0)
		return r;
	r = (link ? lremovexattr : removexattr)(buf_cstr(&path), f->xattr);
	return r < 0 ? -errno : 0;
}

static bool is_set(int nr)
{
	return nr == SYS_setxattr || nr == SYS_lsetxattr || nr == SYS_fsetxattr;
}

static int read_name(struct file_call *f, uint64_t addr)
{
	ssize_t n =
		mem_get_string(&f->q->mem, addr, f->xattr, sizeof(f->xattr));

	if (n <= 0)
		return n == -EFAULT ? -EFAULT : -ERANGE;
	return 0;
}

static int read_value(struct file_call *f, uint64_t addr, uint64_t n)
{
	if (n > XATTR_VALUE_MAX)
		return -E2BIG;
	f->value_n = (size_t)n;
	f->value = malloc(f->value_n ? f->value_n : 1);
	if (!f->value)
		return -ENOMEM;
	return mem_get(&f->q->mem, addr, f->value, f->value_n);
}

static int read_xattr(struct file_call *f)
{
	const uint64_t *a = f->q->args;
	bool set = is_set(f->q->nr);
	int r;

	f->flags = set ? (uint32_t)a[4] : 0;
	if (f->flags & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	r = read_name(f, a[1]);
	if (r < 0 || !set)
		return r;
	return read_value(f, a[2], a[3]);
}

/* A structure of the caller's that may have grown: what we do not know of it
 * must be zero. */
static int read_struct(struct file_call *f, uint64_t addr, uint64_t size,
		       void *p, size_t known)
{
	char raw[ARGS_MAX] = { 0 };

	if (size < known)
		return -EINVAL;
	if (size > sizeof(raw))
		return -E2BIG;
	if (mem_get(&f->q->mem, addr, raw, (size_t)size) < 0)
		return -EFAULT;
	for (size_t i = known; i < size; i++)
		if (raw[i])
			return -E2BIG;
	memcpy(p, raw, known);
	return 0;
}

static int read_xattrat(struct file_call *f)
{
	const uint64_t *a = f->q->args;
	struct at_args args = { 0 };
	int r = read_name(f, a[3]);

	if (r < 0 || f->q->nr != NR_SETXATTRAT)
		return r;
	r = read_struct(f, a[4], a[5], &args, sizeof(args));
	if (r < 0)
		return r;
	f->flags = args.flags;
	return read_value(f, args.value, args.size);
}

static struct file_call *new_xattr(struct request *q)
{
	struct file_call *f = file_new(
		q, FILE_XATTR, is_set(q->nr) ? act_setxattr : act_removexattr);
	int r = f ? read_xattr(f) : 0;

	if (r < 0) {
		file_error(f, r);
		return NULL;
	}
	return f;
}

void decode_setxattr(struct request *q)
{
	struct file_call *f = new_xattr(q);
	bool link = q->nr == SYS_lsetxattr || q->nr == SYS_lremovexattr;

	if (f)
		file_judge_path(f, AT_FDCWD, q->args[0],
				link ? AT_SYMLINK_NOFOLLOW : 0);
}

void decode_fsetxattr(struct request *q)
{
	struct file_call *f = new_xattr(q);

	if (f)
		file_judge_fd(f, (int)q->args[0]);
}

/* setxattrat, removexattrat: dirfd, path, flags, name, [arguments, size] */
void decode_xattrat(struct request *q)
{
	struct file_call *f = file_new(
		q, FILE_XATTR,
		q->nr == NR_SETXATTRAT ? act_setxattr : act_removexattr);
	int flags = (int)q->args[2];
	int r;

	if (!f)
		return;
	r = flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ? -EINVAL
							   : read_xattrat(f);
	if (r < 0)
		file_error(f, r);
	else if (q->args[1] == 0 && (flags & AT_EMPTY_PATH))
		file_judge_fd(f, (int)q->args[0]);
	else
		file_judge_path(f, (int)q->args[0], q->args[1], flags);
}

static int64_t act_setattr(struct file_call *f)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	int r = xattr_path(f, &path);

	if (r < 0)
		return r;
	return syscall(NR_FILE_SETATTR, AT_FDCWD, buf_cstr(&path), f->value,
		       f->value_n,
		       S_ISLNK(f->a.st.st_mode) ? AT_SYMLINK_NOFOLLOW : 0) < 0
		       ? -errno
		       : 0;
}

/* dirfd, path, attributes, size, flags */
void decode_file_setattr(struct request *q)
{
	struct file_call *f = file_new(q, FILE_XATTR, act_setattr);
	int flags = (int)q->args[4];
	int r = -EINVAL;

	if (!f)
		return;
	if (!(flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))) {
		f->value_n = FILE_ATTR_SIZE;
		f->value = malloc(FILE_ATTR_SIZE);
		r = f->value ? read_struct(f, q->args[2], q->args[3], f->value,
					   FILE_ATTR_SIZE)
			     : -ENOMEM;
	}
	if (r < 0)
		file_error(f, r);
	else if (q->args[1] == 0 && (flags & AT_EMPTY_PATH))
		file_judge_fd(f, (int)q->args[0]);
	else
		file_judge_path(f, (int)q->args[0], q->args[1], flags);
}
