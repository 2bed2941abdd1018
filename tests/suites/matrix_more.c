/* SPDX-License-Identifier: MIT */
/*
 * matrix_more.c - what a call changes elsewhere: other names of an inode, times
 * of access, set-group-id directories, running programs, moved directories,
 * pipes and sockets with two ends, calls by their old numbers
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>

#include "tests/suites/matrix.h"

#define SAY(call) line(" %s", err((long)(call)))
#define WHITEOUT  4

static void fresh(void)
{
	thing_clear("w");
	(void)mkdir("w", 0755);
	thing_make("w/f", FILE_);
	thing_make("w/d", DIR_);
}

/* The inode's other name, its directory and an open descriptor are told. */
static void second_name(const char *what, int n)
{
	struct before other, dir, sub;
	struct stat old, now;
	int fd;

	fresh();
	(void)!link("w/f", "w/d/g");
	thing_make("w/n", FILE_);
	fd = open("w/f", O_RDONLY | O_CLOEXEC);
	(void)fstat(fd, &old);
	look("w/d/g", &other);
	look("w", &dir);
	look("w/d", &sub);
	tick();
	line("second name, %s:", what);
	switch (n) {
	case 0:
		SAY(unlink("w/f"));
		break;
	case 1:
		SAY(rename("w/n", "w/f"));
		break;
	case 2:
		SAY(rename("w/f", "w/m"));
		break;
	case 3:
		SAY(link("w/f", "w/h"));
		break;
	case 4:
		SAY(chmod("w/f", 0600));
		break;
	case 5:
		SAY(truncate("w/f", 3));
		break;
	case 6:
		SAY(setxattr("w/f", "user.a", "b", 1, 0));
		break;
	case 7:
		SAY(renameat2(AT_FDCWD, "w/n", AT_FDCWD, "w/f", 2));
		break;
	case 8:
		SAY(rename("w/f", "w/d/g"));
		break;
	default:
		SAY(unlink("w/d/g"));
		break;
	}
	changes("other", "w/d/g", &other);
	changes("w", "w", &dir);
	changes("d", "w/d", &sub);
	(void)fstat(fd, &now);
	line(" open n%u %s\n", (unsigned int)now.st_nlink,
	     now.st_ctim.tv_nsec != old.st_ctim.tv_nsec ? "c" : "");
	(void)close(fd);
}

static bool later(const char *path, const struct before *b)
{
	struct before now;

	look(path, &now);
	return now.st.st_atim.tv_sec != b->st.st_atim.tv_sec ||
	       now.st.st_atim.tv_nsec != b->st.st_atim.tv_nsec;
}

/* Times of access, of what was last read long ago (relatime). */
static void access_times(void)
{
	static const struct timespec old[2] = { { .tv_sec = 1000000000 },
						{ .tv_sec = 1000000001 } };
	static const char *const paths[] = { "w/f", "w/d", "w/l" };
	struct before b[3];
	char buf[64];
	int fd;

	for (int touch = 0; touch < 2; touch++) {
		fresh();
		(void)!symlink("f", "w/l");
		for (int k = 0; k < 3; k++) {
			(void)utimensat(AT_FDCWD, paths[k], old,
					AT_SYMLINK_NOFOLLOW);
			look(paths[k], &b[k]);
		}
		tick();
		fd = open("w/f",
			  (touch ? O_NOATIME : 0) | O_RDONLY | O_CLOEXEC);
		(void)!read(fd, buf, sizeof(buf));
		(void)close(fd);
		fd = open("w/d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)syscall(SYS_getdents64, fd, buf, sizeof(buf));
		(void)close(fd);
		(void)!readlink("w/l", buf, sizeof(buf));
		line("access times %d: file %d dir %d link %d\n", touch,
		     later("w/f", &b[0]), later("w/d", &b[1]),
		     later("w/l", &b[2]));
	}
}

static void running_program(void)
{
	char name[] = "sleep", time[] = "100";
	char *argv[] = { name, time, NULL };
	int status, ready[2];
	struct before b;
	pid_t pid;
	char c;

	fresh();
	(void)!system("cp /bin/sleep w/prog");
	if (pipe2(ready, O_CLOEXEC) < 0)
		return;
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)execv("w/prog", argv);
		_exit(1);
	}
	(void)close(ready[1]);
	(void)!read(ready[0], &c, 1); /* ends with the exec */
	(void)close(ready[0]);
	look("w/prog", &b);
	line("running:");
	SAY(open("w/prog", O_WRONLY | O_CLOEXEC));
	SAY(open("w/prog", O_RDWR | O_CLOEXEC));
	SAY(open("w/prog", O_RDONLY | O_TRUNC | O_CLOEXEC));
	SAY(open("w/prog", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700));
	SAY(truncate("w/prog", 5));
	SAY(chmod("w/prog", 0700));
	SAY(utimensat(AT_FDCWD, "w/prog", NULL, 0));
	SAY(setxattr("w/prog", "user.a", "b", 1, 0));
	SAY(rename("w/prog", "w/prog2"));
	SAY(link("w/prog2", "w/prog3"));
	SAY(open("w/prog3", O_WRONLY | O_CLOEXEC));
	SAY(unlink("w/prog2"));
	changes("p", "w/prog3", &b);
	SAY(kill(pid, 0));
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
	SAY(open("w/prog3", O_WRONLY | O_CLOEXEC));
	line_end();
}

/* Who is in a directory that goes away or elsewhere. */
static void moved_directory(void)
{
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), fd;
	char cwd[PATH_MAX], link_[PATH_MAX], p[64];
	ssize_t n;

	fresh();
	(void)mkdir("w/d/in", 0755);
	(void)!chdir("w/d/in");
	SAY(rename("../../d", "../../moved"));
	line("moved: cwd %s",
	     getcwd(cwd, sizeof(cwd)) ? strrchr(cwd, 'w') : err(-1));
	fd = open("made", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	SAY(fd);
	SAY(access("../../moved/in/made", F_OK));
	(void)snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
	(void)unlink("made");
	n = readlink(p, link_, sizeof(link_) - 1);
	link_[n > 0 ? n : 0] = '\0';
	line(" fd %s", n > 0 ? strrchr(link_, '/') : err(-1));
	(void)!fchdir(here);
	(void)rmdir("w/moved/in");
	(void)!chdir("w/moved");
	(void)rmdir("../moved");
	line(" gone %s", getcwd(cwd, sizeof(cwd)) ? "?" : err(-1));
	SAY(mkdir("x", 0700));
	SAY(rename("../f", "f"));
	SAY(link("../f", "f"));
	SAY(symlink("x", "f"));
	SAY(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	SAY(open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
	SAY(chmod(".", 0700));
	SAY(setxattr(".", "user.a", "b", 1, 0));
	SAY(fchdir(here));
	line_end();
	(void)close(here);
	(void)close(fd);
}

static void fifo_ends(void)
{
	char b[8] = "";
	int r, w;

	fresh();
	(void)mkfifo("w/p", 0600);
	line("fifo:");
	SAY(open("w/p", O_WRONLY | O_NONBLOCK | O_CLOEXEC));
	r = open("w/p", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	w = open("w/p", O_WRONLY | O_TRUNC | O_CLOEXEC);
	line(" %s", err(w));
	SAY(write(w, "abc", 3));
	(void)!read(r, b, sizeof(b) - 1);
	line(" %s", b);
	SAY(lseek(r, 0, SEEK_SET));
	SAY(ftruncate(w, 0));
	SAY(truncate("w/p", 0));
	SAY(fsync(w));
	SAY(fallocate(w, 0, 0, 10));
	SAY(pread(r, b, 1, 0));
	(void)unlink("w/p");
	SAY(write(w, "de", 2));
	(void)close(w);
	line(" %zd", read(r, b, 2));
	line(" %zd\n", read(r, b, 2));
	(void)close(r);
}

static void socket_ends(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "w/s" };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct before b = { 0 };

	fresh();
	line("socket:");
	SAY(bind(s, (struct sockaddr *)&a, sizeof(a)));
	changes("s", "w/s", &b);
	SAY(connect(c, (struct sockaddr *)&a, sizeof(a)));
	SAY(listen(s, 3));
	SAY(connect(c, (struct sockaddr *)&a, sizeof(a)));
	SAY(open("w/s", O_RDWR | O_CLOEXEC));
	SAY(chmod("w/s", 0));
	(void)close(c);
	c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)rename("w/s", "w/t");
	SAY(connect(c, (struct sockaddr *)&a, sizeof(a)));
	(void)close(s);
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)!symlink("t", "w/s");
	SAY(bind(s, (struct sockaddr *)&a, sizeof(a)));
	line_end();
	(void)close(s);
	(void)close(c);
}

#ifdef SYS_creat
/* What programs of long ago call. */
static void old_numbers(void)
{
	struct timeval tv[2] = { { 5, 999999 }, { 6, 1 } };
	struct timeval bad[2] = { { 5, 1000000 }, { 6, 1 } };
	struct utimbuf ub = { 7, 8 };
	struct before b;
	struct stat st;

	fresh();
	look("w/f", &b);
	tick();
	line("old:");
	SAY(syscall(SYS_utime, "w/f", &ub));
	SAY(syscall(SYS_utimes, "w/f", tv));
	(void)stat("w/f", &st);
	line(" %ld.%ld", (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	SAY(syscall(SYS_utimes, "w/f", bad));
	SAY(syscall(SYS_futimesat, AT_FDCWD, "w/f", NULL));
	SAY(syscall(SYS_futimesat, AT_FDCWD, "w/none", tv));
	SAY(syscall(SYS_utime, "w/f", 8));
	SAY(syscall(SYS_creat, "w/c", 0604));
	SAY(syscall(SYS_creat, "w/d", 0604));
	SAY(syscall(SYS_open, "w/f", O_RDONLY));
	SAY(syscall(SYS_mkdir, "w/m", 0711));
	SAY(syscall(SYS_mknod, "w/q", S_IFIFO | 0600, 0));
	SAY(syscall(SYS_link, "w/f", "w/l"));
	SAY(syscall(SYS_symlink, "f", "w/y"));
	SAY(syscall(SYS_chmod, "w/y", 0640));
	SAY(syscall(SYS_lchown, "w/y", -1, -1));
	SAY(syscall(SYS_rename, "w/l", "w/k"));
	SAY(syscall(SYS_rename, "w/k", "w/d"));
	SAY(syscall(SYS_rmdir, "w/m"));
	SAY(syscall(SYS_unlink, "w/d"));
	SAY(syscall(SYS_unlink, "w/k"));
	SAY(syscall(SYS_access, "w/c", W_OK));
	SAY(syscall(SYS_truncate, "w/c", 9));
	changes("f", "w/f", &b);
	b.there = false;
	changes("c", "w/c", &b);
	line_end();
}
#else
static void old_numbers(void)
{
}
#endif

/* Buffers that are not there: nothing moves, or as much as there was. */
static void bad_buffers(void)
{
	long page = sysconf(_SC_PAGESIZE);
	struct before b;
	int fd, dir;

	fresh();
	fd = open("w/f", O_RDWR | O_CLOEXEC);
	dir = open("w", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	look("w/f", &b);
	tick();
	line("buffers:");
	SAY(syscall(SYS_write, fd, 8, 10));
	line(" at %ld", (long)lseek(fd, 0, SEEK_CUR));
	SAY(syscall(SYS_read, fd, 8, 10));
	line(" at %ld", (long)lseek(fd, 0, SEEK_CUR));
	SAY(syscall(SYS_pread64, fd, 8, page, 1000));
	SAY(syscall(SYS_readlinkat, AT_FDCWD, "w/f", 8, 10));
	SAY(syscall(SYS_readlinkat, AT_FDCWD, "w/f", &b, 0));
	SAY(syscall(SYS_newfstatat, AT_FDCWD, "w/f", 8, 0));
	SAY(syscall(SYS_getdents64, dir, 8, 100));
	SAY(syscall(SYS_getdents64, dir, &b, 3));
	SAY(syscall(SYS_getdents64, fd, &b, sizeof(b)));
	SAY(syscall(SYS_getxattr, "w/f", "user.none", 8, 10));
	SAY(syscall(SYS_read, dir, &b, 3));
	SAY(syscall(SYS_write, dir, &b, 3));
	SAY(lseek(dir, -1, SEEK_SET));
	SAY(ftruncate(dir, 0));
	SAY(syscall(SYS_fallocate, dir, 0, 0L, 10L));
	look("w/f", &b);
	changes("f", "w/f", &b);
	line_end();
	(void)close(fd);
	(void)close(dir);
}

/* Directories with the set-group-id bit hand group and bit on. */
static void group_of_new(void)
{
	struct before none = { 0 };
	int fd;

	fresh();
	(void)!chown("w/d", (uid_t)-1, 65531);
	(void)chmod("w/d", 02775);
	(void)close(open("w/d/f", O_CREAT | O_RDWR | O_CLOEXEC, 0666));
	(void)close(open("w/d/x", O_CREAT | O_RDWR | O_CLOEXEC, 0777));
	(void)mkdir("w/d/d", 0700);
	(void)mkfifo("w/d/p", 0600);
	(void)!symlink("x", "w/d/l");
	fd = open("w/d", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	(void)!linkat(fd, "", AT_FDCWD, "w/d/t", AT_EMPTY_PATH);
	line("group:");
	changes("d", "w/d", &none);
	changes("f", "w/d/f", &none);
	changes("x", "w/d/x", &none);
	changes("dd", "w/d/d", &none);
	changes("p", "w/d/p", &none);
	changes("l", "w/d/l", &none);
	changes("t", "w/d/t", &none);
	line_end();
	if (fd >= 0)
		(void)close(fd);
}

static void whiteouts(void)
{
	struct before none = { 0 };

	fresh();
	line("whiteout:");
	SAY(syscall(SYS_renameat2, AT_FDCWD, "w/f", AT_FDCWD, "w/g", WHITEOUT));
	changes("f", "w/f", &none);
	changes("g", "w/g", &none);
	SAY(mknod("w/z", S_IFCHR, 0));
	line_end();
}

/* A name that is a directory's to one call and a file's to the next. */
static void kinds_in_turn(void)
{
	fresh();
	line("in turn:");
	for (int k = 0; k < 3; k++) {
		SAY(mkdir("w/t", 0700));
		SAY(access("w/t/", F_OK));
		SAY(rmdir("w/t"));
		SAY(symlink("f", "w/t"));
		SAY(chmod("w/t", 0600));
		SAY(unlink("w/t"));
		SAY(open("w/t", O_RDONLY | O_CLOEXEC));
		SAY(mkfifo("w/t", 0600));
		SAY(rename("w/d", "w/t"));
		SAY(rename("w/f", "w/t"));
		SAY(rename("w/t", "w/f"));
	}
	line_end();
}

/* Through descriptors that name without opening. */
static void by_path_fd(void)
{
	static const struct timespec at[2] = { { 5, 1 }, { 6, 2 } };
	struct stat st;
	char p[64], b[8];
	int fd, dir, l;

	fresh();
	(void)!symlink("f", "w/l");
	fd = open("w/f", O_PATH | O_CLOEXEC);
	dir = open("w", O_PATH | O_CLOEXEC);
	l = open("w/l", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	line("O_PATH:");
	SAY(fchmod(fd, 0600));
	SAY(fchown(fd, (uid_t)-1, (gid_t)-1));
	SAY(fchownat(fd, "", (uid_t)-1, (gid_t)-1, AT_EMPTY_PATH));
	SAY(futimens(fd, at));
	SAY(utimensat(fd, "", at, AT_EMPTY_PATH));
	SAY(fsetxattr(fd, "user.a", "b", 1, 0));
	SAY(ftruncate(fd, 1));
	SAY(read(fd, b, 1));
	SAY(fstat(fd, &st));
	SAY(linkat(fd, "", AT_FDCWD, "w/k", AT_EMPTY_PATH));
	SAY(openat(dir, "f", O_RDONLY | O_CLOEXEC));
	SAY(mkdirat(dir, "m", 0700));
	SAY(unlinkat(dir, "m", AT_REMOVEDIR));
	SAY(fsync(dir));
	SAY(syscall(SYS_getdents64, dir, &st, sizeof(st)));
	SAY(fchdir(fd));
	SAY(readlinkat(l, "", b, sizeof(b)));
	SAY(fchownat(l, "", (uid_t)-1, (gid_t)-1, AT_EMPTY_PATH));
	SAY(linkat(l, "", AT_FDCWD, "w/l2", AT_EMPTY_PATH));
	(void)snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
	SAY(chmod(p, 0640));
	SAY(truncate(p, 4));
	SAY(setxattr(p, "user.a", "b", 1, 0));
	SAY(utimensat(AT_FDCWD, p, at, 0));
	SAY(open(p, O_RDWR | O_CLOEXEC));
	(void)unlink("w/k");
	(void)unlink("w/f");
	SAY(linkat(AT_FDCWD, p, AT_FDCWD, "w/k", AT_SYMLINK_FOLLOW));
	SAY(open(p, O_RDWR | O_TRUNC | O_CLOEXEC));
	SAY(open(p, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
	(void)fstat(fd, &st);
	line(" %o n%u s%lld\n", st.st_mode, (unsigned int)st.st_nlink,
	     (long long)st.st_size);
	(void)close(fd);
	(void)close(dir);
	(void)close(l);
}

void matrix_more(void)
{
	static const char *const what[] = {
		"unlink",   "replaced", "renamed",  "linked",    "chmod",
		"truncate", "setxattr", "exchange", "onto twin", "other gone"
	};

	for (int n = 0; n < 10; n++)
		second_name(what[n], n);
	access_times();
	running_program();
	moved_directory();
	fifo_ends();
	socket_ends();
	old_numbers();
	bad_buffers();
	group_of_new();
	whiteouts();
	kinds_in_turn();
	by_path_fd();
}
