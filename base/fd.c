/* SPDX-License-Identifier: MIT */
/*
 * fd.c - descriptors: full reads and writes, passing, small files
 */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/macro.h"

/* A non-blocking descriptor is waited for, so that "full" keeps its meaning. */
static int wait_ready(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	if (poll(&p, 1, -1) < 0 && errno != EINTR)
		return -errno;
	return 0;
}

ssize_t fd_read_full(int fd, void *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = read(fd, (char *)p + done, n - done);

		if (got == 0)
			break;
		if (got > 0) {
			done += (size_t)got;
			continue;
		}
		if (errno == EAGAIN) {
			int r = wait_ready(fd, POLLIN);

			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return (ssize_t)done;
}

int fd_write_full(int fd, const void *p, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t put = write(fd, (const char *)p + done, n - done);

		if (put >= 0) {
			done += (size_t)put;
			continue;
		}
		if (errno == EAGAIN) {
			int r = wait_ready(fd, POLLOUT);

			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

int fd_set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

int fd_set_cloexec(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0)
		return -errno;
	flags = on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC;
	return fcntl(fd, F_SETFD, flags) < 0 ? -errno : 0;
}

#define READ_FIRST ((size_t)4096)
#define READ_MOST  ((size_t)65536)

int fd_read_all(int fd, size_t max, struct buf *b)
{
	size_t total = 0;

	for (;;) {
		/* Most are small, and a large block costs a mapping each time. */
		size_t room = MAX(READ_FIRST, MIN(total, READ_MOST));
		ssize_t got;
		char *p;

		/* One byte over max tells "exactly max" from "more". */
		room = MIN(room, max - total + 1);
		p = buf_reserve(b, room);
		if (!p)
			return b->error;
		got = fd_read_full(fd, p, room);
		if (got < 0)
			return (int)got;
		if ((size_t)got > max - total)
			return -EFBIG;
		total += (size_t)got;
		b->len += (size_t)got;
		b->data[b->len] = '\0';
		if ((size_t)got < room)
			return 0;
	}
}

int fd_read_file(int dirfd, const char *path, size_t max, struct buf *b)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fd_read_all(fd, max, b);
}

/* Directory part of path, opened; "." when it has none. */
static int open_parent(int dirfd, const char *path)
{
	struct str s = str_from(path);
	ptrdiff_t slash = str_rindex(s, '/');
	_cleanup_free_ char *dir = NULL;
	int fd;

	if (slash < 0)
		dir = str_dup(STR("."));
	else
		dir = str_dup(str_from_n(path, slash ? (size_t)slash : 1));
	if (!dir)
		return -ENOMEM;
	fd = openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int fill_and_rename(int parent, const char *temporary, const char *name,
			   struct str data, mode_t mode)
{
	_cleanup_close_ int fd = openat(
		parent, temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_full(fd, data.p, data.n);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(parent, temporary, parent, name) < 0)
		r = -errno;
	if (r < 0)
		(void)unlinkat(parent, temporary, 0); /* only litter is left */
	return r;
}

int fd_write_file_atomic(int dirfd, const char *path, struct str data,
			 mode_t mode)
{
	struct str name = str_basename(str_from(path));
	_cleanup_close_ int parent = -1;
	char temporary[NAME_MAX + 1];
	char id[UUID_LEN + 1];
	int r;

	if (name.n == 0)
		return -EISDIR;
	parent = open_parent(dirfd, path);
	if (parent < 0)
		return parent;
	uuid4(id);
	r = snprintf(temporary, sizeof(temporary), ".%.200s.%s", name.p, id);
	if (r < 0 || (size_t)r >= sizeof(temporary))
		return -ENAMETOOLONG;
	r = fill_and_rename(parent, temporary, name.p, data, mode);
	/* The rename itself must survive a power cut too; a file system that
	 * cannot sync a directory (FUSE) has done what it can. */
	if (r == 0 && fsync(parent) < 0 && errno == EIO)
		r = -EIO;
	return r;
}

int fd_opendir(int dirfd, const char *name, DIR **ret_dir)
{
	_cleanup_close_ int fd = openat(
		dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d)
		return -errno;
	(void)TAKE_FD(fd);
	*ret_dir = d;
	return 0;
}

int fd_mkdirs(const char *path, mode_t mode)
{
	_cleanup_free_ char *copy = str_dup(str_from(path));
	struct stat st;

	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1; copy[0] && *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(copy, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(copy, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

ssize_t fd_send(int sock, const void *p, size_t n, const int *fds, size_t n_fds,
		int flags)
{
	union {
		char bytes[CMSG_SPACE(FD_PASS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	union {
		const void *in;
		void *out;
	} base = { .in = p };
	struct iovec iov = { .iov_base = base.out, .iov_len = n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (n_fds > FD_PASS_MAX)
		return -E2BIG;
	if (n_fds) {
		struct cmsghdr *c;

		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	do {
		sent = sendmsg(sock, &m, flags | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

/* Moves the descriptors of one message into fds; false if some did not fit. */
static bool take_fds(struct msghdr *m, int *fds, size_t room, size_t *n)
{
	bool fit = true;

	*n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (*n < room) {
				fds[(*n)++] = fd;
			} else {
				(void)close(fd);
				fit = false;
			}
		}
	}
	return fit;
}

ssize_t fd_recv(int sock, void *p, size_t n, int *fds, size_t *n_fds, int flags)
{
	union {
		char bytes[CMSG_SPACE(FD_PASS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = p, .iov_len = n };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	size_t room = n_fds ? MIN(*n_fds, (size_t)FD_PASS_MAX) : 0;
	size_t received = 0;
	ssize_t got;
	bool fit;

	do {
		got = recvmsg(sock, &m, flags | MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	fit = take_fds(&m, fds, room, &received);
	if (!fit || (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		for (size_t i = 0; i < received; i++)
			(void)close(fds[i]);
		return -EMSGSIZE;
	}
	if (n_fds)
		*n_fds = received;
	return got;
}

int fd_sealed_memfd(const char *name, struct str data)
{
	_cleanup_close_ int fd =
		memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_full(fd, data.p, data.n);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS,
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	return TAKE_FD(fd);
}
