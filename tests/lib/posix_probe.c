/* SPDX-License-Identifier: MIT */
/*
 * posix_probe.c - prints what a directory's file system answers
 *
 * posix_probe DIR: performs many file operations in DIR (empty, writable) and
 * prints one line per answer, free of anything that differs between two
 * directories of the same kind. Run on the plain directory and on the mount
 * over it, the output must be equal.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *err(long r)
{
	return r < 0 ? strerrorname_np(errno) : "ok";
}

#define SAY(...)                           \
	do {                               \
		(void)printf(__VA_ARGS__); \
		(void)putchar('\n');       \
		(void)fflush(stdout);      \
	} while (0)
#define TRY(what) SAY("%s: %s", #what, err((long)(what)))

static int make(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		SAY("write: %s", err(-1));
	return fd;
}

static void touch(const char *name, const char *text)
{
	int fd = make(name, text, 0644);

	if (fd >= 0)
		(void)close(fd);
}

static void show(const char *name)
{
	struct stat st;

	if (lstat(name, &st) < 0) {
		SAY("%s: %s", name, err(-1));
		return;
	}
	SAY("%s: mode %o nlink %ju size %jd uid %u gid %u", name, st.st_mode,
	    (uintmax_t)st.st_nlink,
	    S_ISDIR(st.st_mode) ? (intmax_t)0 : (intmax_t)st.st_size, st.st_uid,
	    st.st_gid);
}

static void content(const char *name)
{
	char b[128] = "";
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, b, sizeof(b) - 1);

	SAY("%s contains %zd '%s' %s", name, n, n > 0 ? b : "", err(n));
	if (fd >= 0)
		(void)close(fd);
}

static void names(void)
{
	char longest[256], too_long[257];
	struct stat st;

	memset(longest, 'n', 255);
	longest[255] = 0;
	memset(too_long, 'n', 256);
	too_long[256] = 0;
	TRY(mkdir(longest, 0755));
	TRY(mkdir(too_long, 0755));
	TRY(rmdir(longest));
	touch("odd \x01\xff\n\\name", "x");
	content("odd \x01\xff\n\\name");
	TRY(unlink("odd \x01\xff\n\\name"));
	TRY(open("none", O_RDONLY | O_CLOEXEC));
	TRY(mkdir("none/x", 0755));
	touch("file", "f");
	TRY(mkdir("file/x", 0755));
	TRY(open("file", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	TRY(open("file", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
	TRY(symlink("loop", "loop"));
	TRY(open("loop", O_RDONLY | O_CLOEXEC));
	TRY(open("loop", O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
	TRY(stat("file/", &st));
	TRY(unlink("loop"));
	TRY(unlink("file"));
}

static void modes(void)
{
	mode_t old = umask(027);
	int fd;

	fd = make("m1", "", 0777);
	(void)close(fd);
	show("m1");
	TRY(mkdir("md", 0777));
	show("md");
	TRY(chmod("md", 02775));
	show("md");
	TRY(mkdir("md/sub", 0777));
	show("md/sub");
	TRY(mknod("md/fifo", S_IFIFO | 0666, 0));
	show("md/fifo");
	TRY(chmod("m1", 06755));
	show("m1");
	TRY(chmod("m1", 04755));
	TRY(chown("m1", 1000, 1000));
	show("m1");
	TRY(chown("m1", (uid_t)-1, 1001));
	show("m1");
	(void)umask(old);
}

static void as_user(void)
{
	int fd, status;
	pid_t pid;

	(void)mkdir("u", 0777);
	(void)!chmod("u", 01777);
	touch("u/roots", "root");
	(void)!chmod("u/roots", 0600);
	(void)mkdir("u/gdir", 0777);
	(void)!chown("u/gdir", 0, 1234);
	(void)!chmod("u/gdir", 02777);
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)!setgid(1000);
		(void)!setuid(1000);
		TRY(open("u/roots", O_RDONLY | O_CLOEXEC));
		TRY(unlink("u/roots"));
		TRY(rename("u/roots", "u/mine"));
		fd = make("u/own", "data", 0664);
		show("u/own");
		TRY(chmod("u/own", 04755));
		show("u/own");
		SAY("write to own set-uid: %s", err(pwrite(fd, "x", 1, 0)));
		show("u/own");
		TRY(chmod("u/own", 04755));
		SAY("truncate own set-uid: %s", err(ftruncate(fd, 1)));
		show("u/own");
		TRY(chown("u/own", 0, 0));
		TRY(chown("u/own", 1000, 1000));
		touch("u/gdir/f", "x");
		show("u/gdir/f");
		TRY(chmod("u/gdir/f", 02755));
		show("u/gdir/f");
		TRY(mkdir("u/gdir/d", 0755));
		show("u/gdir/d");
		TRY(link("u/roots", "u/stolen"));
		TRY(utimensat(AT_FDCWD, "u/roots", NULL, 0));
		TRY(truncate("u/roots", 0));
		TRY(setxattr("u/roots", "user.x", "1", 1, 0));
		TRY(setxattr("u/own", "user.x", "1", 1, 0));
		TRY(setxattr("u/own", "trusted.x", "1", 1, 0));
		TRY(mknod("u/dev", S_IFCHR | 0600, 0x103));
		TRY(unlink("u/own"));
		(void)close(fd);
		_exit(0);
	}
	(void)waitpid(pid, &status, 0);
	show("u/roots");
}

static void links_and_renames(void)
{
	struct stat st;
	int fd;

	fd = make("a", "aaa", 0644);
	TRY(link("a", "b"));
	show("a");
	TRY(link("a", "b"));
	TRY(unlink("a"));
	show("b");
	SAY("fstat nlink %s", err(fstat(fd, &st)));
	SAY("nlink %ju", (uintmax_t)st.st_nlink);
	TRY(unlink("b"));
	(void)fstat(fd, &st);
	SAY("open but unlinked: nlink %ju size %jd", (uintmax_t)st.st_nlink,
	    (intmax_t)st.st_size);
	SAY("write to it: %s", err(pwrite(fd, "zzzz", 4, 3)));
	(void)fstat(fd, &st);
	SAY("size %jd", (intmax_t)st.st_size);
	TRY(fchmod(fd, 0600));
	TRY(ftruncate(fd, 2));
	(void)close(fd);
	touch("r1", "one");
	touch("r2", "two");
	(void)mkdir("rd", 0755);
	(void)mkdir("rd2", 0755);
	touch("rd2/f", "x");
	TRY(renameat2(AT_FDCWD, "r1", AT_FDCWD, "r2", RENAME_NOREPLACE));
	TRY(renameat2(AT_FDCWD, "r1", AT_FDCWD, "r2", RENAME_EXCHANGE));
	content("r1");
	TRY(rename("r1", "r2"));
	content("r2");
	show("r1");
	TRY(rename("r2", "rd"));
	TRY(rename("rd", "r2"));
	TRY(rename("rd", "rd2"));
	TRY(rename("rd2", "rd2/in"));
	TRY(rename("rd2", "rd"));
	content("rd/f");
	TRY(rmdir("rd"));
	TRY(unlink("rd"));
	TRY(rename("rd/f", "rd/f"));
	TRY(rename("none", "x"));
	TRY(renameat2(AT_FDCWD, "rd", AT_FDCWD, "r2", RENAME_EXCHANGE));
	content("r2/f");
	content("rd");
	TRY(symlink("r2/f", "sl"));
	content("sl");
	show("sl");
	TRY(link("sl", "sl2"));
	show("sl2");
	TRY(unlink("sl"));
}

static void truncates(void)
{
	struct timespec ts[2] = { { 1000000001, 123456789 },
				  { 1000000002, 987654321 } };
	struct stat st;
	int fd;

	fd = make("t", "0123456789", 0644);
	TRY(ftruncate(fd, 4));
	content("t");
	TRY(ftruncate(fd, 8));
	show("t");
	TRY(truncate("t", 2));
	show("t");
	(void)close(fd);
	fd = open("t", O_WRONLY | O_TRUNC | O_CLOEXEC);
	show("t");
	SAY("append: %s", err(write(fd, "abc", 3)));
	(void)close(fd);
	fd = open("t", O_WRONLY | O_APPEND | O_CLOEXEC);
	SAY("pwrite with O_APPEND: %s", err(pwrite(fd, "def", 3, 0)));
	(void)close(fd);
	content("t");
	TRY(utimensat(AT_FDCWD, "t", ts, 0));
	(void)stat("t", &st);
	SAY("mtime %ld.%09ld atime %ld.%09ld", st.st_mtim.tv_sec,
	    st.st_mtim.tv_nsec, st.st_atim.tv_sec, st.st_atim.tv_nsec);
	fd = open("t", O_RDONLY | O_CLOEXEC);
	SAY("write to O_RDONLY: %s", err(write(fd, "x", 1)));
	TRY(ftruncate(fd, 0));
	(void)close(fd);
}

static void mappings(void)
{
	char b[8] = "";
	char *p;
	int fd;

	fd = make("map", "hello map", 0644);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	SAY("mmap: %s", p == MAP_FAILED ? err(-1) : "ok");
	if (p != MAP_FAILED) {
		memcpy(p, "HELLO", 5);
		SAY("seen through read: %zd %.5s", pread(fd, b, 5, 0), b);
		SAY("pwrite: %s", err(pwrite(fd, "MAP", 3, 6)));
		SAY("seen through map: %.9s", p);
		TRY(msync(p, 4096, MS_SYNC));
		(void)munmap(p, 4096);
	}
	TRY(fsync(fd));
	TRY(fdatasync(fd));
	(void)close(fd);
	content("map");
}

static void sparse(void)
{
	struct stat st;
	int fd, fd2;

	fd = make("sparse", "", 0644);
	SAY("5 GiB away: %s", err(pwrite(fd, "x", 1, 5LL << 30)));
	(void)fstat(fd, &st);
	SAY("size %jd small %d", (intmax_t)st.st_size, st.st_blocks < 100);
	SAY("SEEK_DATA %jd", (intmax_t)lseek(fd, 0, SEEK_DATA));
	SAY("SEEK_HOLE %jd", (intmax_t)lseek(fd, 0, SEEK_HOLE));
	SAY("SEEK_DATA past the end: %s", err(lseek(fd, 6LL << 30, SEEK_DATA)));
	TRY(fallocate(fd, 0, 0, 65536));
	TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		      65536));
	TRY(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096));
	TRY(ftruncate(fd, 100000));
	fd2 = make("copy", "", 0644);
	SAY("copy_file_range %zd",
	    copy_file_range(fd, NULL, fd2, NULL, 4096, 0));
	show("copy");
	SAY("O_TMPFILE %s", err(close(fd2)));
	fd2 = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	SAY("open O_TMPFILE: %s", err(fd2));
	if (fd2 >= 0) {
		char path[64];

		SAY("write: %s", err(write(fd2, "tmp", 3)));
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd2);
		TRY(linkat(AT_FDCWD, path, AT_FDCWD, "from-tmp",
			   AT_SYMLINK_FOLLOW));
		(void)close(fd2);
		content("from-tmp");
		show("from-tmp");
	}
	(void)close(fd);
}

static void locks(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int a = make("lock", "x", 0644), b, status;
	pid_t pid;

	b = open("lock", O_RDWR | O_CLOEXEC);
	TRY(flock(a, LOCK_EX));
	TRY(flock(b, LOCK_EX | LOCK_NB));
	TRY(flock(a, LOCK_UN));
	TRY(flock(b, LOCK_EX | LOCK_NB));
	TRY(fcntl(a, F_OFD_SETLK, &l));
	TRY(fcntl(b, F_OFD_SETLK, &l));
	l.l_type = F_UNLCK;
	TRY(fcntl(a, F_OFD_SETLK, &l));
	l.l_type = F_WRLCK;
	TRY(fcntl(a, F_SETLK, &l));
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		TRY(fcntl(b, F_SETLK, &l));
		_exit(0);
	}
	(void)waitpid(pid, &status, 0);
	(void)close(a);
	(void)close(b);
}

static void attributes(void)
{
	char v[64] = "";
	int flags = 0, fd;

	fd = make("x", "x", 0644);
	TRY(setxattr("x", "user.one", "value", 5, XATTR_CREATE));
	TRY(setxattr("x", "user.one", "value", 5, XATTR_CREATE));
	SAY("get %zd %s", getxattr("x", "user.one", v, sizeof(v)), v);
	SAY("get small: %s", err(getxattr("x", "user.one", v, 2)));
	SAY("list %zd", listxattr("x", v, sizeof(v)));
	TRY(removexattr("x", "user.one"));
	TRY(removexattr("x", "user.one"));
	TRY(setxattr("x", "trusted.t", "v", 1, 0));
	SAY("flags: %s", err(ioctl(fd, FS_IOC_GETFLAGS, &flags)));
	SAY("nodump: %d", (flags |= FS_NODUMP_FL) != 0);
	SAY("set flags: %s", err(ioctl(fd, FS_IOC_SETFLAGS, &flags)));
	flags = 0;
	(void)ioctl(fd, FS_IOC_GETFLAGS, &flags);
	SAY("nodump now %d", (flags & FS_NODUMP_FL) != 0);
	(void)close(fd);
}

static void sockets_and_fifos(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), c, fd;

	TRY(bind(s, (struct sockaddr *)&sa, sizeof(sa)));
	TRY(listen(s, 1));
	c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	TRY(connect(c, (struct sockaddr *)&sa, sizeof(sa)));
	show("sock");
	TRY(unlink("sock"));
	(void)close(s);
	(void)close(c);
	TRY(mkfifo("fifo", 0600));
	fd = open("fifo", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	SAY("fifo: %s", err(fd));
	(void)close(fd);
	TRY(unlink("fifo"));
	TRY(mknod("null", S_IFCHR | 0666, 0x103));
	show("null");
	TRY(unlink("null"));
}

static void directories(void)
{
	char name[32];
	struct dirent *e;
	int seen = 0, fd;
	DIR *d;

	(void)mkdir("many", 0755);
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "many/%d", i);
		fd = make(name, "", 0644);
		(void)close(fd);
	}
	d = opendir("many");
	while (d && (e = readdir(d)))
		seen++;
	SAY("entries %d", seen);
	if (d) {
		rewinddir(d);
		seen = 0;
		while ((e = readdir(d))) {
			if (e->d_name[0] == '.')
				continue;
			(void)snprintf(name, sizeof(name), "many/%.20s",
				       e->d_name);
			seen += unlink(name) == 0;
		}
		(void)closedir(d);
	}
	SAY("removed while listing %d", seen);
	TRY(rmdir("many"));
	SAY("cwd: %s", getcwd(name, 2) ? "ok" : err(-1));
	d = opendir(".");
	while (d && (e = readdir(d)))
		if (strstr(e->d_name, "agentsh"))
			SAY("sees %s", e->d_name);
	if (d)
		(void)closedir(d);
	SAY("quarantine by name: %s", err(chdir(".agentsh_trash")));
}

static void programs(void)
{
	int fd = make("script", "#!/bin/sh\nexit 42\n", 0755), status = 0, w;

	(void)close(fd);
	SAY("exec: %d", WEXITSTATUS(system("./script")));
	SAY("copy: %d", WEXITSTATUS(system("cp /bin/sleep prog")));
	(void)fflush(stdout);
	fd = fork();
	if (fd == 0) {
		(void)execl("./prog", "prog", "5", (char *)NULL);
		_exit(1);
	}
	(void)usleep(200000);
	w = open("prog", O_WRONLY | O_CLOEXEC);
	SAY("write to a running program: %s", err(w));
	(void)kill(fd, SIGKILL);
	(void)waitpid(fd, &status, 0);
	fd = open("direct", O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0644);
	SAY("O_DIRECT: %s", err(fd));
	if (fd >= 0) {
		void *p = aligned_alloc(4096, 4096);

		memset(p, 'd', 4096);
		SAY("write %zd", pwrite(fd, p, 4096, 0));
		SAY("read %zd", pread(fd, p, 4096, 0));
		free(p);
		(void)close(fd);
	}
}

static void watches(void)
{
	char b[1024] __attribute__((aligned(8)));
	int in = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), n = 0;
	ssize_t got;

	TRY(inotify_add_watch(
		in, ".", IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_CLOSE_WRITE));
	touch("watched", "x");
	(void)!rename("watched", "watched2");
	(void)unlink("watched2");
	got = read(in, b, sizeof(b));
	for (ssize_t at = 0; at < got;) {
		struct inotify_event *e = (void *)(b + at);

		n++;
		SAY("event %x %s", e->mask, e->name);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	SAY("events %d", n);
	(void)close(in);
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]) < 0)
		return 2;
	(void)umask(022);
	names();
	modes();
	if (geteuid() == 0)
		as_user();
	links_and_renames();
	truncates();
	mappings();
	sparse();
	locks();
	attributes();
	sockets_and_fifos();
	directories();
	programs();
	watches();
	return 0;
}
