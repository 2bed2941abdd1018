/* SPDX-License-Identifier: MIT */
/*
 * matrix_single.c - calls with one path, on every kind of object
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/suites/matrix.h"

static long do_open(const char *p, int flags)
{
	int fd = open(p, flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0640);
	int saved = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = saved;
	return fd;
}

#define OPEN(label, flags)                      \
	static long open_##label(const char *p) \
	{                                       \
		return do_open(p, (flags));     \
	}
OPEN(r, O_RDONLY)
OPEN(w, O_WRONLY)
OPEN(rw, O_RDWR)
OPEN(creat, O_RDWR | O_CREAT)
OPEN(excl, O_RDWR | O_CREAT | O_EXCL)
OPEN(trunc, O_WRONLY | O_TRUNC)
OPEN(rtrunc, O_RDONLY | O_TRUNC)
OPEN(ctrunc, O_WRONLY | O_CREAT | O_TRUNC)
OPEN(dir, O_RDONLY | O_DIRECTORY)
OPEN(cdir, O_RDONLY | O_DIRECTORY | O_CREAT)
OPEN(nofollow, O_RDONLY | O_NOFOLLOW)
OPEN(wnofollow, O_WRONLY | O_CREAT | O_NOFOLLOW)
OPEN(path, O_PATH)
OPEN(pathnf, O_PATH | O_NOFOLLOW)
OPEN(append, O_WRONLY | O_APPEND)
OPEN(noatime, O_RDONLY | O_NOATIME)
OPEN(sync, O_RDWR | O_SYNC)
OPEN(direct, O_RDWR | O_DIRECT)
OPEN(tmp, O_RDWR | O_TMPFILE)
OPEN(acc3, 3)

static long c_mkdir(const char *p)
{
	return mkdir(p, 0751);
}
static long c_mkdir_sticky(const char *p)
{
	return mkdir(p, 01777);
}
static long c_mkfifo(const char *p)
{
	return mkfifo(p, 0666);
}
static long c_mknod_reg(const char *p)
{
	return mknod(p, S_IFREG | 0606, 0);
}
static long c_mknod_sock(const char *p)
{
	return mknod(p, S_IFSOCK | 0600, 0);
}
static long c_mknod_chr(const char *p)
{
	return mknod(p, S_IFCHR | 0600, makedev(1, 5));
}
static long c_mknod_blk(const char *p)
{
	return mknod(p, S_IFBLK | 0600, makedev(7, 99));
}
static long c_symlink(const char *p)
{
	return symlink("some/where", p);
}
static long c_chmod(const char *p)
{
	return chmod(p, 0604);
}
static long c_chmod_sg(const char *p)
{
	return chmod(p, 02711);
}
static long c_chmod_t(const char *p)
{
	return chmod(p, 01755);
}
static long c_chown(const char *p)
{
	return chown(p, (uid_t)-1, getegid());
}
static long c_chown_none(const char *p)
{
	return chown(p, (uid_t)-1, (gid_t)-1);
}
static long c_lchown(const char *p)
{
	return lchown(p, geteuid(), getegid());
}
static long c_lchown_other(const char *p)
{
	return lchown(p, 1234, 4321);
}
static long c_utime_now(const char *p)
{
	return utimensat(AT_FDCWD, p, NULL, 0);
}
static long times(const char *p, long a, long m, int flags)
{
	struct timespec t[2] = { { .tv_sec = 5, .tv_nsec = a },
				 { .tv_sec = 6, .tv_nsec = m } };

	return utimensat(AT_FDCWD, p, t, flags);
}
static long c_utime_set(const char *p)
{
	return times(p, 123456789, 987654321, 0);
}
static long c_utime_nofollow(const char *p)
{
	return times(p, 1, 999999999, AT_SYMLINK_NOFOLLOW);
}
static long c_utime_omit(const char *p)
{
	return times(p, UTIME_OMIT, UTIME_OMIT, 0);
}
static long c_utime_mnow(const char *p)
{
	return times(p, UTIME_OMIT, UTIME_NOW, 0);
}
static long c_utime_anow(const char *p)
{
	return times(p, UTIME_NOW, UTIME_OMIT, 0);
}
static long c_utime_bad(const char *p)
{
	return times(p, 1000000000, 0, 0);
}
static long c_trunc0(const char *p)
{
	return truncate(p, 0);
}
static long c_trunc5(const char *p)
{
	return truncate(p, 5);
}
static long c_trunc_same(const char *p)
{
	struct stat st;

	return truncate(p, stat(p, &st) == 0 ? st.st_size : 0);
}
static long c_trunc_big(const char *p)
{
	return truncate(p, 100000);
}
static long c_trunc_huge(const char *p)
{
	return truncate(p, 0x7fffffffffffffffLL);
}
static long c_trunc_neg(const char *p)
{
	return truncate(p, -1);
}
static long c_access(const char *p)
{
	return access(p, R_OK | W_OK);
}
static long c_access_x(const char *p)
{
	return access(p, X_OK);
}
static long c_stat(const char *p)
{
	struct stat st;

	return stat(p, &st);
}
static long c_lstat(const char *p)
{
	struct stat st;

	return lstat(p, &st);
}
static long c_readlink(const char *p)
{
	char b[300];
	ssize_t n = readlink(p, b, sizeof(b) - 1);

	if (n >= 0)
		line(" [%zd]", n);
	return n;
}
static long c_readlink0(const char *p)
{
	char b[1];
	ssize_t n = readlink(p, b, 1);

	if (n >= 0)
		line(" [%zd]", n);
	return n;
}
static long c_setx(const char *p)
{
	return lsetxattr(p, "user.one", "abc", 3, 0);
}
static long c_setx_create(const char *p)
{
	(void)lsetxattr(p, "user.two", "x", 1, 0);
	return lsetxattr(p, "user.two", "y", 1, XATTR_CREATE);
}
static long c_setx_replace(const char *p)
{
	return lsetxattr(p, "user.three", "y", 1, XATTR_REPLACE);
}
static long c_setx_trusted(const char *p)
{
	return lsetxattr(p, "trusted.t", "y", 1, 0);
}
static long c_setx_security(const char *p)
{
	return lsetxattr(p, "security.t", "y", 1, 0);
}
static long c_setx_odd(const char *p)
{
	return lsetxattr(p, "odd.t", "y", 1, 0);
}
static long c_setx_caps(const char *p)
{
	static const unsigned char none[20] = { 0, 0, 0, 2 };

	return lsetxattr(p, "security.capability", none, sizeof(none), 0);
}
static long c_setx_acl(const char *p)
{
	/* user::rw- user:1234:r-- group::r-- mask::r-- other::--- */
	static const unsigned char acl[] = {
		2,   0,   0,   0,   1,   0,   6,  0,   255, 255, 255,
		255, 2,   0,   4,   0,   210, 4,  0,   0,   4,   0,
		4,   0,   255, 255, 255, 255, 16, 0,   4,   0,   255,
		255, 255, 255, 32,  0,   0,   0,  255, 255, 255, 255,
	};

	return lsetxattr(p, "system.posix_acl_access", acl, sizeof(acl), 0);
}
static long c_getx(const char *p)
{
	char b[300];
	ssize_t n;

	(void)lsetxattr(p, "user.g", "four", 4, 0);
	n = lgetxattr(p, "user.g", NULL, 0);
	line(" %zd %s", n, err(n));
	n = lgetxattr(p, "user.g", b, 2);
	line(" %zd %s", n, err(n));
	return lgetxattr(p, "user.g", b, sizeof(b));
}
static long c_getx_none(const char *p)
{
	char b[30];

	return lgetxattr(p, "user.absent", b, sizeof(b));
}
static long c_listx(const char *p)
{
	char b[1000];
	ssize_t n;

	(void)lsetxattr(p, "user.l", "four", 4, 0);
	n = llistxattr(p, NULL, 0);
	line(" %zd", n);
	n = llistxattr(p, b, 1);
	line(" %s", err(n));
	n = llistxattr(p, b, sizeof(b));
	for (ssize_t k = 0; k < n; k += (ssize_t)strlen(b + k) + 1)
		line(" %s", b + k);
	return n;
}
static long c_rmx(const char *p)
{
	(void)lsetxattr(p, "user.r", "four", 4, 0);
	return lremovexattr(p, "user.r");
}
static long c_rmx_none(const char *p)
{
	return lremovexattr(p, "user.absent");
}
static long c_statfs(const char *p)
{
	struct statfs s;
	int r = statfs(p, &s);

	if (r == 0)
		line(" b%ld n%ld", (long)s.f_bsize, (long)s.f_namelen);
	return r;
}
static long c_opendir(const char *p)
{
	DIR *d = opendir(p);
	int n = 0;

	if (!d)
		return -1;
	while (readdir(d))
		n++;
	(void)closedir(d);
	line(" [%d]", n);
	return 0;
}
static long c_chdir(const char *p)
{
	int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = chdir(p), saved = errno;

	if (r == 0 && fchdir(back) < 0)
		line("[lost]");
	(void)close(back);
	errno = saved;
	return r;
}
static long c_execve(const char *p)
{
	char name[] = "x";
	char *argv[] = { name, NULL };

	return execve(p, argv, argv + 1);
}
static long c_linkself(const char *p)
{
	return link(p, p);
}
static long c_renameself(const char *p)
{
	return rename(p, p);
}
static long c_unlink(const char *p)
{
	return unlink(p);
}
static long c_rmdir(const char *p)
{
	return rmdir(p);
}
static long c_remove(const char *p)
{
	return remove(p);
}

static const struct call {
	const char *name;
	long (*run)(const char *path);
} calls[] = {
#define C(n)              \
	{                 \
#		n, c_##n \
	}
#define O(n)                         \
	{                            \
		"open-" #n, open_##n \
	}
	O(r),
	O(w),
	O(rw),
	O(creat),
	O(excl),
	O(trunc),
	O(rtrunc),
	O(ctrunc),
	O(dir),
	O(cdir),
	O(nofollow),
	O(wnofollow),
	O(path),
	O(pathnf),
	O(append),
	O(noatime),
	O(sync),
	O(direct),
	O(tmp),
	O(acc3),
	C(mkdir),
	C(mkdir_sticky),
	C(mkfifo),
	C(mknod_reg),
	C(mknod_sock),
	C(mknod_chr),
	C(mknod_blk),
	C(symlink),
	C(chmod),
	C(chmod_sg),
	C(chmod_t),
	C(chown),
	C(chown_none),
	C(lchown),
	C(lchown_other),
	C(utime_now),
	C(utime_set),
	C(utime_nofollow),
	C(utime_omit),
	C(utime_mnow),
	C(utime_anow),
	C(utime_bad),
	C(trunc0),
	C(trunc5),
	C(trunc_same),
	C(trunc_big),
	C(trunc_huge),
	C(trunc_neg),
	C(access),
	C(access_x),
	C(stat),
	C(lstat),
	C(readlink),
	C(readlink0),
	C(setx),
	C(setx_create),
	C(setx_replace),
	C(setx_trusted),
	C(setx_security),
	C(setx_odd),
	C(setx_caps),
	C(setx_acl),
	C(getx),
	C(getx_none),
	C(listx),
	C(rmx),
	C(rmx_none),
	C(statfs),
	C(opendir),
	C(chdir),
	C(execve),
	C(linkself),
	C(renameself),
	C(unlink),
	C(rmdir),
	C(remove),
#undef C
#undef O
};

/* How the object is named. */
static const struct way {
	const char *label, *before, *after;
} ways[] = {
	{ "plain", "w", "" },      { "slash", "w", "/" },
	{ "below", "w", "/x" },    { "dot", "w", "/." },
	{ "dotdot", "w", "/.." },  { "vialink", "wl", "" },
	{ "nodir", "absent", "" },
};

static void one(const struct call *c, enum thing t, const struct way *w)
{
	char path[512], plain[300];
	struct before parent, object, file, dir;
	long r;

	if (left_out())
		return;
	thing_clear("w");
	(void)mkdir("w", 0755);
	if (chdir("w") < 0)
		return;
	thing_make("t-file", FILE_);
	thing_make("t-dir", FULL_DIR);
	thing_make("obj", t);
	if (chdir("..") < 0)
		return;
	thing_clear("wl");
	(void)!symlink("w", "wl");
	(void)snprintf(path, sizeof(path), "%s/obj%s", w->before, w->after);
	(void)snprintf(plain, sizeof(plain), "w/obj");
	look("w", &parent);
	look(plain, &object);
	look("w/t-file", &file);
	look("w/t-dir", &dir);
	tick();
	line("%s %s %s:", c->name, thing_names[t], w->label);
	r = c->run(path);
	line(" %s", err(r));
	changes("parent", "w", &parent);
	changes("object", plain, &object);
	if (t == LINK_FILE)
		changes("file", "w/t-file", &file);
	if (t == LINK_DIR)
		changes("dir", "w/t-dir", &dir);
	line_end();
}

void matrix_single(void)
{
	for (size_t c = 0; c < sizeof(calls) / sizeof(*calls); c++)
		for (enum thing t = 0; t < THINGS; t++)
			for (size_t w = 0; w < sizeof(ways) / sizeof(*ways);
			     w++)
				if (t != CHAR_ || getuid() == 0)
					one(&calls[c], t, &ways[w]);
}
