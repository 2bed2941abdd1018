/* SPDX-License-Identifier: MIT */
/*
 * model_ops.c - a run of random operations, the same for the same seed
 *
 * model-ops DIR SEED N performs N operations on a small tree in DIR and prints
 * one line per operation with its outcome. Run with one seed on a plain
 * directory and through agentsh, outputs and trees must be equal: the plain
 * directory is the model.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static uint64_t state;

static unsigned int rnd(unsigned int n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)((state >> 20) % n);
}

static const char *err(long r)
{
	return r < 0 ? strerrorname_np(errno) : "ok";
}

static void path_random(char out[64])
{
	static const char *const dirs[] = { "da", "db", "dc" };
	size_t n = 0;

	for (unsigned int k = rnd(4); k > 0; k--)
		n += (size_t)snprintf(out + n, 64 - n, "%s/", dirs[rnd(3)]);
	if (rnd(5))
		(void)snprintf(out + n, 64 - n, "f%u", rnd(14));
	else
		(void)snprintf(out + n, 64 - n, "%s", dirs[rnd(3)]);
}

static void fill(char *b, size_t n)
{
	unsigned int v = rnd(1U << 30);

	for (size_t k = 0; k < n; k++)
		b[k] = (char)('a' + (v + k * 7) % 26);
}

/* Mostly small, at times larger than what is copied without thought. */
static size_t size_random(void)
{
	return rnd(20) ? rnd(3000) : 150000 + rnd(100000);
}

static long put(const char *path, int flags, off_t at, size_t n)
{
	static char b[300000];
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
	long r;

	if (fd < 0)
		return -1;
	fill(b, n);
	r = pwrite(fd, b, n, at);
	(void)close(fd);
	return r;
}

static long map_write(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	char *p;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 4) {
		(void)close(fd);
		errno = ENODATA;
		return -1;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		 fd, 0);
	(void)close(fd);
	if (p == MAP_FAILED)
		return -1;
	fill(p + rnd((unsigned int)st.st_size - 3), 3);
	return munmap(p, (size_t)st.st_size);
}

static long on_fd(const char *path, int what)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	off_t at = rnd(4000), length = 1 + rnd(4000);
	long r = -1;
	int saved;

	if (fd < 0)
		return -1;
	if (what == 0)
		r = ftruncate(fd, rnd(6000));
	else if (what == 1)
		r = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			      at, length);
	else if (what == 2)
		r = fallocate(fd, 0, at, length);
	else if (what == 3)
		r = fchmod(fd, 0600 | rnd(0100));
	else
		r = fsetxattr(fd, rnd(2) ? "user.a" : "user.b", "value", rnd(6),
			      0);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return r;
}

static long copy_range(const char *a, const char *b)
{
	int from = open(a, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int to = open(b, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	off_t x = rnd(500), y = rnd(500);
	long r = -1;

	if (from >= 0 && to >= 0)
		r = copy_file_range(from, &x, to, &y, rnd(3000), 0);
	if (from >= 0)
		(void)close(from);
	if (to >= 0)
		(void)close(to);
	return r;
}

/* Written to after its name is gone; then what is left is read. */
static long open_unlinked(const char *path)
{
	int fd = open(path,
		      O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		      0644);
	struct stat st;
	long r;

	if (fd < 0)
		return -1;
	if (unlink(path) < 0) {
		(void)close(fd);
		return -1;
	}
	r = fstat(fd, &st) < 0 ? -1 : (long)st.st_nlink;
	(void)close(fd);
	return r;
}

static long tmp_link(const char *path)
{
	char self[32];
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
	long r;

	if (fd < 0)
		return -1;
	(void)!write(fd, "tmpfile\n", 8);
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	r = linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
	(void)close(fd);
	return r;
}

static int wipe(const char *path, const struct stat *st, int flag,
		struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static long times(const char *path)
{
	struct timespec t[2] = { { .tv_sec = rnd(1U << 30) },
				 { .tv_sec = rnd(1U << 30),
				   .tv_nsec = rnd(999999999) } };

	return utimensat(AT_FDCWD, path, t, AT_SYMLINK_NOFOLLOW);
}

static long save_atomically(const char *path)
{
	char tmp[80];

	(void)snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	if (put(tmp, O_WRONLY | O_CREAT | O_TRUNC, 0, size_random()) < 0)
		return -1;
	return rename(tmp, path);
}

static long perform(unsigned int op, const char *a, const char *b)
{
	switch (op) {
	case 0:
	case 1:
		return put(a, O_WRONLY | O_CREAT, 0, size_random());
	case 2:
		return put(a, O_WRONLY | O_CREAT | O_EXCL, 0, size_random());
	case 3:
		return put(a, O_WRONLY | O_TRUNC, 0, size_random());
	case 4:
		return put(a, O_WRONLY, rnd(2000), rnd(2000));
	case 5:
		return put(a, O_WRONLY | O_APPEND, 0, rnd(2000));
	case 6:
		return unlink(a);
	case 7:
		return mkdir(a, 0755);
	case 8:
		return rmdir(a);
	case 9:
		return rename(a, b);
	case 10:
		return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
	case 11:
		return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE);
	case 12:
		return link(a, b);
	case 13:
		return symlink(b, a);
	case 14:
		return truncate(a, rnd(4000));
	case 15:
		return map_write(a);
	case 16:
		return chmod(a, rnd(2) ? 0755 : 0700);
	case 17:
		return times(a);
	case 18:
		return on_fd(a, (int)rnd(5));
	case 19:
		return copy_range(a, b);
	case 20:
		return open_unlinked(a);
	case 21:
		return tmp_link(a);
	case 22:
		return save_atomically(a);
	case 23:
		return lremovexattr(a, "user.a");
	case 24:
		return rnd(6) ? 0 : nftw(a, wipe, 8, FTW_DEPTH | FTW_PHYS);
	default:
		return mkfifo(a, 0644);
	}
}

int main(int argc, char **argv)
{
	unsigned long n;

	if (argc != 4 || chdir(argv[1]) < 0) {
		(void)fprintf(stderr, "usage: model-ops DIR SEED N\n");
		return 2;
	}
	state = strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15ULL + 1;
	n = strtoul(argv[3], NULL, 10);
	(void)umask(022);
	for (unsigned long k = 0; k < n; k++) {
		char a[64], b[64];
		unsigned int op = rnd(26);
		long r;

		path_random(a);
		path_random(b);
		errno = 0;
		r = perform(op, a, b);
		(void)printf("%lu %u %s %s %ld %s\n", k, op, a, b, r, err(r));
	}
	return 0;
}
