/* SPDX-License-Identifier: MIT */
/*
 * matrix_lock.c - locks, leases and notifications between processes
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/suites/matrix.h"

static void fresh(void)
{
	thing_clear("w");
	(void)mkdir("w", 0755);
	thing_make("w/f", FILE_);
}

static int range(int fd, int cmd, short type, off_t at, off_t n)
{
	struct flock l = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = n
	};

	return fcntl(fd, cmd, &l);
}

/* What another process is told of the range. */
static void seen_by_other(const char *label, off_t at, off_t n)
{
	int status = 0;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int fd = open("w/f", O_RDWR | O_CLOEXEC);
		struct flock l = { .l_type = F_WRLCK,
				   .l_start = at,
				   .l_len = n };
		int code = fd < 0 || fcntl(fd, F_GETLK, &l) < 0 ? 99
			   : l.l_type == F_UNLCK                ? 0
			   : l.l_type == F_RDLCK                ? 1
			   : l.l_pid == getppid()               ? 2
								: 3;

		_exit(code);
	}
	(void)waitpid(pid, &status, 0);
	line(" %s=%d", label, WEXITSTATUS(status));
}

static void posix_locks(void)
{
	int a, b;

	fresh();
	a = open("w/f", O_RDWR | O_CLOEXEC);
	b = open("w/f", O_RDWR | O_CLOEXEC);
	line("locks: %s", err(range(a, F_SETLK, F_WRLCK, 0, 10)));
	seen_by_other("in", 5, 1);
	seen_by_other("out", 10, 1);
	line(" split %s", err(range(a, F_SETLK, F_UNLCK, 3, 2)));
	seen_by_other("hole", 3, 2);
	seen_by_other("left", 2, 1);
	line(" down %s", err(range(a, F_SETLK, F_RDLCK, 0, 3)));
	seen_by_other("shared", 0, 1);
	line(" to-eof %s", err(range(a, F_SETLK, F_WRLCK, 100, 0)));
	seen_by_other("far", 1L << 40, 1);
	/* closing any descriptor of the file frees them all */
	(void)close(b);
	seen_by_other("after-close", 0, 1);
	line(" ofd %s", err(range(a, F_OFD_SETLK, F_WRLCK, 0, 5)));
	b = open("w/f", O_RDWR | O_CLOEXEC);
	line(" ofd2 %s", err(range(b, F_OFD_SETLK, F_WRLCK, 4, 5)));
	line(" posix %s", err(range(b, F_SETLK, F_WRLCK, 4, 5)));
	seen_by_other("ofd-seen", 0, 1);
	(void)close(b);
	line(" ofd3 %s", err(range(a, F_OFD_SETLK, F_UNLCK, 0, 0)));
	seen_by_other("free", 0, 0);
	line_end();
	(void)close(a);
}

static void child_waits(int ready, int fd)
{
	char c;

	(void)range(fd, F_SETLKW, F_WRLCK, 1, 1);
	(void)!write(ready, "x", 1);
	/* waits for the parent's byte 0; the parent waits for our byte 1 */
	(void)!read(ready, &c, 0);
	(void)range(fd, F_SETLKW, F_WRLCK, 0, 1);
	_exit(0);
}

/* Whether it waits for a lock; where nobody may know, after two seconds. */
static bool waits(pid_t pid)
{
	FILE *f = fopen("/proc/locks", "re");
	char text[256];
	bool found = false;
	int who;

	if (!f)
		return usleep(2000000) == 0;
	while (fgets(text, sizeof(text), f))
		found |= sscanf(text, "%*d: -> POSIX %*s %*s %d", &who) == 1 &&
			 who == pid;
	(void)fclose(f);
	return found;
}

static void deadlock(void)
{
	int p[2], fd, status;
	pid_t pid;
	char c;
	long r;

	fresh();
	fd = open("w/f", O_RDWR | O_CLOEXEC);
	if (fd < 0 || pipe2(p, O_CLOEXEC) < 0)
		return;
	(void)range(fd, F_SETLK, F_WRLCK, 0, 1);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0)
		child_waits(p[1], fd);
	(void)!read(p[0], &c, 1);
	for (int i = 0; i < 200 && !waits(pid); i++)
		(void)usleep(20000);
	r = range(fd, F_SETLKW, F_WRLCK, 1, 1);
	line("deadlock: %s\n", err(r));
	(void)range(fd, F_SETLK, F_UNLCK, 0, 0);
	(void)waitpid(pid, &status, 0);
	(void)close(p[0]);
	(void)close(p[1]);
	(void)close(fd);
}

static void flocks(void)
{
	int a, b, d;

	fresh();
	a = open("w/f", O_RDONLY | O_CLOEXEC);
	b = open("w/f", O_RDONLY | O_CLOEXEC);
	d = dup(a);
	line("flock: %s", err(flock(a, LOCK_EX | LOCK_NB)));
	line(" %s", err(flock(b, LOCK_SH | LOCK_NB)));
	line(" dup %s", err(flock(d, LOCK_SH | LOCK_NB)));
	line(" %s", err(flock(b, LOCK_SH | LOCK_NB)));
	line(" up %s", err(flock(a, LOCK_EX | LOCK_NB)));
	(void)close(a);
	(void)close(d);
	line(" freed %s", err(flock(b, LOCK_EX | LOCK_NB)));
	line(" bad %s\n", err(flock(b, 99)));
	(void)close(b);
}

static volatile sig_atomic_t broken;

static void on_break(int n)
{
	broken = n;
}

static void leases(void)
{
	int fd, status;
	pid_t pid;

	fresh();
	(void)signal(SIGIO, on_break);
	broken = 0;
	fd = open("w/f", O_RDONLY | O_CLOEXEC);
	line("lease: rd %s", err(fcntl(fd, F_SETLEASE, F_RDLCK)));
	line(" got %d", fcntl(fd, F_GETLEASE));
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int w = open("w/f", O_WRONLY | O_NONBLOCK | O_CLOEXEC);

		_exit(w < 0 ? errno : 0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	line(" writer %d broken %d", WEXITSTATUS(status), broken != 0);
	line(" off %s\n", err(fcntl(fd, F_SETLEASE, F_UNLCK)));
	(void)close(fd);
	(void)signal(SIGIO, SIG_DFL);
}

static void drain(int fd)
{
	char b[4096] __attribute__((aligned(8)));
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, 50) == 1) {
		ssize_t n = read(fd, b, sizeof(b));

		for (char *at = b; n > 0 && at < b + n;) {
			struct inotify_event *e = (void *)at;

			line(" %x:%s", e->mask, e->len ? e->name : "");
			at += sizeof(*e) + e->len;
		}
		if (n <= 0)
			break;
	}
}

static void notifications(void)
{
	int fd, f;

	fresh();
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	line("inotify: %s", err(inotify_add_watch(fd, "w", IN_ALL_EVENTS)));
	f = open("w/n", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	(void)!write(f, "abc", 3);
	(void)!pread(f, &(char){ 0 }, 1, 0);
	(void)close(f);
	drain(fd);
	(void)chmod("w/n", 0644);
	(void)rename("w/n", "w/m");
	(void)!link("w/m", "w/k");
	(void)!truncate("w/k", 1);
	(void)mkdir("w/d", 0700);
	drain(fd);
	(void)unlink("w/m");
	(void)unlink("w/k");
	(void)rmdir("w/d");
	drain(fd);
	line_end();
	(void)close(fd);
}

static void watch_ends(void)
{
	int fd, f;

	fresh();
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	(void)inotify_add_watch(fd, "w/f", IN_ALL_EVENTS);
	f = open("w/f", O_RDWR | O_APPEND | O_CLOEXEC);
	(void)!write(f, "x", 1);
	(void)!ftruncate(f, 2);
	(void)fchmod(f, 0600);
	(void)unlink("w/f");
	line("watch:");
	drain(fd);
	(void)close(f);
	drain(fd);
	line_end();
	(void)close(fd);
}

void matrix_lock(void)
{
	posix_locks();
	deadlock();
	flocks();
	leases();
	notifications();
	watch_ends();
}
