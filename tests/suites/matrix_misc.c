/* SPDX-License-Identifier: MIT */
/*
 * matrix_misc.c - names, long paths, directory streams, umask, many links
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/suites/matrix.h"

static void fresh(void)
{
	thing_clear("w");
	(void)mkdir("w", 0755);
}

static void name_lengths(void)
{
	static const size_t lengths[] = { 1, 2, 127, 200, 201, 254, 255, 256 };
	char name[300], path[320], other[320];

	for (size_t k = 0; k < sizeof(lengths) / sizeof(*lengths); k++) {
		int fd;

		fresh();
		memset(name, 'n', lengths[k]);
		name[lengths[k]] = '\0';
		(void)snprintf(path, sizeof(path), "w/%s", name);
		(void)snprintf(other, sizeof(other), "w/%s", name + 1);
		fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
		line("name %zu: create %s", lengths[k], err(fd));
		if (fd >= 0)
			(void)close(fd);
		line(" link %s", err(link(path, "w/l")));
		line(" rename %s", err(rename("w/l", path)));
		line(" away %s", err(rename(path, "w/l2")));
		line(" unlink %s", err(unlink(path)));
		line(" mkdir %s", err(mkdir(path, 0700)));
		line(" rmdir %s", err(rmdir(path)));
		line(" symlink %s", err(symlink("x", path)));
		line(" lstat %s", err(access(path, F_OK)));
		line(" mkfifo %s", err(mkfifo(path, 0700)));
		line(" over %s\n", err(rename("w/l2", path)));
	}
}

static void name_bytes(void)
{
	char path[8] = "w/a?b";

	fresh();
	for (int c = 1; c < 256; c++) {
		int fd;

		path[3] = (char)c;
		fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
		line("byte %d: %s", c, err(fd));
		if (fd >= 0)
			(void)close(fd);
		line(" %s", err(rename(path, "w/z")));
		line(" %s", err(rename("w/z", path)));
		line(" %s\n", err(unlink(path)));
	}
}

static void path_lengths(void)
{
	char path[PATH_MAX + 300], part[252];
	size_t n;

	fresh();
	memset(part, 'd', 250);
	part[250] = '/';
	part[251] = '\0';
	(void)snprintf(path, sizeof(path), "w/");
	while (strlen(path) + 251 < PATH_MAX - 1) {
		(void)strncat(path, part, sizeof(path) - strlen(path) - 1);
		line("deep %zu: %s\n", strlen(path), err(mkdir(path, 0755)));
	}
	n = strlen(path);
	for (size_t total = PATH_MAX - 4; total < PATH_MAX + 3; total++) {
		int fd;

		memset(path + n, 'f', total - n);
		path[total] = '\0';
		fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		line("path %zu: %s", total, err(fd));
		if (fd >= 0)
			(void)close(fd);
		line(" %s", err(chmod(path, 0640)));
		line(" %s", err(truncate(path, 3)));
		line(" %s", err(link(path, "w/link")));
		line(" %s", err(rename(path, "w/r")));
		line(" %s", err(rename("w/r", path)));
		line(" %s", err(unlink(path)));
		line(" %s", err(unlink("w/link")));
		line(" %s", err(symlink(path, "w/s")));
		line(" %s\n", err(unlink("w/s")));
	}
}

static void umasks(void)
{
	static const mode_t masks[] = { 0, 022, 027, 077, 0777 };
	struct before none = { 0 };

	for (size_t k = 0; k < sizeof(masks) / sizeof(*masks); k++) {
		fresh();
		(void)umask(masks[k]);
		(void)close(open("w/f", O_CREAT | O_RDWR | O_CLOEXEC, 0666));
		(void)close(open("w/x", O_CREAT | O_RDWR | O_CLOEXEC, 0777));
		(void)mkdir("w/d", 0777);
		(void)mkfifo("w/p", 0666);
		(void)umask(022);
		line("umask %o:", masks[k]);
		changes("f", "w/f", &none);
		changes("x", "w/x", &none);
		changes("d", "w/d", &none);
		changes("p", "w/p", &none);
		line_end();
	}
}

static void acl_defaults(void)
{
	/* u::rwx u:1234:rwx g::r-x m::rwx o::--- */
	static const unsigned char acl[] = {
		2,   0,   0,   0,   1,   0,   7,  0,   255, 255, 255,
		255, 2,   0,   7,   0,   210, 4,  0,   0,   4,   0,
		5,   0,   255, 255, 255, 255, 16, 0,   7,   0,   255,
		255, 255, 255, 32,  0,   0,   0,  255, 255, 255, 255,
	};
	static const char *const made[] = { "w/f", "w/d", "w/p" };
	struct before none = { 0 };
	char b[200];

	fresh();
	line("default acl: %s\n", err(setxattr("w", "system.posix_acl_default",
					       acl, sizeof(acl), 0)));
	(void)umask(077);
	(void)close(open("w/f", O_CREAT | O_RDWR | O_CLOEXEC, 0666));
	(void)mkdir("w/d", 0770);
	(void)mkfifo("w/p", 0640);
	(void)umask(022);
	for (size_t k = 0; k < 3; k++) {
		line("acl of %s:", made[k]);
		changes("it", made[k], &none);
		for (int d = 0; d < 2; d++) {
			ssize_t n = getxattr(made[k],
					     d ? "system.posix_acl_default"
					       : "system.posix_acl_access",
					     b, sizeof(b));

			line(" %zd %s", n, err(n));
			for (ssize_t i = 4; i + 8 <= n; i += 8)
				line(" %d=%d", b[i], b[i + 2]);
		}
		(void)chmod(made[k], 0700);
		changes("after-chmod", made[k], &none);
		line_end();
	}
	line("acl off: %s\n",
	     err(removexattr("w", "system.posix_acl_default")));
}

static int count(DIR *d)
{
	int n = 0;

	while (readdir(d))
		n++;
	return n;
}

static void make_many(int from, int to)
{
	char name[32];

	for (int k = from; k < to; k++) {
		(void)snprintf(name, sizeof(name), "w/e%05d", k);
		(void)close(open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
}

static void streams(void)
{
	long marks[64];
	struct dirent *e;
	char path[300];
	int n = 0, bad = 0;
	DIR *d;

	fresh();
	make_many(0, 3000);
	d = opendir("w");
	line("stream: %d", count(d));
	rewinddir(d);
	make_many(3000, 3100);
	rewinddir(d);
	line(" grown %d", count(d));
	rewinddir(d);
	while ((e = readdir(d)) && n < 64)
		marks[n++] = telldir(d);
	for (int k = 0; k < 60; k++) { /* every place can be gone back to */
		char first[256];

		seekdir(d, marks[k]);
		e = readdir(d);
		(void)snprintf(first, sizeof(first), "%s", e ? e->d_name : "");
		seekdir(d, marks[k]);
		e = readdir(d);
		bad += !e || strcmp(first, e->d_name) != 0;
	}
	line(" seeks-bad %d", bad);
	rewinddir(d);
	n = 0;
	while ((e = readdir(d))) { /* delete while reading */
		(void)snprintf(path, sizeof(path), "w/%s", e->d_name);
		if (e->d_name[0] != '.')
			n += unlink(path) == 0;
	}
	line(" deleted %d", n);
	(void)closedir(d);
	line(" rmdir %s\n", err(rmdir("w")));
}

static void removed_directory(void)
{
	int fd, here;

	fresh();
	(void)mkdir("w/gone", 0755);
	here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = open("w/gone", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	line("removed dir: %s", err(rmdir("w/gone")));
	line(" %s", err(openat(fd, "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
	line(" %s", err(mkdirat(fd, "d", 0700)));
	line(" %s", err(fchdir(fd)));
	line(" %s", err(access(".", F_OK)));
	line(" %s", err(open("x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
	line(" %s", err(access("..", F_OK)));
	line(" %s\n", err(fchdir(here)));
	(void)close(fd);
	(void)close(here);
}

static void many_links(void)
{
	char name[32];
	struct before b;

	fresh();
	thing_make("w/f", FILE_);
	for (int k = 0; k < 100; k++) {
		(void)snprintf(name, sizeof(name), "w/l%d", k);
		(void)!link("w/f", name);
	}
	look("w/f", &b);
	line("links: %u", (unsigned int)b.st.st_nlink);
	for (int k = 0; k < 100; k += 2) {
		(void)snprintf(name, sizeof(name), "w/l%d", k);
		(void)unlink(name);
	}
	(void)!rename("w/l1", "w/l3");
	look("w/f", &b);
	line(" %u", (unsigned int)b.st.st_nlink);
	look("w/l5", &b);
	line(" %u\n", (unsigned int)b.st.st_nlink);
}

static void nested_links(void)
{
	char from[32], to[32];

	fresh();
	thing_make("w/s0", FILE_);
	for (int k = 1; k < 45; k++) {
		(void)snprintf(from, sizeof(from), "s%d", k - 1);
		(void)snprintf(to, sizeof(to), "w/s%d", k);
		(void)!symlink(from, to);
		line("hops %d: %s\n", k, err(access(to, F_OK)));
	}
}

static void exec_and_busy(void)
{
	int status = -1, fd;
	char name[] = "x";
	char *argv[] = { name, NULL };

	fresh();
	(void)!system("cp /bin/true w/true; cp /bin/sleep w/sleep");
	if (fork() == 0) {
		(void)execv("w/true", argv);
		_exit(44);
	}
	(void)wait(&status);
	line("exec: %d", WEXITSTATUS(status));
	(void)chmod("w/true", 0644);
	line(" %s", err(access("w/true", X_OK)));
	fd = open("w/sleep", O_RDWR | O_CLOEXEC);
	if (fork() == 0) {
		(void)execv("w/sleep", argv);
		_exit(errno == ETXTBSY ? 45 : 46);
	}
	(void)wait(&status);
	line(" busy %d\n", WEXITSTATUS(status));
	(void)close(fd);
}

void matrix_misc(void)
{
	name_lengths();
	name_bytes();
	path_lengths();
	umasks();
	acl_defaults();
	streams();
	removed_directory();
	many_links();
	nested_links();
	exec_and_busy();
}
