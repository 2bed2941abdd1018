/* SPDX-License-Identifier: MIT */
/*
 * matrix.c - objects, what changed of them, and the list of sections
 */
#include "tests/suites/matrix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

const char *const thing_names[THINGS] = {
	"none",     "file",      "empty", "dir",  "fulldir", "link-file",
	"link-dir", "link-none", "loop",  "fifo", "socket",  "char",
};

const char *err(long r)
{
	return r < 0 ? strerrorname_np(errno) : "ok";
}

void line(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vprintf(format, ap);
	va_end(ap);
}

void line_end(void)
{
	(void)putchar('\n');
	(void)fflush(stdout);
}

void tick(void)
{
	static struct timespec t;

	if (t.tv_nsec == 0) {
		(void)clock_getres(CLOCK_REALTIME_COARSE, &t);
		t.tv_nsec += 500000;
	}
	(void)nanosleep(&t, NULL);
}

static int wipe(const char *path, const struct stat *st, int flag,
		struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (flag == FTW_DNR)
		(void)chmod(path, 0700);
	return remove(path) < 0 && errno == EACCES ? -1 : 0;
}

void thing_clear(const char *name)
{
	struct stat st;

	if (lstat(name, &st) < 0)
		return;
	if (S_ISDIR(st.st_mode)) {
		(void)chmod(name, 0700);
		(void)nftw(name, wipe, 16, FTW_DEPTH | FTW_PHYS);
	} else {
		(void)unlink(name);
	}
}

static void write_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		line("[cannot make %s: %s]\n", name, err(-1));
	if (fd >= 0)
		(void)close(fd);
}

static void make_socket(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", name);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		line("[no socket %s: %s]\n", name, err(-1));
	(void)close(fd);
}

static void make_dir(const char *name, bool full)
{
	char inner[300];

	if (mkdir(name, 0755) < 0)
		line("[cannot mkdir %s: %s]\n", name, err(-1));
	if (!full)
		return;
	(void)snprintf(inner, sizeof(inner), "%s/x", name);
	write_file(inner, "inner\n");
}

void thing_make(const char *name, enum thing t)
{
	static const struct timespec old[2] = { { .tv_sec = 1000000000 },
						{ .tv_sec = 1000000001 } };
	int r = 0;

	thing_clear(name);
	if (t == FILE_)
		write_file(name, "some content\n");
	else if (t == EMPTY_FILE)
		write_file(name, "");
	else if (t == DIR_ || t == FULL_DIR)
		make_dir(name, t == FULL_DIR);
	else if (t == LINK_FILE)
		r = symlink("t-file", name);
	else if (t == LINK_DIR)
		r = symlink("t-dir", name);
	else if (t == LINK_NONE)
		r = symlink("t-none", name);
	else if (t == LINK_LOOP)
		r = symlink(name, name);
	else if (t == FIFO_)
		r = mkfifo(name, 0644);
	else if (t == SOCKET_)
		make_socket(name);
	else if (t == CHAR_)
		r = mknod(name, S_IFCHR | 0644, makedev(1, 3));
	if (r < 0)
		line("[cannot make %s: %s]\n", name, err(-1));
	if (t != NOTHING)
		(void)utimensat(AT_FDCWD, name, old, AT_SYMLINK_NOFOLLOW);
}

void look(const char *path, struct before *b)
{
	memset(b, 0, sizeof(*b));
	b->there = lstat(path, &b->st) == 0;
}

static bool differs(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec;
}

void changes(const char *label, const char *path, const struct before *b)
{
	struct before now;

	look(path, &now);
	line(" %s:", label);
	if (!now.there) {
		line(b->there ? "gone" : "-");
		return;
	}
	if (!b->there)
		line("new,");
	else if (now.st.st_ino != b->st.st_ino)
		line("other,");
	line("%o,n%u,u%u:%u", now.st.st_mode, (unsigned int)now.st.st_nlink,
	     now.st.st_uid, now.st.st_gid);
	if (S_ISREG(now.st.st_mode) || S_ISLNK(now.st.st_mode))
		line(",s%lld", (long long)now.st.st_size);
	if (S_ISCHR(now.st.st_mode) || S_ISBLK(now.st.st_mode))
		line(",r%x", (unsigned int)now.st.st_rdev);
	if (!b->there || now.st.st_ino != b->st.st_ino)
		return;
	line(",%s%s", differs(&now.st.st_mtim, &b->st.st_mtim) ? "m" : "",
	     differs(&now.st.st_ctim, &b->st.st_ctim) ? "c" : "");
}

static unsigned int every = 1;

bool left_out(void)
{
	static unsigned int n;

	return every == 0 || n++ % every != 0;
}

int main(int argc, char **argv)
{
	if (argc < 2 || argc > 5 || chdir(argv[1]) < 0) {
		(void)fprintf(stderr, "usage: posix-matrix DIR [EVERY-NTH "
				      "[prepare UID | act]]\n");
		return 2;
	}
	if (argc >= 3)
		every = (unsigned int)atoi(argv[2]);
	(void)umask(022);
	if (argc > 3) {
		matrix_as(argv[4]);
		return 0;
	}
	thing_make("t-file", FILE_);
	thing_make("t-dir", FULL_DIR);
	matrix_single();
	matrix_pair();
	matrix_fd();
	matrix_misc();
	matrix_attr();
	matrix_io();
	matrix_lock();
	matrix_args();
	matrix_more();
	matrix_data();
	matrix_cred();
	matrix_users();
	matrix_random();
	return 0;
}
