/* SPDX-License-Identifier: MIT */
/*
 * ownfd.c - our own descriptors by name
 */
#include "tracer/ownfd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/path.h"

static int dir = -1; /* /proc/self/fd; opened at first use */
static bool forked;

/* Name of fd relative to the descriptor that is returned. */
static int name_of(int fd, char out[32])
{
	if (dir < 0 && !forked)
		dir = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || forked) {
		(void)snprintf(out, 32, "/proc/self/fd/%d", fd);
		return AT_FDCWD;
	}
	(void)snprintf(out, 32, "%d", fd);
	return dir;
}

int ownfd_path(int fd, struct buf *out)
{
	char name[32];
	int at = name_of(fd, name);
	char *p = buf_reserve(out, PATH_MAX);
	ssize_t n;

	if (!p)
		return out->error;
	n = readlinkat(at, name, p, PATH_MAX);
	if ((n < 0 && errno == ENAMETOOLONG) || n == PATH_MAX)
		return path_of_far_dir(fd, out);
	if (n < 0)
		return -errno;
	out->len += (size_t)n;
	out->data[out->len] = '\0';
	return 0;
}

int ownfd_open(int fd, int flags, mode_t mode)
{
	char name[32];
	int at = name_of(fd, name);
	int got = openat(at, name, flags, mode);

	return got < 0 ? -errno : got;
}

void ownfd_forked(void)
{
	forked = true;
}

void ownfd_from_statx(const struct statx *sx, struct stat *ret)
{
	*ret = (struct stat){
		.st_dev = makedev(sx->stx_dev_major, sx->stx_dev_minor),
		.st_rdev = makedev(sx->stx_rdev_major, sx->stx_rdev_minor),
		.st_ino = sx->stx_ino,
		.st_mode = sx->stx_mode,
		.st_nlink = sx->stx_nlink,
		.st_uid = sx->stx_uid,
		.st_gid = sx->stx_gid,
		.st_size = (off_t)sx->stx_size,
	};
}

int ownfd_look(int fd, struct stat *ret)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS,
		  &sx) < 0)
		return -errno;
	ownfd_from_statx(&sx, ret);
	return 0;
}
