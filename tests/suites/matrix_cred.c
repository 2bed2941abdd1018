/* SPDX-License-Identifier: MIT */
/*
 * matrix_cred.c - who may do what: users, groups, modes, sticky and set-id bits
 *
 * Needs to become other users; without that it says so and is left out. A
 * governed command cannot: somebody else makes the trees for it (`prepare`),
 * it acts on them as whoever it is (`act`).
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/suites/matrix.h"

#define OWNER 65533
#define GROUP 65531
#define CALLS 58

static const struct who {
	const char *name;
	uid_t uid;
	gid_t gid, extra;
} callers[] = {
	{ "root", 0, 0, 0 },
	{ "owner", OWNER, 65530, 65530 },
	{ "group", 65534, GROUP, GROUP },
	{ "extra", 65534, 65530, GROUP },
	{ "other", 65534, 65530, 65530 },
};

static int open_close(const char *p, int flags)
{
	int fd = open(p, flags | O_CLOEXEC, 0666), saved = errno;

	if (fd >= 0 && (flags & O_ACCMODE) != O_RDONLY)
		(void)!write(fd, "x", 1);
	if (fd >= 0)
		(void)close(fd);
	errno = saved;
	return fd;
}

static int times_set(const char *p)
{
	struct timespec t[2] = { { .tv_sec = 5 }, { .tv_sec = 6 } };

	return utimensat(AT_FDCWD, p, t, 0);
}

static int act_on_names(int n)
{
	switch (n) {
	case 0:
		return open_close("p/o", O_RDONLY);
	case 1:
		return open_close("p/o", O_WRONLY);
	case 2:
		return open_close("p/o", O_RDWR | O_TRUNC);
	case 3:
		return open_close("p/n", O_WRONLY | O_CREAT);
	case 4:
		return open_close("p/n", O_WRONLY | O_CREAT | O_EXCL);
	case 5:
		return unlink("p/o");
	case 6:
		return rename("p/o", "p/n");
	case 7:
		return rename("p/o", "q/n");
	case 8:
		return rename("q/m", "p/o");
	case 9:
		return link("p/o", "p/n");
	case 10:
		return symlink("x", "p/n");
	case 11:
		return mkdir("p/n", 0777);
	case 12:
		return rmdir("p/d");
	case 13:
		return chmod("p/o", 0600);
	case 14:
		return chmod("p/o", 06711);
	case 15:
		return chmod("p/d", 03777);
	case 16:
		return chown("p/o", OWNER, (gid_t)-1);
	case 17:
		return chown("p/o", 65534, (gid_t)-1);
	case 18:
		return chown("p/o", (uid_t)-1, GROUP);
	case 19:
		return chown("p/o", (uid_t)-1, 65530);
	default:
		return -2;
	}
}

static int times_of(const char *p, long a, long m)
{
	struct timespec t[2] = { { 5, a }, { 6, m } };

	return utimensat(AT_FDCWD, p, t, 0);
}

static int times_of_open(const char *p, long a)
{
	struct timespec t[2] = { { 5, a }, { 6, a } };
	int fd = open(p, O_RDONLY | O_CLOEXEC), r, saved;

	if (fd < 0)
		return -1;
	r = futimens(fd, t);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return r;
}

static int set_acl(const char *p, const char *name)
{
	/* user::rw- user:65534:rwx group::r-- mask::rwx other::--- */
	static const unsigned char acl[] = {
		2,   0,   0,   0,   1,   0,   6,   0,   255, 255, 255,
		255, 2,   0,   7,   0,   254, 255, 0,   0,   4,   0,
		4,   0,   255, 255, 255, 255, 16,  0,   7,   0,   255,
		255, 255, 255, 32,  0,   0,   0,   255, 255, 255, 255,
	};

	return setxattr(p, name, acl, sizeof(acl), 0);
}

static int act_more(int n)
{
	switch (n) {
	case 41:
		return open_close("p/o", O_WRONLY | O_CREAT);
	case 42:
		return open_close("p/o", O_WRONLY | O_CREAT | O_TRUNC);
	case 43:
		return times_of("p/o", UTIME_NOW, UTIME_OMIT);
	case 44:
		return times_of("p/o", UTIME_OMIT, UTIME_OMIT);
	case 45:
		return times_of("p/d", UTIME_NOW, UTIME_NOW);
	case 46:
		return times_of_open("p/o", UTIME_NOW);
	case 47:
		return times_of_open("p/o", 7);
	case 48:
		return renameat2(AT_FDCWD, "p/o", AT_FDCWD, "q/m",
				 RENAME_EXCHANGE);
	case 49:
		return link("q/m", "p/n");
	case 50:
		return rename("p/d", "q/d");
	case 51:
		return rename("q/d", "p/n");
	case 52:
		return unlink("p/d");
	case 53:
		return set_acl("p/o", "system.posix_acl_access");
	case 54:
		return set_acl("p/d", "system.posix_acl_default");
	case 55:
		return mknod("p/n", S_IFSOCK | 0666, 0);
	case 56:
		return faccessat(AT_FDCWD, "p/o", R_OK | W_OK, AT_EACCESS);
	case 57:
		return open_close("p/o", O_PATH);
	default:
		return -2;
	}
}

static int act(int n)
{
	if (n > 40)
		return act_more(n);
	switch (n) {
	case 20:
		return utimensat(AT_FDCWD, "p/o", NULL, 0);
	case 21:
		return times_set("p/o");
	case 22:
		return truncate("p/o", 3);
	case 23:
		return access("p/o", R_OK);
	case 24:
		return access("p/o", W_OK);
	case 25:
		return access("p/o", X_OK);
	case 26:
		return (int)setxattr("p/o", "user.a", "b", 1, 0);
	case 27:
		return (int)setxattr("p/d", "user.a", "b", 1, 0);
	case 28:
		return chdir("p");
	case 29:
		return open_close("p", O_RDONLY | O_DIRECTORY);
	case 30:
		return mkfifo("p/n", 0600);
	case 31:
		return mknod("p/n", S_IFCHR | 0600, 0x103);
	case 32:
		return rename("p/d", "q/n");
	case 33:
		return rename("p/d", "p/n");
	case 34:
		return rename("q/d", "p/d");
	case 35:
		return open_close("p/o", O_RDONLY | O_NOATIME);
	case 36:
		return open_close("p", O_RDWR | O_TMPFILE);
	case 37:
		return chmod("p/o", 02755);
	case 38:
		return lchown("p/o", (uid_t)-1, (gid_t)-1);
	case 39:
		return open_close("p/d/x", O_RDONLY);
	case 40:
		return chown("p/o", OWNER, GROUP);
	default:
		return act_on_names(n);
	}
}

static void become(const struct who *w)
{
	if (setgroups(1, &w->extra) < 0 ||
	    setresgid(w->gid, w->gid, w->gid) < 0 ||
	    setresuid(w->uid, w->uid, w->uid) < 0)
		_exit(99);
}

static void prepare(mode_t dir_mode, mode_t mode, uid_t dir_uid, uid_t uid)
{
	thing_clear("p");
	thing_clear("q");
	(void)mkdir("p", 0755);
	(void)mkdir("q", 0755);
	(void)chmod("q", 0777);
	thing_make("p/o", FILE_);
	thing_make("q/m", FILE_);
	thing_make("p/d", DIR_);
	thing_make("q/d", DIR_);
	(void)!chown("q/m", 65534, 65530);
	(void)!chown("q/d", 65534, 65530);
	(void)!chown("p/o", uid, GROUP);
	(void)!chown("p/d", uid, GROUP);
	(void)!chown("p", dir_uid, GROUP);
	(void)chmod("p/o", mode);
	(void)chmod("p/d", mode | (mode & 0444) >> 2);
	(void)chmod("p", dir_mode);
}

static void one(int n, const struct who *w, mode_t dir_mode, mode_t mode,
		uid_t dir_uid, uid_t uid)
{
	struct before p, o, made;
	int pipefd[2], status = 0;
	char text[64] = "";
	pid_t pid;

	if (left_out())
		return;
	prepare(dir_mode, mode, dir_uid, uid);
	look("p", &p);
	look("p/o", &o);
	look("p/n", &made);
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return;
	line("cred %d %s dir %o:%u file %o:%u:", n, w->name, dir_mode, dir_uid,
	     mode, uid);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		become(w);
		(void)dprintf(pipefd[1], "%s", err(act(n)));
		_exit(0);
	}
	(void)close(pipefd[1]);
	(void)!read(pipefd[0], text, sizeof(text) - 1);
	(void)close(pipefd[0]);
	(void)waitpid(pid, &status, 0);
	line(" %s", text);
	changes("p", "p", &p);
	changes("o", "p/o", &o);
	changes("n", "p/n", &made);
	changes("qn", "q/n", &made);
	line_end();
}

static const mode_t dirs[] = { 0777, 01777, 0755,  0775,  0700,
			       0555, 0333,  02777, 03777, 0000 };
static const mode_t files[] = { 0644, 0600, 06777, 0444, 0060 };

/* One tree for each case; with those of `owner` among others' files. */
static void tree(int n, size_t d, size_t f, uid_t owner)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "c%d.%zu.%zu", n, d, f);
	(void)mkdir(name, 0755);
	if (chdir(name) < 0)
		return;
	prepare(dirs[d], files[f], d & 1 ? owner : OWNER,
		f & 1 ? 65534 : owner);
	if (f & 2) {
		(void)!chown("q/m", owner, (gid_t)-1);
		(void)!chown("q/d", owner, (gid_t)-1);
	}
	if (chdir("..") < 0)
		line("[lost]");
}

static void act_in_tree(int n, size_t d, size_t f)
{
	struct before p, o, made;
	char name[32];
	int here;

	(void)snprintf(name, sizeof(name), "c%d.%zu.%zu", n, d, f);
	if (chdir(name) < 0) {
		line("[no %s]\n", name);
		return;
	}
	here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	look("p", &p);
	look("p/o", &o);
	look("p/n", &made);
	line("as %d dir %o file %o:", n, dirs[d], files[f]);
	(void)fflush(stdout);
	line(" %s", err(act(n)));
	if (fchdir(here) < 0) /* one of the calls is chdir() */
		line("[lost]");
	changes("p", "p", &p);
	changes("o", "p/o", &o);
	changes("n", "p/n", &made);
	changes("qn", "q/n", &made);
	line_end();
	(void)close(here);
	if (chdir("..") < 0)
		line("[lost]");
}

void matrix_as(const char *owner)
{
	for (int n = 0; n < CALLS; n++)
		for (size_t d = 0; d < sizeof(dirs) / sizeof(*dirs); d++)
			for (size_t f = 0; f < sizeof(files) / sizeof(*files);
			     f++) {
				if (left_out())
					continue;
				if (owner)
					tree(n, d, f, (uid_t)atoi(owner));
				else
					act_in_tree(n, d, f);
			}
}

void matrix_cred(void)
{
	if (getuid() != 0 || setegid(65530) < 0 || setegid(0) < 0) {
		line("cred: left out, cannot become another user\n");
		return;
	}
	for (int n = 0; n < CALLS; n++)
		for (size_t w = 0; w < sizeof(callers) / sizeof(*callers); w++)
			for (size_t d = 0; d < sizeof(dirs) / sizeof(*dirs);
			     d++)
				for (size_t f = 0;
				     f < sizeof(files) / sizeof(*files); f++)
					one(n, &callers[w], dirs[d], files[f],
					    d & 1 ? 0 : OWNER,
					    f & 1 ? 65534 : OWNER);
}
