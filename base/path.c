/* SPDX-License-Identifier: MIT */
/*
 * path.c - paths: lexical cleaning, safe opening beneath a directory
 *
 * path_open_beneath() asks the kernel (openat2, 5.6) to do what user space
 * cannot do without a race: resolve a name and refuse to leave a directory.
 * Where openat2 is missing or filtered (ENOSYS; EPERM from old container
 * seccomp profiles) the walk opens one component at a time with O_NOFOLLOW and
 * refuses every symlink and "..": stricter, never looser.
 */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "base/fd.h"

static int clean(struct str path, size_t max, struct buf *out)
{
	size_t base = out->len;
	struct str rest = path, part;

	if (path.n == 0 || path.p[0] != '/')
		return -EINVAL;
	if (path.n >= max)
		return -ENAMETOOLONG;
	while (str_split(&rest, '/', &part)) {
		if (part.n == 0 || str_eq(part, STR(".")))
			continue;
		if (str_eq(part, STR(".."))) {
			while (out->len > base && out->data[--out->len] != '/')
				;
			continue;
		}
		buf_putc(out, '/');
		buf_put_str(out, part);
	}
	if (out->len == base)
		buf_putc(out, '/');
	else if (!out->error)
		out->data[out->len] = '\0';
	return out->error;
}

int path_clean(struct str path, struct buf *out)
{
	return clean(path, PATH_MAX, out);
}

int path_join(struct str dir, struct str path, struct buf *out)
{
	_cleanup_buf_ struct buf joined = BUF_INIT;

	if (path.n && path.p[0] == '/')
		return path_clean(path, out);
	buf_put_str(&joined, dir);
	buf_putc(&joined, '/');
	buf_put_str(&joined, path);
	if (joined.error)
		return joined.error;
	return clean(buf_str(&joined), PATH_FAR_MAX, out);
}

int path_of_link(int dirfd, const char *name, struct buf *out)
{
	char *p = buf_reserve(out, PATH_MAX);
	ssize_t n;

	if (!p)
		return out->error;
	n = readlinkat(dirfd, name, p, PATH_MAX);
	if (n < 0)
		return -errno;
	if (n == PATH_MAX)
		return -ENAMETOOLONG;
	out->len += (size_t)n;
	out->data[out->len] = '\0';
	return 0;
}

int path_of_fd(int fd, struct buf *out)
{
	char link[32];

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return path_of_link(AT_FDCWD, link, out);
}

bool path_beneath(struct str path, struct str dir)
{
	if (str_eq(dir, STR("/")))
		return path.n && path.p[0] == '/';
	return str_starts(path, dir) &&
	       (path.n == dir.n || path.p[dir.n] == '/');
}

static int walk_beneath(int dirfd, const char *path, int flags, unsigned mode)
{
	_cleanup_close_ int dir = -1;
	struct str rest = str_from(path), part;
	int at = dirfd;

	if (rest.n == 0)
		return -ENOENT;
	if (rest.p[0] == '/')
		return -EXDEV;
	while (str_split(&rest, '/', &part)) {
		char name[NAME_MAX + 1];
		bool last = rest.p == NULL;
		int fd;

		if (part.n > NAME_MAX)
			return -ENAMETOOLONG;
		if (str_eq(part, STR("..")))
			return -EXDEV;
		if (part.n == 0)
			part = STR("."); /* a//b, a/ */
		memcpy(name, part.p, part.n);
		name[part.n] = '\0';
		fd = openat(at, name,
			    last ? flags | O_NOFOLLOW | O_CLOEXEC
				 : O_PATH | O_DIRECTORY | O_NOFOLLOW |
					    O_CLOEXEC,
			    last ? mode : 0);
		if (fd < 0)
			return -errno;
		if (last)
			return fd;
		if (dir >= 0)
			(void)close(dir);
		at = dir = fd;
	}
	return -ENOENT;
}

int path_open_beneath(int dirfd, const char *path, int flags, unsigned mode)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		/* openat2 refuses a mode where nothing can be created. */
		.mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	/* -EAGAIN: a rename elsewhere disturbed the walk; bounded retries. */
	for (int tries = 0; tries < 64; tries++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	if (fd >= 0)
		return (int)fd;
	if (errno == ENOSYS || errno == EPERM)
		return walk_beneath(dirfd, path, flags, mode);
	return -errno;
}
