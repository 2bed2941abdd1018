/* SPDX-License-Identifier: MIT */
/*
 * matrix_users.c - what POSIX suites ask system call by system call
 *
 * Names that are too long, pointers to nothing, and every kind of file by users
 * that take another effective id and keep root's real one, as the helpers of
 * such suites do. Needs to become other users for all but the names.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/suites/matrix.h"

#define OWNER    65533
#define OTHER    65534
#define GROUP    65531
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* ---- names ---- */

enum {
	NAME_CALLS = 18
};

static int other_call(int n, const char *p)
{
	switch (n) {
	case 12:
		return symlink(p, "to");
	case 13:
		return (int)readlink(p, (char[8]){ 0 }, 8);
	case 14:
		return chdir(p);
	case 15:
		return access(p, F_OK);
	case 16:
		return (int)syscall(SYS_utimensat, AT_FDCWD, p, NULL, 0);
	default:
		return rename("t", p);
	}
}

static int name_call(int n, const char *p)
{
	struct stat st;

	switch (n) {
	case 0:
		return (int)syscall(SYS_openat, AT_FDCWD, p, O_RDONLY, 0);
	case 1:
		return (int)syscall(SYS_openat, AT_FDCWD, p,
				    O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	case 2:
		return (int)syscall(SYS_mkdirat, AT_FDCWD, p, 0755);
	case 3:
		return (int)syscall(SYS_mknodat, AT_FDCWD, p, S_IFIFO | 0644,
				    0);
	case 4:
		return (int)syscall(SYS_symlinkat, "t", AT_FDCWD, p);
	case 5:
		return (int)syscall(SYS_linkat, AT_FDCWD, "t", AT_FDCWD, p, 0);
	case 6:
		return (int)syscall(SYS_unlinkat, AT_FDCWD, p, 0);
	case 7:
		return (int)syscall(SYS_unlinkat, AT_FDCWD, p, AT_REMOVEDIR);
	case 8:
		return (int)syscall(SYS_fchmodat, AT_FDCWD, p, 0600);
	case 9:
		return (int)syscall(SYS_fchownat, AT_FDCWD, p, -1, -1, 0);
	case 10:
		return truncate(p, 3);
	case 11:
		return (int)syscall(SYS_newfstatat, AT_FDCWD, p, &st, 0);
	default:
		return other_call(n, p);
	}
}

/* A path of n bytes that leads here and to `last`. */
static void long_path(char *out, size_t n, const char *last)
{
	size_t k = strlen(last);

	memset(out, '/', n - k);
	for (size_t i = 0; i + 1 < n - k; i += 2)
		out[i] = '.';
	memcpy(out + n - k, last, k + 1);
	if ((n - k) % 2) /* "./././" and one more slash */
		out[n - k - 1] = '/';
}

static void names(void)
{
	static char max[NAME_MAX + 1], more[NAME_MAX + 2], deep[PATH_MAX],
		deeper[PATH_MAX + 2], under[NAME_MAX + 8];
	const struct {
		const char *what, *path;
	} forms[] = { { "max", max },
		      { "more", more },
		      { "below more", under },
		      { "path max", deep },
		      { "path more", deeper },
		      { "fault", (const char *)(uintptr_t)1 },
		      { "empty", "" },
		      { "loop", "l1" },
		      { "through loop", "l1/x" },
		      { "below file", "t/x" },
		      { "below none", "no/x" } };

	memset(max, 'x', NAME_MAX);
	memset(more, 'x', NAME_MAX + 1);
	(void)snprintf(under, sizeof(under), "%s/y", more);
	long_path(deep, PATH_MAX - 1, "n");
	long_path(deeper, PATH_MAX, "n");
	for (int n = 0; n < NAME_CALLS; n++)
		for (size_t f = 0; f < COUNT(forms); f++) {
			struct before t;
			int r;

			if (left_out())
				continue;
			(void)mkdir("names", 0755);
			if (chdir("names") < 0)
				return;
			thing_make("t", FILE_);
			(void)!symlink("l2", "l1");
			(void)!symlink("l1", "l2");
			if (n > 5 && n != 12 && n != 17 && f == 0)
				thing_make(max,
					   n == 7 || n == 14 ? DIR_ : FILE_);
			look("t", &t);
			line("name %d %s:", n, forms[f].what);
			r = name_call(n, forms[f].path);
			line(" %s", n == 13 && r > 0 ? "ok" : err(r));
			if (n == 14 && r == 0 && chdir("..") < 0)
				return;
			changes("t", "t", &t);
			line_end();
			if (chdir("..") < 0)
				return;
			thing_clear("names");
		}
}

/* ---- kinds by users ---- */

static const struct who {
	const char *name;
	uid_t uid;
	gid_t gid, more;
} users[] = { { "root", 0, 0, 0 },
	      { "owner", OWNER, 65530, 65530 },
	      { "member", OTHER, 65530, GROUP },
	      { "other", OTHER, 65530, 65529 } };

/* The effective ids alone, and two groups. */
static void take(const struct who *w)
{
	const gid_t groups[] = { w->gid, w->more };

	if (setgroups(w->uid ? 2 : 0, groups) < 0 || setegid(w->gid) < 0 ||
	    seteuid(w->uid) < 0)
		_exit(99);
}

static const char *const kinds[] = { "file",  "dir",    "fifo", "char",
				     "block", "socket", "link" };

static void make_kind(size_t k, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s;

	switch (k) {
	case 0:
		thing_make(name, FILE_);
		break;
	case 1:
		(void)mkdir(name, 0755);
		break;
	case 2:
		(void)mkfifo(name, 0644);
		break;
	case 3:
	case 4:
		(void)mknod(name, (k == 3 ? S_IFCHR : S_IFBLK) | 0644,
			    makedev(1, 2));
		break;
	case 5:
		s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", name);
		(void)bind(s, (struct sockaddr *)&a, sizeof(a));
		(void)close(s);
		break;
	default:
		(void)!symlink("t", name);
	}
}

enum {
	KIND_CALLS = 21
};

static int change_owner(int n)
{
	switch (n) {
	case 14:
		return lchown("k", OTHER, (gid_t)-1);
	case 15:
		return lchown("k", (uid_t)-1, GROUP);
	case 16:
		return lchown("k", (uid_t)-1, 65530);
	case 17:
		return lchown("k", OWNER, GROUP);
	case 18:
		return lchown("k", (uid_t)-1, (gid_t)-1);
	case 19:
		return chown("k", 0, 0);
	default:
		return faccessat(AT_FDCWD, "k", W_OK, AT_EACCESS);
	}
}

static int kind_call(int n)
{
	struct timespec t[2] = { { 100, 1 }, { 200, 2 } };

	switch (n) {
	case 0:
		return chmod("k", 0111);
	case 1:
		return chmod("k", 04755);
	case 2:
		return chmod("k", 02755);
	case 3:
		return chmod("k", 01755);
	case 4:
		return unlink("k");
	case 5:
		return rmdir("k");
	case 6:
		return link("k", "k2");
	case 7:
		return rename("k", "k2");
	case 8:
		return rename("k", "in/k2");
	case 9:
		return rename("in/old", "k");
	case 10:
		return utimensat(AT_FDCWD, "k", NULL, AT_SYMLINK_NOFOLLOW);
	case 11:
		return utimensat(AT_FDCWD, "k", t, AT_SYMLINK_NOFOLLOW);
	case 12:
		t[0].tv_nsec = UTIME_OMIT;
		return utimensat(AT_FDCWD, "k", t, AT_SYMLINK_NOFOLLOW);
	case 13:
		return renameat2(AT_FDCWD, "k", AT_FDCWD, "in/old",
				 RENAME_EXCHANGE);
	default:
		return change_owner(n);
	}
}

static void as_user(const struct who *w, int (*call)(int n), int n)
{
	char text[64] = "";
	int ends[2];
	pid_t pid;

	(void)fflush(stdout);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		take(w);
		(void)dprintf(ends[1], "%s", err(call(n)));
		_exit(0);
	}
	(void)close(ends[1]);
	(void)!read(ends[0], text, sizeof(text) - 1);
	(void)close(ends[0]);
	(void)waitpid(pid, NULL, 0);
	line(" %s", text);
}

static void one_kind(size_t k, int n, const struct who *w, mode_t dir,
		     mode_t mode)
{
	struct before d, i, it, two;

	(void)mkdir("kinds", 0755);
	if (chdir("kinds") < 0)
		return;
	(void)mkdir("in", 0755);
	thing_make("t", FILE_);
	make_kind(k, "k");
	make_kind(k, "in/old");
	(void)!lchown("k", OWNER, GROUP);
	(void)!lchown("in/old", OTHER, GROUP);
	if (k != 6)
		(void)chmod("k", mode);
	(void)!chown("in", OTHER, GROUP);
	(void)chmod("in", 0777);
	(void)!chown(".", dir & 1 ? 0 : OWNER, GROUP);
	(void)chmod(".", dir);
	look(".", &d);
	look("in", &i);
	look("k", &it);
	look("k2", &two);
	tick();
	line("kind %s %d %s dir %o mode %o:", kinds[k], n, w->name, dir, mode);
	as_user(w, kind_call, n);
	changes("d", ".", &d);
	changes("in", "in", &i);
	changes("k", "k", &it);
	changes("k2", "k2", &two);
	line_end();
	(void)!chdir("..");
	thing_clear("kinds");
}

static void all_kinds(void)
{
	static const mode_t dirs[] = { 0777, 01777, 0770, 01770, 0750, 0501 };
	static const mode_t modes[] = { 0644, 06775, 02640 };

	size_t n = COUNT(kinds) * KIND_CALLS * COUNT(users) * COUNT(dirs) *
		   COUNT(modes);

	for (size_t c = 0; c < n; c++) {
		size_t i = c, m, d, u;

		if (left_out())
			continue;
		m = i % COUNT(modes);
		i /= COUNT(modes);
		d = i % COUNT(dirs);
		i /= COUNT(dirs);
		u = i % COUNT(users);
		i /= COUNT(users);
		one_kind(i / KIND_CALLS, (int)(i % KIND_CALLS), &users[u],
			 dirs[d], modes[m]);
	}
}

/* ---- what is made: whose it is, and its mode ---- */

static int make_new(int n)
{
	static const mode_t masks[] = { 0, 022, 077, 0777, 0123 };
	int fd;

	(void)umask(masks[(size_t)n / 6 % COUNT(masks)]);
	switch (n % 6) {
	case 0:
		fd = open("k", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0777);
		return fd;
	case 1:
		return mkdir("k", 01777);
	case 2:
		return mkfifo("k", 0666);
	case 3:
		return mknod("k", S_IFREG | 0640, 0);
	case 4:
		return open("k", O_CREAT | O_WRONLY | O_CLOEXEC, 06777);
	default:
		return mknod("k", S_IFCHR | 0604, makedev(0, 0));
	}
}

static void made(void)
{
	static const mode_t dirs[] = { 0777, 02777, 02775, 0755 };

	for (int n = 0; n < 30; n++)
		for (size_t u = 0; u < COUNT(users); u++)
			for (size_t d = 0; d < COUNT(dirs); d++) {
				struct before dir, k;

				if (left_out())
					continue;
				(void)mkdir("made", 0755);
				if (chdir("made") < 0)
					return;
				(void)!chown(".", OWNER, GROUP);
				(void)chmod(".", dirs[d]);
				look(".", &dir);
				look("k", &k);
				line("made %d %s dir %o:", n, users[u].name,
				     dirs[d]);
				as_user(&users[u], make_new, n);
				changes("d", ".", &dir);
				changes("k", "k", &k);
				line_end();
				(void)!chdir("..");
				thing_clear("made");
			}
}

void matrix_users(void)
{
	names();
	if (getuid() != 0 || setegid(65530) < 0 || setegid(0) < 0) {
		line("users: left out, cannot become another user\n");
		return;
	}
	all_kinds();
	made();
}
