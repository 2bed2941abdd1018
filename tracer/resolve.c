/* SPDX-License-Identifier: MIT */
/*
 * resolve.c - a caller's path as an object that we hold
 *
 * Two ways. The fast one is a single openat2() with RESOLVE_NO_SYMLINKS or, if
 * that meets a link, with RESOLVE_NO_MAGICLINKS; it
 * is right for all that does not lead through /proc, because nothing else
 * depends on who asks. The slow one walks component by component and puts the
 * caller in wherever procfs would answer with the reader: /proc/self,
 * /proc/thread-self, and all that links to them (/dev/fd, /proc/mounts).
 * A result on procfs, and an ELOOP (a magic link was met), mean: walk.
 *
 * chroot and new mount namespaces are refused by the filter, so the caller's
 * root is ours.
 */
#include "tracer/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "base/path.h"
#include "core/limits.h"
#include "tracer/identity.h"
#include "tracer/ownfd.h"
#include "tracer/ownproc.h"

#ifndef FUSE_SUPER_MAGIC
#	define FUSE_SUPER_MAGIC 0x65735546
#endif
#define RESOLVE_MAX_LINKS 40 /* as the kernel: path_resolution(7) */
#define PROC_ROOT_INO     1

static int openat2_path(int dirfd, const char *path, uint64_t flags,
			uint64_t resolve)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | flags,
				.resolve = resolve };
	int fd;

	do
		fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

/* A FUSE mount that was seen. It stays for as long as commands are in it, and so
 * does its number; to ask again would be a request to its server each time. */
static dev_t fuse_dev;

/* Fills *st as well; an error counts as procfs, where we look closer. */
static bool stat_on_proc(int fd, struct stat *st)
{
	struct statfs fs;

	if (ownfd_look(fd, st) < 0)
		return true;
	/* procfs has no block device; statfs adds up counters of all CPUs */
	if (major(st->st_dev) != 0 || (fuse_dev && st->st_dev == fuse_dev))
		return false;
	if (fstatfs(fd, &fs) < 0 || fs.f_type == PROC_SUPER_MAGIC)
		return true;
	if ((unsigned long)fs.f_type == FUSE_SUPER_MAGIC)
		fuse_dev = st->st_dev;
	return false;
}

static bool on_proc(int fd)
{
	struct stat st;

	return stat_on_proc(fd, &st);
}

static bool is_proc_root(int fd)
{
	struct stat st;

	return on_proc(fd) && fstat(fd, &st) == 0 && st.st_ino == PROC_ROOT_INO;
}

int resolve_fd(const struct viewer *v, int fd)
{
	_cleanup_identity_ struct identity *was = identity_look();
	char path[64];
	int got;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", v->tid, fd);
	got = open(path, O_PATH | O_CLOEXEC);
	if (got < 0)
		return errno == ENOENT ? -EBADF : -errno;
	return got;
}

static int open_cwd(const struct viewer *v)
{
	_cleanup_identity_ struct identity *was = identity_look();
	char path[48];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/cwd", v->tid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Start of a relative path; -1 as *ret_fd for an absolute one. */
static int open_base(const struct viewer *v, int dirfd, const char *path,
		     int *ret_fd)
{
	int fd = -1;

	if (path[0] != '/') {
		fd = dirfd == AT_FDCWD ? open_cwd(v) : resolve_fd(v, dirfd);
		if (fd < 0)
			return fd;
	}
	*ret_fd = fd;
	return 0;
}

struct walk {
	const struct viewer *viewer;
	int at; /* owned: where we are */
	char rest[2 * LIMIT_PATH];
	size_t pos; /* of the next component in rest */
	unsigned int links;
	bool want_dir; /* what is found last must be a directory */
};

/* Puts text before what is left of the path. */
static int prepend(struct walk *w, const char *text)
{
	struct buf b = BUF_INIT;
	int r = 0;

	if (++w->links > RESOLVE_MAX_LINKS)
		return -ELOOP;
	buf_puts(&b, text);
	buf_putc(&b, '/');
	buf_puts(&b, w->rest + w->pos);
	if (b.error)
		r = -ENOMEM;
	else if (b.len >= sizeof(w->rest))
		r = -ENAMETOOLONG;
	else
		memcpy(w->rest, b.data, b.len + 1);
	w->pos = 0;
	buf_done(&b);
	return r;
}

static void move_to(struct walk *w, int fd)
{
	(void)close(w->at);
	w->at = fd;
}

static int restart_at_root(struct walk *w)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	move_to(w, fd);
	return 0;
}

/* What /proc/self or /proc/thread-self is to the caller; NULL if neither. */
static const char *own_entry(const struct walk *w, const char *name, char *out,
			     size_t size)
{
	if (!is_proc_root(w->at))
		return NULL;
	if (strcmp(name, "self") == 0)
		(void)snprintf(out, size, "%d", w->viewer->pid);
	else if (strcmp(name, "thread-self") == 0)
		(void)snprintf(out, size, "%d/task/%d", w->viewer->pid,
			       w->viewer->tid);
	else
		return NULL;
	return out;
}

/* Would a link in the directory where we are lead the caller, too? */
static bool may_follow(const struct walk *w)
{
	_cleanup_buf_ struct buf dir = BUF_INIT;

	return ownfd_path(w->at, &dir) == 0 &&
	       ownproc_may_follow(w->viewer->tracer, buf_str(&dir));
}

/* link: O_PATH|O_NOFOLLOW descriptor of a symbolic link called name. */
static int follow(struct walk *w, int link, const char *name)
{
	char target[LIMIT_PATH];
	const char *own = own_entry(w, name, target, 64);
	ssize_t n;
	int r;

	if (own)
		return prepend(w, own);
	if (on_proc(link) && !is_proc_root(w->at)) {
		/* A magic link: jumps to its object, whatever it reads as. */
		int fd = may_follow(w) ? openat(w->at, name, O_PATH | O_CLOEXEC)
				       : (errno = RESOLVE_CLOSED, -1);

		if (fd < 0)
			return -errno;
		if (++w->links > RESOLVE_MAX_LINKS) {
			(void)close(fd);
			return -ELOOP;
		}
		move_to(w, fd);
		return 0;
	}
	n = readlinkat(link, "", target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = 0;
	if (n > 0 && target[n - 1] == '/' && w->rest[w->pos] == 0)
		w->want_dir = true;
	if (target[0] == '/') {
		r = restart_at_root(w);
		if (r < 0)
			return r;
	}
	return prepend(w, target);
}

/* Cuts the next component off; "" at the end. *ret_last: nothing after it. */
static const char *next_component(struct walk *w, bool *ret_last)
{
	char *start = w->rest + w->pos, *end;

	while (*start == '/')
		start++;
	end = start;
	while (*end && *end != '/')
		end++;
	*ret_last = end[strspn(end, "/")] == 0;
	w->pos = (size_t)(end - w->rest) + (*end ? 1 : 0);
	*end = 0;
	return start;
}

static int step(struct walk *w, const char *name, bool stop_at_link)
{
	struct stat st;
	int fd, r;

	fd = openat(w->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	if (!S_ISLNK(st.st_mode) || stop_at_link) {
		move_to(w, fd);
		return 0;
	}
	r = follow(w, fd, name);
	(void)close(fd);
	return r;
}

static int slow(const struct viewer *v, int base, const char *path,
		unsigned int flags)
{
	size_t n = strlen(path);
	/* a link with a slash after it is followed in any case */
	bool slash = n > 0 && path[n - 1] == '/';
	bool nofollow = (flags & RESOLVE_NOFOLLOW) != 0 && !slash;
	struct walk w = { .viewer = v,
			  .at = -1,
			  .want_dir = slash || (flags & RESOLVE_DIR) != 0 };
	int r;

	if (n >= LIMIT_PATH)
		return -ENAMETOOLONG;
	memcpy(w.rest, path, n + 1);
	w.at = base < 0 ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)
			: fcntl(base, F_DUPFD_CLOEXEC, 3);
	r = w.at < 0 ? -errno : 0;
	while (r == 0) {
		bool last;
		const char *name = next_component(&w, &last);

		if (*name == 0)
			break;
		r = step(&w, name, last && nofollow);
	}
	if (r == 0 && w.want_dir) {
		struct stat st;

		r = fstat(w.at, &st) < 0  ? -errno
		    : S_ISDIR(st.st_mode) ? 0
					  : -ENOTDIR;
	}
	if (r < 0 && w.at >= 0)
		(void)close(w.at);
	return r < 0 ? r : w.at;
}

/*
 * The common case: no link on the way. What depends on who asks is behind
 * links in procfs (self, net, fd/N), so without one an error is the caller's
 * too. Return: fd, the error, or -ELOOP: there are links, look again.
 */
static int without_links(int base, const char *path, uint64_t open_flags,
			 uint64_t how_resolve, struct stat *ret_st)
{
	int fd = openat2_path(base, path, open_flags,
			      how_resolve | RESOLVE_NO_SYMLINKS);

	if (fd >= 0 && !stat_on_proc(fd, ret_st))
		return fd;
	if (fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -ELOOP;
}

/* base -1: absolute; ret_how: may be NULL */
static int resolve_at(const struct viewer *v, int base, const char *path,
		      unsigned int flags, uint64_t how_resolve,
		      struct resolved *ret_how)
{
	uint64_t open_flags =
		(uint64_t)(flags & RESOLVE_NOFOLLOW ? O_NOFOLLOW : 0) |
		(uint64_t)(flags & RESOLVE_DIR ? O_DIRECTORY : 0);
	int from = base < 0 ? AT_FDCWD : base;
	struct stat st;
	int fd = without_links(from, path, open_flags, how_resolve, &st);

	if (ret_how && (ret_how->plain = fd >= 0))
		ret_how->st = st;
	if (fd != -ELOOP)
		return fd;
	fd = openat2_path(from, path, open_flags,
			  how_resolve | RESOLVE_NO_MAGICLINKS);
	if (fd >= 0 && !on_proc(fd))
		return fd;
	/* The caller's own restrictions decide; they end at magic links. */
	if (fd < 0 &&
	    (fd != -ELOOP && fd != -ENOENT && fd != -ENOSYS && fd != -EACCES))
		return fd;
	if (how_resolve != 0)
		return fd < 0 ? fd : (close(fd), -EXDEV);
	if (fd >= 0)
		(void)close(fd);
	return slow(v, base, path, flags);
}

int resolve_base(const struct viewer *v, int dirfd, const char *path,
		 int *ret_fd)
{
	return *path ? open_base(v, dirfd, path, ret_fd) : -ENOENT;
}

int resolve_object_at(const struct viewer *v, int base, const char *path,
		      unsigned int flags, uint64_t how_resolve,
		      struct resolved *ret_how)
{
	return resolve_at(v, base, path, flags, how_resolve, ret_how);
}

int resolve_object(const struct viewer *v, int dirfd, const char *path,
		   unsigned int flags, uint64_t how_resolve)
{
	_cleanup_close_ int base = -1;
	int r = resolve_base(v, dirfd, path, &base);

	return r < 0 ? r : resolve_at(v, base, path, flags, how_resolve, NULL);
}

/* Cuts path into directory (room for LIMIT_PATH; "" = here) and last. -EISDIR
 * and -ENAMETOOLONG speak of the last one alone; ret_slash and dir are set. */
static int split_last(const char *path, char *dir, char *last, bool *ret_slash)
{
	size_t end = strlen(path), start;

	if (end == 0 || end >= LIMIT_PATH) /* the latter: does not happen */
		return -ENOENT;
	*ret_slash = path[end - 1] == '/';
	while (end > 0 && path[end - 1] == '/')
		end--;
	start = end;
	while (start > 0 && path[start - 1] != '/')
		start--;
	memcpy(dir, path, start);
	dir[start] = 0;
	last[0] = 0;
	if (end - start > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(last, path + start, end - start);
	last[end - start] = 0;
	if (last[0] == 0 || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
		return -EISDIR;
	return 0;
}

int resolve_parent(const struct viewer *v, int dirfd, const char *path,
		   uint64_t how_resolve, char *last, bool *ret_slash)
{
	_cleanup_close_ int base = -1;
	int r = resolve_base(v, dirfd, path, &base);

	return r < 0 ? r
		     : resolve_parent_at(v, base, path, how_resolve, last,
					 ret_slash);
}

int resolve_parent_at(const struct viewer *v, int base, const char *path,
		      uint64_t how_resolve, char *last, bool *ret_slash)
{
	char dir[LIMIT_PATH];
	int r = split_last(path, dir, last, ret_slash), fd;

	if (r < 0 && r != -EISDIR && r != -ENAMETOOLONG)
		return r;
	fd = resolve_at(v, path[0] == '/' ? -1 : base, *dir ? dir : ".",
			RESOLVE_DIR, how_resolve, NULL);
	if (fd < 0 || r == 0)
		return fd;
	(void)close(fd); /* no name, but what is before it counts */
	return r;
}

int resolve_name(const struct viewer *v, int dirfd, const char *path,
		 struct buf *out)
{
	_cleanup_close_ int base = -1;
	int r = open_base(v, dirfd, path, &base);

	return r < 0 ? r : resolve_name_at(base, path, out);
}

int resolve_name_at(int base, const char *path, struct buf *out)
{
	_cleanup_buf_ struct buf dir = BUF_INIT;
	int r;

	if (base >= 0) {
		r = ownfd_path(base, &dir);
		if (r < 0)
			return r;
	}
	return path_join(buf_str(&dir), str_from(path), out);
}
