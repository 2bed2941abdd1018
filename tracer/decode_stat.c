/* SPDX-License-Identifier: MIT */
/*
 * decode_stat.c - stat, access and readlink in all their forms, when metadata
 * is to be judged at all (intercept_metadata, or a policy that diverts files)
 *
 * Landlock does not mediate these, so what was judged is what is answered: the
 * call is made on the object held and its result written to the caller's
 * memory. An error is returned as found, never left to the kernel to find
 * again, because the path may have changed by then. Only where a container
 * refuses us the writing (process_vm_writev) an allowed call continues, and a
 * race can win the attributes of a denied file; READY says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracer/file.h"
#include "tracer/identity.h"

#define NR_FACCESSAT2 439
#define NONE          (-1)

/* Where each call has its arguments. */
struct stat_call {
	int nr;
	enum file_verb verb;
	int dirfd, path, flags; /* NONE: it has none */
	int out, extra;         /* result; mode, mask or size */
	int always;             /* AT_* flags that the call implies */
};

static const struct stat_call calls[] = {
	{ SYS_newfstatat, FILE_STAT, 0, 1, 3, 2, NONE, 0 },
	{ SYS_statx, FILE_STAT, 0, 1, 2, 4, 3, 0 },
	{ SYS_fstat, FILE_STAT, 0, NONE, NONE, 1, NONE, AT_EMPTY_PATH },
	{ SYS_faccessat, FILE_ACCESS, 0, 1, NONE, NONE, 2, 0 },
	{ NR_FACCESSAT2, FILE_ACCESS, 0, 1, 3, NONE, 2, 0 },
	{ SYS_readlinkat, FILE_READLINK, 0, 1, NONE, 2, 3,
	  AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH },
#ifdef SYS_readlink
	{ SYS_stat, FILE_STAT, NONE, 0, NONE, 1, NONE, 0 },
	{ SYS_lstat, FILE_STAT, NONE, 0, NONE, 1, NONE, AT_SYMLINK_NOFOLLOW },
	{ SYS_access, FILE_ACCESS, NONE, 0, NONE, NONE, 1, 0 },
	{ SYS_readlink, FILE_READLINK, NONE, 0, NONE, 1, 2,
	  AT_SYMLINK_NOFOLLOW },
#endif
};

static const struct stat_call *call_of(int nr)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (calls[i].nr == nr)
			return &calls[i];
	return NULL;
}

static uint64_t arg(const struct request *q, int i, uint64_t without)
{
	return i == NONE ? without : q->args[i];
}

/* 0, or the errno for the caller; the request may go on instead. */
static int64_t put_result(struct file_call *f, uint64_t addr, const void *p,
			  size_t n)
{
	int r = mem_put_process(f->q->tid, addr, p, n);

	if (r != -EPERM)
		return r;
	if (f->diverted)
		return -EACCES; /* the kernel would answer for another file */
	request_continue(f->q);
	return FILE_ANSWERED;
}

static int64_t act_fstat(struct file_call *f)
{
	const struct stat_call *c = &calls[f->mode];
	struct stat st = { 0 };

	if (f->a.fd < 0)
		return -ENOENT;
	/* The kernel's own layout: by number, not through the C library. */
	if (syscall(SYS_newfstatat, f->a.fd, "", &st, AT_EMPTY_PATH) < 0)
		return -errno;
	return put_result(f, f->q->args[c->out], &st, sizeof(st));
}

static int64_t act_statx(struct file_call *f)
{
	const uint64_t *a = f->q->args;
	struct statx st = { 0 };
	int flags = ((int)a[2] & AT_STATX_SYNC_TYPE) | AT_EMPTY_PATH;

	if (f->a.fd < 0)
		return -ENOENT;
	if (statx(f->a.fd, "", flags, (unsigned int)a[3], &st) < 0)
		return -errno;
	return put_result(f, a[4], &st, sizeof(st));
}

static int64_t act_access(struct file_call *f)
{
	const struct stat_call *c = &calls[f->mode];
	int mode = (int)f->q->args[c->extra];
	int flags = (int)arg(f->q, c->flags, 0) & AT_EACCESS;

	_cleanup_identity_ struct identity *was = NULL;
	int r = 0;

	if (f->a.fd < 0)
		return -ENOENT;
	if (identity_enabled() && !(flags & AT_EACCESS)) {
		r = identity_enter_real(f->q, &was);
		flags |= AT_EACCESS;
	}
	if (r < 0)
		return r;
	return syscall(NR_FACCESSAT2, f->a.fd, "", mode,
		       flags | AT_EMPTY_PATH) < 0
		       ? -errno
		       : 0;
}

/* What procfs would answer the caller; 0 if it is no such link. */
static ssize_t own_link(const struct file_call *f, char *out, size_t n)
{
	struct str path = buf_str(&f->a.path);
	int len = 0;

	if (str_eq_c(path, "/proc/self"))
		len = snprintf(out, n, "%d", f->viewer.pid);
	else if (str_eq_c(path, "/proc/thread-self"))
		len = snprintf(out, n, "%d/task/%d", f->viewer.pid,
			       f->viewer.tid);
	return len;
}

static int64_t act_readlink(struct file_call *f)
{
	const struct stat_call *c = &calls[f->mode];
	uint64_t size = f->q->args[c->extra];
	char target[LIMIT_PATH];
	ssize_t n;
	int64_t r;

	if (f->a.fd < 0)
		return -ENOENT;
	if ((int)size <= 0 || !S_ISLNK(f->a.st.st_mode))
		return -EINVAL;
	n = own_link(f, target, sizeof(target));
	if (n == 0)
		n = readlinkat(f->a.fd, "", target, sizeof(target));
	if (n < 0)
		return -errno;
	n = (ssize_t)MIN((uint64_t)n, size);
	r = put_result(f, f->q->args[c->out], target, (size_t)n);
	return r == 0 ? n : r;
}

static int find(struct file_call *f, const struct stat_call *c)
{
	const struct request *q = f->q;
	int flags = (int)arg(q, c->flags, 0) | c->always;
	int dirfd = (int)arg(q, c->dirfd, (uint32_t)AT_FDCWD);
	uint64_t path = arg(q, c->path, 0);
	int r;

	/* fstat; and no path at all (6.11), which names the descriptor */
	if (c->path == NONE || (path == 0 && (flags & AT_EMPTY_PATH)))
		return dirfd < 0 && dirfd != AT_FDCWD
			       ? -EBADF
			       : file_find_fd(f, &f->a, dirfd);
	r = file_get_path(f, &f->a, dirfd, path);
	if (r < 0)
		return r;
	return file_find_object(f, &f->a, !(flags & AT_SYMLINK_NOFOLLOW),
				(flags & AT_EMPTY_PATH) != 0);
}

void decode_stat(struct request *q)
{
	const struct stat_call *c = call_of(q->nr);
	struct file_call *f;
	int r;

	if (!c) {
		request_fail(q, EACCES);
		return;
	}
	f = file_new(q, c->verb,
		     c->verb == FILE_ACCESS     ? act_access
		     : c->verb == FILE_READLINK ? act_readlink
		     : q->nr == SYS_statx       ? act_statx
						: act_fstat);
	if (!f)
		return;
	f->mode = (uint64_t)(c - calls);
	r = find(f, c);
	if (r < 0)
		file_error(f, r);
	else
		file_judge(f);
}
