/* SPDX-License-Identifier: MIT */
/*
 * matrix_attr.c - attributes: extreme times, statx, extended attributes of all
 * sizes, inode numbers, directory entries, descriptors by handle
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "tests/suites/matrix.h"

static void fresh(void)
{
	thing_clear("w");
	(void)mkdir("w", 0755);
	thing_make("w/f", FILE_);
}

static void extreme_times(void)
{
	static const struct timespec at[] = {
		{ 0, 0 },           { -1, 999999999 },
		{ -2000000000, 1 }, { 2147483647, 999999999 },
		{ 2147483648, 5 },  { 4294967295, 0 },
		{ 10000000000, 1 }, { 1LL << 40, 0 },
		{ 1, 1000000000 },  { 1, -1 },
	};

	for (size_t k = 0; k < sizeof(at) / sizeof(*at); k++) {
		struct timespec ts[2] = { at[k], at[k] };
		struct stat st;

		fresh();
		line("time %lld.%ld: %s", (long long)at[k].tv_sec,
		     at[k].tv_nsec, err(utimensat(AT_FDCWD, "w/f", ts, 0)));
		(void)stat("w/f", &st);
		line(" %lld.%ld %lld.%ld\n", (long long)st.st_atim.tv_sec,
		     st.st_atim.tv_nsec, (long long)st.st_mtim.tv_sec,
		     st.st_mtim.tv_nsec);
	}
}

static void show_statx(const char *label, int flags, unsigned int mask)
{
	struct statx x = { 0 };
	int r = statx(AT_FDCWD, "w/f", flags, mask, &x);
	time_t now = time(NULL);

	line(" %s %s", label, err(r));
	if (r < 0)
		return;
	line(" %x n%u s%llu b%u",
	     x.stx_mask & mask & (STATX_BASIC_STATS | STATX_BTIME), x.stx_nlink,
	     (unsigned long long)x.stx_size, x.stx_blksize);
	if (x.stx_mask & mask & STATX_BTIME)
		line(" born%d", x.stx_btime.tv_sec > now - 10 &&
					x.stx_btime.tv_sec <= now + 1);
}

static void statx_fields(void)
{
	fresh();
	line("statx:");
	show_statx("basic", 0, STATX_BASIC_STATS);
	show_statx("birth", 0, STATX_BTIME);
	show_statx("all", AT_STATX_FORCE_SYNC, STATX_ALL);
	show_statx("lazy", AT_STATX_DONT_SYNC, STATX_SIZE | STATX_MODE);
	show_statx("none", 0, 0);
	show_statx("odd", 0x8000000, STATX_ALL);
	line_end();
}

/* Values of all sizes, then as many as fit. */
static void xattr_sizes(void)
{
	static const size_t sizes[] = { 0,    1,    255,   256,   1000,
					3000, 4000, 65535, 65536, 65537 };
	char *value = malloc(70000), *got = malloc(70000), name[300];
	int n = 0, last = 0;

	if (!value || !got)
		return;
	memset(value, 'v', 70000);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		ssize_t r;

		fresh();
		line("xattr %zu: %s", sizes[k],
		     err(setxattr("w/f", "user.s", value, sizes[k], 0)));
		r = getxattr("w/f", "user.s", got, 70000);
		line(" %zd %s", r, err(r));
		r = getxattr("w/f", "user.s", got, 10);
		line(" short %zd %s\n", r, err(r));
	}
	for (size_t k = 245; k < 258; k += 5) {
		fresh();
		memcpy(name, "user.", 5);
		memset(name + 5, 'n', k);
		name[5 + k] = '\0';
		line("xattr name %zu: %s\n", 5 + k,
		     err(setxattr("w/f", name, "v", 1, 0)));
	}
	fresh();
	for (; n < 500 && last == 0; n++) {
		(void)snprintf(name, sizeof(name), "user.many%d", n);
		last = setxattr("w/f", name, value, 100, 0);
	}
	line("xattr many: %d %s", n, err(last));
	line(" list %zd\n", listxattr("w/f", NULL, 0));
	line("xattr empty name: %s %s\n",
	     err(setxattr("w/f", "user.", "v", 1, 0)),
	     err(setxattr("w/f", "", "v", 1, 0)));
	free(value);
	free(got);
}

static void inode_numbers(void)
{
	struct dirent *e;
	struct stat st;
	char path[300];
	int same = 0, types = 0, n = 0;
	DIR *d;

	thing_clear("w");
	(void)mkdir("w", 0755);
	for (enum thing t = FILE_; t < CHAR_; t++) {
		(void)snprintf(path, sizeof(path), "w/%s", thing_names[t]);
		thing_make(path, t);
	}
	d = opendir("w");
	while (d && (e = readdir(d))) {
		(void)snprintf(path, sizeof(path), "w/%s", e->d_name);
		if (lstat(path, &st) < 0 || strcmp(e->d_name, "..") == 0)
			continue;
		n++;
		same += e->d_ino == st.st_ino;
		types += e->d_type == DT_UNKNOWN ||
			 (mode_t)DTTOIF(e->d_type) == (st.st_mode & S_IFMT);
	}
	line("entries: %d, inode as told %d, type %d\n", n, same, types);
	if (d)
		(void)closedir(d);
}

static void link_counts(void)
{
	struct before b;

	fresh();
	look("w", &b);
	line("nlink: %u", (unsigned int)b.st.st_nlink);
	(void)mkdir("w/a", 0755);
	(void)mkdir("w/a/b", 0755);
	look("w", &b);
	line(" %u", (unsigned int)b.st.st_nlink);
	look("w/a", &b);
	line(" %u", (unsigned int)b.st.st_nlink);
	(void)rename("w/a/b", "w/b");
	look("w", &b);
	line(" %u", (unsigned int)b.st.st_nlink);
	(void)rmdir("w/b");
	look("w", &b);
	line(" %u", (unsigned int)b.st.st_nlink);
	line(" loop %s", err(rename("w", "w/a/x")));
	line(" dots %s %s %s\n", err(rmdir("w/.")), err(rmdir("w/a/..")),
	     err(rename("w/a", "w/.")));
}

static void handles(void)
{
	struct {
		struct file_handle h;
		unsigned char bytes[MAX_HANDLE_SZ];
	} f = { .h.handle_bytes = MAX_HANDLE_SZ };
	int mount_id, dir, fd;
	char b[20] = "";
	long r;

	fresh();
	r = name_to_handle_at(AT_FDCWD, "w/f", &f.h, &mount_id, 0);
	line("handle: %s", err(r));
	dir = open("w", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = open_by_handle_at(dir, &f.h, O_RDWR | O_CLOEXEC);
	line(" %s", err(fd));
	if (fd >= 0)
		(void)!read(fd, b, 4);
	line(" %s\n", b);
	(void)close(dir);
	if (fd >= 0)
		(void)close(fd);
}

static void tmpfiles(void)
{
	int fd;
	struct stat st;
	char p[40];

	fresh();
	fd = open("w", O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);
	line("tmpfile: %s", err(fd));
	if (fd < 0) {
		line_end();
		return;
	}
	(void)fstat(fd, &st);
	line(" n%u %o", (unsigned int)st.st_nlink, st.st_mode);
	(void)!write(fd, "text", 4);
	(void)snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
	line(" link %s",
	     err(linkat(AT_FDCWD, p, AT_FDCWD, "w/t", AT_SYMLINK_FOLLOW)));
	line(" over %s",
	     err(linkat(AT_FDCWD, p, AT_FDCWD, "w/f", AT_SYMLINK_FOLLOW)));
	line(" empty %s", err(linkat(fd, "", AT_FDCWD, "w/u", AT_EMPTY_PATH)));
	(void)fstat(fd, &st);
	line(" n%u s%lld", (unsigned int)st.st_nlink, (long long)st.st_size);
	(void)close(fd);
	fd = open("w", O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0640);
	(void)snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
	line(" excl %s",
	     err(linkat(AT_FDCWD, p, AT_FDCWD, "w/v", AT_SYMLINK_FOLLOW)));
	line(" ro %s\n", err(open("w", O_TMPFILE | O_RDONLY, 0600)));
	if (fd >= 0)
		(void)close(fd);
}

static void figures(void)
{
	struct statvfs a;

	fresh();
	line("statvfs: %s", err(statvfs("w/f", &a)));
	line(" %lu %lu %d %d\n", a.f_bsize, a.f_namemax, a.f_blocks > 0,
	     a.f_files > 0);
}

static void chmod_bits(void)
{
	struct before b;

	fresh();
	look("w/f", &b);
	for (mode_t m = 0; m <= 07777; m += 0111) {
		(void)chmod("w/f", m);
		line("chmod %o:", m);
		changes("f", "w/f", &b);
		line_end();
	}
	line("fchmodat link: %s",
	     err(fchmodat(AT_FDCWD, "w/f", 0600, AT_SYMLINK_NOFOLLOW)));
	line(" bad %s\n", err(fchmodat(AT_FDCWD, "w/f", 0600, 0x4000000)));
}

void matrix_attr(void)
{
	extreme_times();
	statx_fields();
	xattr_sizes();
	inode_numbers();
	link_counts();
	handles();
	tmpfiles();
	figures();
	chmod_bits();
}
