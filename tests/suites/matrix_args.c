/* SPDX-License-Identifier: MIT */
/*
 * matrix_args.c - odd arguments: flags that do not exist, pointers that lead
 * nowhere, both together with names that are not there; limits of the caller
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/suites/matrix.h"

#define BAD     ((const char *)8)
#define NOWHERE 0x7f000000
#define OMIT                          \
	{                             \
		.tv_nsec = UTIME_OMIT \
	}
#define NR_FCHMODAT2 452
/* O_LARGEFILE of the kernel's; glibc's is 0 where files are large anyway */
#ifdef __aarch64__
#	define KERNEL_LARGE 0400000
#else
#	define KERNEL_LARGE 0100000
#endif

static void fresh(void)
{
	thing_clear("w");
	(void)mkdir("w", 0755);
	thing_make("w/f", FILE_);
	thing_make("w/d", FULL_DIR);
	(void)!symlink("f", "w/l");
}

#define SAY(call) line(" %s", err((long)(call)))

static void times_args(const char *path, int fd)
{
	static const struct timespec bad[2] = { { .tv_nsec = 1000000000 } };
	static const struct timespec omit[2] = { OMIT, OMIT };
	static const struct timespec neg[2] = { { .tv_sec = -5 },
						{ .tv_sec = -6 } };

	line("utimensat %s:", path);
	SAY(syscall(SYS_utimensat, AT_FDCWD, path, bad, 0));
	SAY(syscall(SYS_utimensat, AT_FDCWD, path, neg, 0));
	SAY(syscall(SYS_utimensat, AT_FDCWD, path, NULL, 0x40));
	SAY(syscall(SYS_utimensat, AT_FDCWD, path, omit, 0x40));
	SAY(syscall(SYS_utimensat, AT_FDCWD, path, BAD, 0));
	SAY(syscall(SYS_utimensat, AT_FDCWD, path, NULL, AT_EMPTY_PATH));
	SAY(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0));
	SAY(syscall(SYS_utimensat, fd, NULL, NULL, AT_SYMLINK_NOFOLLOW));
	SAY(syscall(SYS_utimensat, fd, NULL, bad, 0));
	SAY(syscall(SYS_utimensat, fd, "", NULL, AT_EMPTY_PATH));
	SAY(syscall(SYS_utimensat, fd, "", NULL, 0));
	SAY(syscall(SYS_utimensat, -1, path, NULL, 0));
	SAY(syscall(SYS_utimensat, 999, "", NULL, AT_EMPTY_PATH));
	line_end();
}

static void meta_args(const char *path, int fd)
{
	line("chown, chmod %s:", path);
	SAY(fchownat(AT_FDCWD, path, geteuid(), getegid(), 0x40));
	SAY(fchownat(AT_FDCWD, path, (uid_t)-1, (gid_t)-1, NOWHERE));
	SAY(fchownat(fd, "", geteuid(), getegid(), AT_EMPTY_PATH));
	SAY(fchownat(fd, "", geteuid(), getegid(), 0));
	SAY(fchownat(999, path, geteuid(), getegid(), 0));
	SAY(fchownat(fd, path, geteuid(), getegid(), 0));
	SAY(syscall(NR_FCHMODAT2, AT_FDCWD, path, 0640, 0x40));
	SAY(syscall(NR_FCHMODAT2, AT_FDCWD, path, 0640, AT_SYMLINK_NOFOLLOW));
	SAY(syscall(NR_FCHMODAT2, fd, "", 0640, AT_EMPTY_PATH));
	SAY(syscall(SYS_fchmodat, fd, "", 0640));
	SAY(syscall(SYS_fchmodat, AT_FDCWD, path, 0xff0000 | 0640));
	SAY(fchmod(999, 0644));
	SAY(fchown(-1, 0, 0));
	line_end();
}

static void xattr_args(const char *path)
{
	char name[300];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memcpy(name, "user.", 5);
	line("xattr %s:", path);
	SAY(setxattr(path, "user.a", "b", 1, 0x40));
	SAY(setxattr(path, "user.a", "b", 1, XATTR_CREATE | XATTR_REPLACE));
	SAY(setxattr(path, name, "b", 1, 0));
	SAY(setxattr(path, "", "b", 1, 0));
	SAY(setxattr(path, "user.", "b", 1, 0));
	SAY(setxattr(path, "user", "b", 1, 0));
	SAY(syscall(SYS_setxattr, path, "user.a", "b", 65537, 0));
	SAY(syscall(SYS_setxattr, path, "user.a", BAD, 5, 0));
	SAY(syscall(SYS_setxattr, path, BAD, "b", 1, 0));
	SAY(syscall(SYS_setxattr, path, "user.none", NULL, 0, 0));
	SAY(getxattr(path, "user.none", NULL, 0));
	SAY(removexattr(path, name));
	SAY(removexattr(path, "user.none"));
	SAY(removexattr(path, ""));
	line_end();
}

static void name_args(const char *path)
{
	line("names %s:", path);
	SAY(syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, "w/n", 0x40));
	SAY(syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, "w/n", 3));
	SAY(syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, "w/n", 6));
	SAY(syscall(SYS_renameat2, AT_FDCWD, BAD, AT_FDCWD, "w/n", 0x40));
	SAY(syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, BAD, 0));
	SAY(syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, "", 0));
	SAY(syscall(SYS_renameat2, AT_FDCWD, "", AT_FDCWD, path, 0));
	SAY(syscall(SYS_renameat2, 999, path, AT_FDCWD, "w/n", 0));
	SAY(syscall(SYS_renameat2, AT_FDCWD, path, 999, "n", 0));
	SAY(linkat(AT_FDCWD, path, AT_FDCWD, "w/n", 0x40));
	SAY(linkat(AT_FDCWD, path, AT_FDCWD, "", 0));
	SAY(linkat(AT_FDCWD, "", AT_FDCWD, "w/n", 0));
	SAY(linkat(999, path, AT_FDCWD, "w/n", 0));
	SAY(unlinkat(AT_FDCWD, path, 0x40));
	SAY(unlinkat(AT_FDCWD, BAD, 0));
	SAY(unlinkat(999, path, 0));
	SAY(unlinkat(AT_FDCWD, "", 0));
	SAY(symlinkat(BAD, AT_FDCWD, "w/n"));
	SAY(symlinkat("", AT_FDCWD, "w/n"));
	SAY(symlinkat("x", AT_FDCWD, ""));
	SAY(symlinkat("x", 999, "n"));
	SAY(mkdirat(999, "n", 0700));
	SAY(mkdirat(AT_FDCWD, BAD, 0700));
	SAY(mkdirat(AT_FDCWD, "", 0700));
	SAY(mknodat(999, "n", S_IFIFO | 0600, 0));
	SAY(mknodat(AT_FDCWD, path, S_IFDIR | 0600, 0));
	SAY(mknodat(AT_FDCWD, "w/n", S_IFDIR | 0600, 0));
	SAY(mknodat(AT_FDCWD, "w/n", S_IFLNK | 0600, 0));
	SAY(mknodat(AT_FDCWD, "w/n", 0170000 | 0600, 0));
	SAY(mknodat(AT_FDCWD, "w/absent/n", S_IFDIR | 0600, 0));
	line_end();
}

static void open_args(const char *path)
{
	static const uint64_t hows[][3] = {
		{ O_RDONLY, 0600, 0 },
		{ O_WRONLY | O_CREAT, 010644, 0 },
		{ O_RDONLY | 1ULL << 40, 0, 0 },
		{ O_RDONLY, 0, 0x100 },
		{ O_RDONLY, 0, RESOLVE_BENEATH },
		{ O_RDONLY, 0, RESOLVE_IN_ROOT },
		{ O_RDONLY, 0, RESOLVE_NO_SYMLINKS },
		{ O_RDONLY, 0, RESOLVE_NO_XDEV },
		{ O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT },
		{ O_WRONLY | O_CREAT | O_EXCL, 0644, RESOLVE_BENEATH },
		{ O_PATH | O_CREAT, 0, 0 },
		{ O_TMPFILE | O_RDONLY, 0600, 0 },
		{ O_RDONLY | KERNEL_LARGE, 0, 0 },
	};

	line("open %s:", path);
	SAY(openat(999, path, O_RDONLY | O_CLOEXEC));
	SAY(openat(AT_FDCWD, BAD, O_RDONLY | O_CLOEXEC));
	SAY(openat(AT_FDCWD, "", O_RDONLY | O_CLOEXEC));
	SAY(openat(AT_FDCWD, "", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	SAY(openat(AT_FDCWD, path, O_TMPFILE | O_RDONLY | O_CLOEXEC, 0600));
	for (size_t i = 0; i < sizeof(hows) / sizeof(*hows); i++) {
		struct open_how h = { hows[i][0], hows[i][1], hows[i][2] };
		long fd = syscall(SYS_openat2, AT_FDCWD, path, &h, sizeof(h));

		SAY(fd);
		if (fd >= 0)
			(void)close((int)fd);
	}
	SAY(syscall(SYS_openat2, AT_FDCWD, path, BAD, 24));
	SAY(syscall(SYS_openat2, AT_FDCWD, path, &hows[0], 8));
	line_end();
}

static int got;

static void on_limit(int n)
{
	(void)n;
	got++;
}

/* RLIMIT_FSIZE holds whoever carries the call out; so does RLIMIT_NOFILE. */
static void limits(void)
{
	struct rlimit was, low = { .rlim_cur = 8192 };
	struct before b;
	int fd;

	(void)signal(SIGXFSZ, on_limit);
	fresh();
	(void)getrlimit(RLIMIT_FSIZE, &was);
	low.rlim_max = was.rlim_max;
	fd = open("w/f", O_RDWR | O_CLOEXEC);
	(void)setrlimit(RLIMIT_FSIZE, &low);
	look("w/f", &b);
	line("file size limit:");
	SAY(truncate("w/f", 9000));
	SAY(truncate("w/f", 8192));
	SAY(ftruncate(fd, 8193));
	SAY(pwrite(fd, "x", 1, 8192));
	SAY(pwrite(fd, "xx", 2, 8191));
	SAY(truncate("w/none", 9000));
	SAY(truncate("w/d", 9000));
	line(" signals %d", got);
	changes("file", "w/f", &b);
	line_end();
	(void)setrlimit(RLIMIT_FSIZE, &was);
	(void)!ftruncate(fd, 20000);
	(void)setrlimit(RLIMIT_FSIZE, &low);
	line("longer than the limit:");
	SAY(truncate("w/f", 15000));
	SAY(truncate("w/f", 16000));
	(void)setrlimit(RLIMIT_FSIZE, &was);
	(void)close(fd);
	(void)signal(SIGXFSZ, SIG_DFL);
	line(" signals %d\n", got);
	(void)getrlimit(RLIMIT_NOFILE, &was);
	low = was;
	low.rlim_cur = 3;
	(void)setrlimit(RLIMIT_NOFILE, &low);
	line("no descriptor left:");
	SAY(open("w/f", O_RDONLY | O_CLOEXEC));
	SAY(open("w/f", O_WRONLY | O_TRUNC | O_CLOEXEC));
	SAY(open("w/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	SAY(open("w", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
	(void)setrlimit(RLIMIT_NOFILE, &was);
	line_end();
}

void matrix_args(void)
{
	static const char *const paths[] = { "w/f", "w/d", "w/l", "w/none",
					     "w/f/x" };
	int fd;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		fresh();
		fd = open("w/f", O_RDONLY | O_CLOEXEC);
		times_args(paths[i], fd);
		meta_args(paths[i], fd);
		xattr_args(paths[i]);
		open_args(paths[i]);
		name_args(paths[i]);
		(void)close(fd);
	}
	limits();
}
