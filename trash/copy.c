/* SPDX-License-Identifier: MIT */
/*
 * copy.c - contents and attributes of objects
 */
#include "trash/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "trash/xattr.h"

#define NSEC       1000000000LL
#define COPY_CHUNK (1U << 20)

static void magic(char out[32], int fd)
{
	(void)snprintf(out, 32, "/proc/self/fd/%d", fd);
}

int copy_open(int fd)
{
	char path[32];
	struct stat st;
	int r;

	/* The type of an open object cannot change: no race with the open. */
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	magic(path, fd);
	r = open(path, O_RDONLY | O_CLOEXEC | O_NOATIME | O_NONBLOCK);
	if (r < 0 && errno == EPERM)
		r = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return r < 0 ? -errno : r;
}

static int copy_by_hand(int from, int to, off_t off, off_t end)
{
	_cleanup_free_ char *p = malloc(COPY_CHUNK);

	if (!p)
		return -ENOMEM;
	while (off < end) {
		size_t want = (size_t)MIN((off_t)COPY_CHUNK, end - off);
		ssize_t n = pread(from, p, want, off);

		if (n < 0)
			return -errno;
		if (n == 0)
			return 0; /* shrank meanwhile */
		for (ssize_t done = 0; done < n;) {
			ssize_t w = pwrite(to, p + done, (size_t)(n - done),
					   off + done);

			if (w <= 0)
				return w < 0 ? -errno : -ENOSPC;
			done += w;
		}
		off += n;
	}
	return 0;
}

static int copy_extent(int from, int to, off_t off, off_t end)
{
	while (off < end) {
		off_t in = off, out = off;
		ssize_t n = copy_file_range(from, &in, to, &out,
					    (size_t)(end - off), 0);

		if (n < 0 && (errno == EXDEV || errno == EINVAL ||
			      errno == EOPNOTSUPP || errno == ENOSYS))
			return copy_by_hand(from, to, off, end);
		if (n < 0)
			return -errno;
		if (n == 0)
			return copy_by_hand(from, to, off, end);
		off += n;
	}
	return 0;
}

/* Next run of data at or after *off; false when there is none. */
static bool next_data(int fd, off_t *off, off_t *end, off_t size)
{
	off_t data = lseek(fd, *off, SEEK_DATA);
	off_t hole;

	if (data < 0) {
		if (errno != EINVAL) /* ENXIO: only a hole is left */
			return false;
		data = *off; /* no SEEK_DATA here: all is data */
		hole = size;
	} else {
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			hole = size;
	}
	*off = data;
	*end = MIN(hole, size);
	return data < size;
}

static int copy_extents(int from, int to, uint64_t start, off_t size,
			uint64_t max)
{
	off_t off = (off_t)start, end = 0;
	uint64_t total = 0;

	while (off < size && next_data(from, &off, &end, size)) {
		int r;

		total += (uint64_t)(end - off);
		if (total > max)
			return -EFBIG;
		r = copy_extent(from, to, off, end);
		if (r < 0)
			return r;
		off = end;
	}
	return 0;
}

int copy_content(int from, int to, uint64_t start, uint64_t max,
		 bool try_reflink, enum trash_how *ret_how)
{
	struct stat st;
	int r;

	if (try_reflink && start == 0 && ioctl(to, FICLONE, from) == 0) {
		*ret_how = TRASH_HOW_REFLINK;
		return 0;
	}
	if (fstat(from, &st) < 0)
		return -errno;
	r = copy_extents(from, to, start, st.st_size, max);
	if (r < 0)
		return r;
	/* A hole at the end. */
	if (ftruncate(to, st.st_size) < 0)
		return -errno;
	*ret_how = TRASH_HOW_COPY;
	return 0;
}

int copy_times(int fd, int64_t atime_ns, int64_t mtime_ns)
{
	struct timespec ts[2];
	char path[32];

	ts[0].tv_sec = atime_ns / NSEC;
	ts[0].tv_nsec = atime_ns % NSEC;
	ts[1].tv_sec = mtime_ns / NSEC;
	ts[1].tv_nsec = mtime_ns % NSEC;
	for (int i = 0; i < 2; i++) {
		if (ts[i].tv_nsec < 0) {
			ts[i].tv_nsec += NSEC;
			ts[i].tv_sec--;
		}
	}
	if (utimensat(fd, "", ts, AT_EMPTY_PATH) == 0)
		return 0;
	/* Kernels before 5.8 refuse AT_EMPTY_PATH here. */
	magic(path, fd);
	return utimensat(AT_FDCWD, path, ts, 0) < 0 ? -errno : 0;
}

int copy_attributes(int from, int to, const struct record_stat *st)
{
	char path[32];
	int r;

	if (fchownat(to, "", st->uid, st->gid, AT_EMPTY_PATH) < 0 &&
	    errno != EPERM)
		return -errno;
	r = xattr_copy(from, to);
	if (r < 0)
		return r;
	/* After chown, which clears set-id bits, and the ACL, which sets the
	 * group bits. Links have no mode. */
	magic(path, to);
	if (!S_ISLNK(st->mode) && chmod(path, st->mode & 07777) < 0 &&
	    errno != EPERM)
		return -errno;
	r = copy_times(to, st->atime_ns, st->mtime_ns);
	return r == -EPERM ? 0 : r;
}

static int copy_symlink(int fd, int to_dirfd, const char *to_name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return symlinkat(target, to_dirfd, to_name) < 0 ? -errno : 0;
}

static int copy_regular(int fd, int to_dirfd, const char *to_name, uint64_t max,
			bool try_reflink, enum trash_how *ret_how)
{
	_cleanup_close_ int from = copy_open(fd), to = -1;

	if (from < 0)
		return from;
	to = openat(to_dirfd, to_name,
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (to < 0)
		return -errno;
	return copy_content(from, to, 0, max, try_reflink, ret_how);
}

static int copy_node(int fd, const struct record_stat *st, int to_dirfd,
		     const char *to_name)
{
	struct stat old;

	if (fstat(fd, &old) < 0)
		return -errno;
	if (mknodat(to_dirfd, to_name, (st->mode & S_IFMT) | 0600,
		    old.st_rdev) < 0)
		return -errno;
	return 0;
}

int copy_object(int fd, const struct record_stat *st, int to_dirfd,
		const char *to_name, uint64_t max, bool try_reflink,
		enum trash_how *ret_how)
{
	_cleanup_close_ int to = -1;
	int r;

	*ret_how = TRASH_HOW_COPY;
	if (S_ISREG(st->mode))
		r = copy_regular(fd, to_dirfd, to_name, max, try_reflink,
				 ret_how);
	else if (S_ISLNK(st->mode))
		r = copy_symlink(fd, to_dirfd, to_name);
	else if (S_ISDIR(st->mode))
		r = mkdirat(to_dirfd, to_name, 0700) < 0 ? -errno : 0;
	else
		r = copy_node(fd, st, to_dirfd, to_name);
	if (r == 0) {
		to = openat(to_dirfd, to_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		r = to < 0 ? -errno : copy_attributes(fd, to, st);
	}
	if (r < 0 && r != -EEXIST)
		(void)unlinkat(to_dirfd, to_name,
			       S_ISDIR(st->mode) ? AT_REMOVEDIR : 0);
	return r;
}
