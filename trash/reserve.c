/* SPDX-License-Identifier: MIT */
/*
 * reserve.c - space put by, so that a full disk can be undone
 *
 * Removing a file into the quarantine, and undoing, free nothing and need a
 * little: a record, a directory. On a full disk that little comes from a file
 * that was allocated while there was room, and is again when there is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "trash/store.h"

#define NAME     "reserve"
#define SIZE     ((off_t)1 << 20)
#define SHARE    16U /* of the free space at most */
#define SIZE_MIN ((off_t)128 << 10)
#define STEP     ((off_t)64 << 10)

/*
 * Where inodes are counted they can be all that there is none of: a directory
 * of empty files, one of which makes room for a directory.
 */
#define SPARES     "spares"
#define SPARES_MAX 32U
#define SPARES_PER 4U

static void spare_name(char name[4], unsigned int i)
{
	(void)snprintf(name, 4, "%02u", i % 100);
}

static void make_spares(struct trash *t)
{
	_cleanup_close_ int dir = -1;
	struct statvfs v;
	char name[4];

	if (fstatvfs(t->base_fd, &v) < 0 || v.f_files == 0 ||
	    v.f_favail / SHARE < SPARES_MAX)
		return;
	(void)mkdirat(t->base_fd, SPARES, 0700);
	dir = openat(t->base_fd, SPARES,
		     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return;
	/* Taken from the end: what is there begins at 0. */
	for (unsigned int i = SPARES_MAX; i-- > 0;) {
		spare_name(name, i);
		if (mknodat(dir, name, S_IFREG | 0600, 0) < 0)
			break;
	}
}

/* True when some inodes are free now. */
static bool free_spares(struct trash *t)
{
	_cleanup_close_ int dir = -1;
	unsigned int freed = 0;
	struct statvfs v;
	char name[4];

	if (fstatvfs(t->base_fd, &v) < 0 || v.f_files == 0 || v.f_ffree > 0)
		return false;
	dir = openat(t->base_fd, SPARES,
		     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	for (unsigned int i = SPARES_MAX; dir >= 0 && i-- > 0;) {
		spare_name(name, i);
		freed += unlinkat(dir, name, 0) == 0;
		if (freed == SPARES_PER)
			break;
	}
	return freed > 0;
}

static off_t affordable(int fd)
{
	struct statvfs v;
	uint64_t share;

	if (fstatvfs(fd, &v) < 0)
		return 0;
	share = v.f_bavail * v.f_frsize / SHARE;
	return share >= (uint64_t)SIZE       ? SIZE
	       : share >= (uint64_t)SIZE_MIN ? SIZE_MIN
					     : 0;
}

void reserve_make(struct trash *t)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	off_t size;

	if (t->base_fd < 0)
		return;
	make_spares(t);
	if (fstatat(t->base_fd, NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
		st.st_size = 0;
	if (st.st_size >= SIZE)
		return;
	size = affordable(t->base_fd);
	if (size <= st.st_size)
		return;
	fd = openat(t->base_fd, NAME,
		    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && fallocate(fd, 0, 0, size) < 0)
		(void)!ftruncate(fd, 0);
}

bool reserve_use(struct trash *t, int error)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if ((error != -ENOSPC && error != -EDQUOT) || t->base_fd < 0)
		return false;
	if (free_spares(t))
		return true;
	fd = openat(t->base_fd, NAME, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_blocks == 0)
		return false;
	/* Bit by bit: others write to the disk as well. */
	return ftruncate(fd, st.st_size > STEP ? st.st_size - STEP : 0) == 0;
}

int reserve_append(struct trash *t, int fd, const void *p, size_t n)
{
	int r = fd_write_full(fd, p, n);

	return reserve_use(t, r) ? fd_write_full(fd, p, n) : r;
}

int reserve_mkdir(struct trash *t, int dirfd, const char *name, mode_t mode)
{
	int r;

	do
		r = mkdirat(dirfd, name, mode) < 0 ? -errno : 0;
	while (reserve_use(t, r));
	return r;
}

int reserve_open(struct trash *t, int dirfd, const char *name, int flags)
{
	int fd;

	do {
		fd = openat(dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
		fd = fd < 0 ? -errno : fd;
	} while (reserve_use(t, fd));
	return fd;
}
