/* SPDX-License-Identifier: MIT */
/*
 * matrix_data.c - the edges of data: beyond the end of a mapped file, unaligned
 * direct requests, directories that change while they are read, handles, mounts
 * and roots inside, set-id bits and writers
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/suites/matrix.h"

#define SAY(call) line(" %s", err((long)(call)))
#define PAGE      4096L

static int fresh(int flags)
{
	thing_clear("w");
	(void)mkdir("w", 0755);
	return open("w/f", O_CREAT | O_RDWR | O_CLOEXEC | flags, 0644);
}

static sigjmp_buf back;

static void on_bus(int n)
{
	siglongjmp(back, n);
}

/* 0, or the signal that came of it. */
static int touch(volatile char *p, bool write)
{
	int n = sigsetjmp(back, 1);

	if (n)
		return n;
	if (write)
		*p = 'T';
	else
		(void)*p;
	return 0;
}

static void beyond_the_end(void)
{
	int fd = fresh(0), other = open("w/f", O_RDWR | O_CLOEXEC);
	char *m, b[PAGE];
	int left = 0;

	(void)signal(SIGBUS, on_bus);
	(void)signal(SIGSEGV, on_bus);
	(void)!ftruncate(fd, PAGE + 100);
	m = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED) {
		line("beyond: mmap %s\n", err(-1));
		return;
	}
	line("beyond: %d %d", touch(m + PAGE + 50, true),
	     touch(m + PAGE + 200, true));
	line(" %d %d", touch(m + 2 * PAGE, false), touch(m + 2 * PAGE, true));
	/* what was written behind the end of the last page is not the file's */
	(void)!ftruncate(other, 3 * PAGE);
	line(" %d", touch(m + 2 * PAGE, true));
	(void)!pread(other, b, PAGE, PAGE);
	for (int k = 100; k < PAGE; k++)
		left += b[k] != 0;
	line(" left %d", left);
	(void)!ftruncate(other, 10);
	line(" cut %d %d", touch(m + PAGE, false), touch(m + 5, true));
	(void)!pwrite(other, "x", 1, 3 * PAGE);
	line(" grown %d", touch(m + PAGE, true));
	(void)!pread(other, b, 20, 0);
	b[20] = 0;
	for (int k = 0; k < 20; k++)
		b[k] = b[k] ? b[k] : '.';
	line(" %s", b);
	(void)fallocate(other, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			PAGE);
	line(" %d\n", m[5]);
	(void)munmap(m, 4 * PAGE);
	(void)signal(SIGBUS, SIG_DFL);
	(void)signal(SIGSEGV, SIG_DFL);
	(void)close(fd);
	(void)close(other);
}

/* Ends of files and what lies behind them when these grow. */
static void zeros_behind(void)
{
	unsigned char b[2 * PAGE];
	int fd = fresh(0), bad = 0;

	memset(b, 'q', sizeof(b));
	(void)!pwrite(fd, b, sizeof(b), 0);
	(void)!ftruncate(fd, 100);
	(void)!pwrite(fd, "end", 3, PAGE + 500);
	(void)!ftruncate(fd, 2 * PAGE);
	(void)fallocate(fd, 0, 2 * PAGE, PAGE);
	(void)!pread(fd, b, sizeof(b), 0);
	for (long k = 100; k < 2 * PAGE; k++)
		bad += b[k] != 0 && (k < PAGE + 500 || k > PAGE + 502);
	line("zeros: %d size %ld\n", bad, (long)lseek(fd, 0, SEEK_END));
	(void)close(fd);
}

static void unaligned(void)
{
	static const struct {
		off_t at;
		size_t shift, n;
	} tries[] = {
		{ 0, 0, PAGE },        { 512, 0, 512 }, { 1, 0, PAGE },
		{ 0, 1, PAGE },        { 0, 0, 100 },   { 0, 512, 512 },
		{ 3 * PAGE, 0, PAGE }, { 0, 0, 0 },
	};
	int fd = fresh(O_DIRECT);
	char *b;

	line("direct: %s", err(fd));
	if (fd < 0 || posix_memalign((void **)&b, (size_t)PAGE, 3 * PAGE))
		return;
	memset(b, 'd', 3 * PAGE);
	for (size_t k = 0; k < sizeof(tries) / sizeof(*tries); k++)
		line(" %zd/%zd",
		     pwrite(fd, b + tries[k].shift, tries[k].n, tries[k].at),
		     pread(fd, b + tries[k].shift, tries[k].n, tries[k].at));
	(void)!ftruncate(fd, PAGE + 700);
	line(" tail %zd", pread(fd, b, (size_t)(2 * PAGE), 0));
	SAY(fcntl(fd, F_SETFL, 0));
	line(" %zd", pwrite(fd, b, 3, 5));
	SAY(fcntl(fd, F_SETFL, O_DIRECT));
	line(" %zd", pwrite(fd, b, (size_t)PAGE, 0));
	line(" end %ld\n", (long)lseek(fd, 0, SEEK_END));
	free(b);
	(void)close(fd);
}

static void flags_of_io(void)
{
	static const int flags[] = { RWF_HIPRI,  RWF_DSYNC,  RWF_SYNC,
				     RWF_NOWAIT, RWF_APPEND, 0x40,
				     0x80,       0x1000 };
	char text[] = "0123456789";
	struct iovec v = { text, 10 };
	int fd = fresh(0);

	for (size_t k = 0; k < sizeof(flags) / sizeof(*flags); k++) {
		ssize_t n = pwritev2(fd, &v, 1, 3, flags[k]);

		/* whether one that may not wait gets through is chance */
		if (flags[k] == RWF_NOWAIT && (n == 10 || errno == EAGAIN))
			continue;
		line("io flag %x: %zd %s", (unsigned int)flags[k], n, err(n));
		line(" end %ld\n", (long)lseek(fd, 0, SEEK_END));
	}
	(void)close(fd);
}

static void fsize_of_copies(void)
{
	struct rlimit was, low;
	int fd = fresh(0), to = open("w/g", O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	off_t a = 0, z = 0;

	(void)!ftruncate(fd, 20000);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)getrlimit(RLIMIT_FSIZE, &was);
	low = was;
	low.rlim_cur = 8192;
	(void)setrlimit(RLIMIT_FSIZE, &low);
	line("limit:");
	line(" copy %zd", copy_file_range(fd, &a, to, &z, 20000, 0));
	line(" %zd", copy_file_range(fd, &a, to, &z, 10, 0));
	a = 0;
	(void)lseek(to, 8000, SEEK_SET);
	line(" send %zd", sendfile(to, fd, &a, 1000));
	SAY(fallocate(to, 0, 8192, 10));
	SAY(fallocate(to, FALLOC_FL_KEEP_SIZE, 8192, 10));
	(void)setrlimit(RLIMIT_FSIZE, &was);
	(void)signal(SIGXFSZ, SIG_DFL);
	line(" end %ld\n", (long)lseek(to, 0, SEEK_END));
	(void)close(fd);
	(void)close(to);
}

static int entries(DIR *d, int *other)
{
	struct dirent *e;
	int n = 0;

	*other = 0;
	while ((e = readdir(d)) && n < 100000) {
		n += e->d_name[0] == 'e';
		*other += e->d_name[0] == 'm';
	}
	return n;
}

/* Each entry that is there all the time comes once, whatever others do. */
static void changing_directory(void)
{
	char a[64], b[64];
	struct dirent *e;
	int n = 0, stay = 0, seen[400] = { 0 };
	DIR *d;

	(void)close(fresh(0));
	for (int k = 0; k < 400; k++) {
		(void)snprintf(a, sizeof(a), "w/e%03d", k);
		(void)close(open(a, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	d = opendir("w");
	while (d && (e = readdir(d)) && n < 5000) {
		int k = e->d_name[0] == 'e' ? atoi(e->d_name + 1) : -1;

		if (k < 0)
			continue;
		seen[k]++;
		if (k % 4 == 1) { /* renamed: must not go on for ever */
			(void)snprintf(a, sizeof(a), "w/e%03d", k);
			(void)snprintf(b, sizeof(b), "w/m%d.%d", k, n++);
			(void)rename(a, b);
		} else if (k % 4 == 2) {
			(void)snprintf(a, sizeof(a), "w/e%03d", k);
			(void)unlink(a);
		}
	}
	for (int k = 0; k < 400; k++)
		stay += (k % 4 == 0 || k % 4 == 3) && seen[k] == 1;
	line("changing: stayed %d renamed %d", stay, n);
	if (d)
		rewinddir(d);
	n = d ? entries(d, &stay) : -1;
	line(" then %d %d\n", n, stay);
	if (d)
		(void)closedir(d);
}

static void places_of_directory(void)
{
	char b[1024] __attribute__((aligned(8)));
	int fd, n = 0;
	long r;

	(void)close(fresh(0));
	(void)mkdir("w/d", 0755);
	fd = open("w/d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	line("places:");
	while ((r = syscall(SYS_getdents64, fd, b, 32L)) > 0)
		n++;
	line(" %d %s", n, err(r));
	SAY(lseek(fd, 0, SEEK_SET));
	(void)close(open("w/d/x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	n = 0;
	while ((r = syscall(SYS_getdents64, fd, b, 32L)) > 0)
		n++;
	line(" %d", n);
	line(" %ld", syscall(SYS_getdents64, fd, b, (long)sizeof(b)));
	(void)unlink("w/d/x");
	(void)rmdir("w/d");
	(void)lseek(fd, 0, SEEK_SET);
	SAY(syscall(SYS_getdents64, fd, b, (long)sizeof(b)));
	line_end();
	(void)close(fd);
}

union handle {
	struct file_handle h;
	unsigned char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static void handle_of(const char *label, int dir, const char *path, int flags,
		      bool remove_it)
{
	union handle u = { .h.handle_bytes = MAX_HANDLE_SZ };
	int id = -1, fd;
	long r = name_to_handle_at(dir, path, &u.h, &id, flags);

	line(" %s %s", label, err(r));
	if (r < 0)
		return;
	if (remove_it)
		(void)unlink(path);
	fd = open_by_handle_at(AT_FDCWD, &u.h, O_RDONLY | O_CLOEXEC);
	line("/%s", err(fd));
	if (fd >= 0)
		(void)close(fd);
}

static void handles_more(void)
{
	union handle u = { .h.handle_bytes = 0 };
	int fd = fresh(0), id;

	(void)mkdir("w/d", 0755);
	(void)!symlink("f", "w/l");
	(void)!chdir("w");
	line("handles:");
	handle_of("dir", AT_FDCWD, "d", 0, false);
	handle_of("link", AT_FDCWD, "l", 0, false);
	handle_of("follow", AT_FDCWD, "l", AT_SYMLINK_FOLLOW, false);
	handle_of("empty", fd, "", AT_EMPTY_PATH, false);
	handle_of("none", AT_FDCWD, "x", 0, false);
	handle_of("flag", AT_FDCWD, "f", 0x40, false);
	line(" small %s", err(name_to_handle_at(AT_FDCWD, "f", &u.h, &id, 0)));
	line(" %d", u.h.handle_bytes > 0);
	(void)close(fd);
	handle_of("gone", AT_FDCWD, "f", 0, true);
	(void)!chdir("..");
	line_end();
}

/* A file system inside, and a root. */
static void inside(void)
{
	struct before b;
	pid_t pid;

	(void)close(fresh(0));
	(void)mkdir("w/m", 0755);
	(void)mkdir("w/d", 0755);
	line("inside: %s", err(mount("none", "w/m", "tmpfs", 0, "size=1m")));
	SAY(rmdir("w/m"));
	SAY(rename("w/m", "w/n"));
	SAY(rename("w/d", "w/m"));
	SAY(rename("w/f", "w/m/f"));
	SAY(link("w/f", "w/m/f"));
	SAY(rename("w/d", "w/m/d"));
	SAY(mkdir("w/m/x", 0700));
	SAY(rename("w/m/x", "w/x"));
	SAY(renameat2(AT_FDCWD, "w/m", AT_FDCWD, "w/d", 2));
	look("w/m", &b);
	SAY(umount("w/m"));
	SAY(mount("w/d", "w/m", NULL, MS_BIND, NULL));
	SAY(rename("w/f", "w/m/f"));
	SAY(link("w/f", "w/m/f"));
	SAY(rmdir("w/d"));
	SAY(umount("w/m"));
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int r = chroot("w");

		line(" root %s", err(r));
		(void)fflush(stdout);
		if (r < 0)
			_exit(0);
		SAY(chdir("/"));
		SAY(access("/f", F_OK));
		SAY(access("/../../f", F_OK));
		SAY(rename("/f", "/../g"));
		SAY(mkdir("/new", 0700));
		SAY(rmdir("/"));
		(void)fflush(stdout);
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
	SAY(access("w/g", F_OK));
	line_end();
}

/* Whose writes take set-id bits away. */
static void writers_of_set_id(void)
{
	static const mode_t modes[] = { 06777, 04766, 02767, 02666 };

	for (size_t k = 0; k < 4; k++)
		for (int how = 0; how < 5; how++) {
			int fd = fresh(0);
			struct before b;
			off_t z = 0, at = 0;

			(void)!write(fd, "0123456789", 10);
			(void)fchmod(fd, modes[k]);
			look("w/f", &b);
			line("set-id %o %d:", modes[k], how);
			(void)fflush(stdout);
			if (fork() == 0) {
				if (getuid() == 0 &&
				    (setresgid(65534, 65534, 65534) < 0 ||
				     setresuid(65534, 65534, 65534) < 0))
					_exit(1);
				if (how == 0)
					(void)!pwrite(fd, "x", 1, 0);
				if (how == 1)
					(void)!ftruncate(fd, 3);
				if (how == 2)
					(void)fallocate(fd, 0, 0, 100);
				if (how == 3)
					(void)fallocate(fd, 3, 0, 2);
				if (how == 4)
					(void)copy_file_range(fd, &at, fd, &z,
							      0, 0);
				_exit(0);
			}
			(void)wait(NULL);
			changes("f", "w/f", &b);
			line_end();
			(void)close(fd);
		}
}

void matrix_data(void)
{
	beyond_the_end();
	zeros_behind();
	unaligned();
	flags_of_io();
	fsize_of_copies();
	changing_directory();
	places_of_directory();
	handles_more();
	inside();
	writers_of_set_id();
}
