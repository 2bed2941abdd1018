/* SPDX-License-Identifier: MIT */
/*
 * path_far.c - names of directories that are further away than PATH_MAX
 *
 * The kernel tells no path of PATH_MAX bytes and more, but a process can be in
 * such a directory, step by step. The name is put together upwards: what each
 * directory is called in its parent, until the kernel tells the rest. Somebody
 * may rename meanwhile: what came out is walked down again, without links, and
 * must lead to the same directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* What the directory is called in its parent, which is opened as *ret. */
static int name_upwards(int fd, char name[NAME_MAX + 1], int *ret)
{
	_cleanup_close_ int up =
		openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = NULL;
	struct stat st, other;
	const struct dirent *e;
	int r;

	if (up < 0 || fstat(fd, &st) < 0)
		return -errno;
	r = fd_opendir(up, ".", &d);
	if (r < 0)
		return r;
	r = -ENOENT;
	while (r < 0 && (e = readdir(d)))
		if (e->d_ino == st.st_ino && strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 &&
		    fstatat(up, e->d_name, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
		    is_same(&st, &other)) {
			memcpy(name, e->d_name, strlen(e->d_name) + 1);
			r = 0;
		}
	if (r == 0)
		*ret = TAKE_FD(up);
	return r;
}

static bool leads_to(struct str path, int fd)
{
	_cleanup_close_ int at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat a, b;
	struct str part;

	while (at >= 0 && str_split(&path, '/', &part)) {
		_cleanup_close_ int from = at;
		char name[NAME_MAX + 1];

		at = -1;
		if (part.n > NAME_MAX)
			break;
		if (part.n == 0) {
			at = TAKE_FD(from);
			continue;
		}
		memcpy(name, part.p, part.n);
		name[part.n] = '\0';
		at = openat(from, name,
			    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	return at >= 0 && fstat(at, &a) == 0 && fstat(fd, &b) == 0 &&
	       is_same(&a, &b);
}

static int prepend(struct buf *tail, const char *name)
{
	_cleanup_buf_ struct buf whole = BUF_INIT;

	buf_putc(&whole, '/');
	buf_puts(&whole, name);
	buf_put_str(&whole, buf_str(tail));
	buf_reset(tail);
	buf_put_str(tail, buf_str(&whole));
	return whole.error ? whole.error : tail->error;
}

int path_of_far_dir(int fd, struct buf *out)
{
	_cleanup_buf_ struct buf tail = BUF_INIT, head = BUF_INIT;
	_cleanup_close_ int at = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int r = at < 0 ? -errno : path_of_fd(at, &head);

	while (r == -ENAMETOOLONG && tail.len < PATH_FAR_MAX) {
		char name[NAME_MAX + 1];
		int up = -1;

		r = name_upwards(at, name, &up);
		if (r < 0)
			return -ENAMETOOLONG;
		(void)close(at);
		at = up;
		r = prepend(&tail, name);
		if (r == 0)
			r = path_of_fd(at, &head);
	}
	if (r < 0)
		return r;
	buf_put_str(&head, buf_str(&tail));
	if (head.error)
		return head.error;
	if (head.len >= PATH_FAR_MAX || !leads_to(buf_str(&head), fd))
		return -ENAMETOOLONG;
	buf_put_str(out, buf_str(&head));
	return out->error;
}
