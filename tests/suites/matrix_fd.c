/* SPDX-License-Identifier: MIT */
/*
 * matrix_fd.c - calls on open files: by open mode, linked and unlinked
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/suites/matrix.h"

static int spare = -1; /* another file, read and write */

static long f_read(int fd)
{
	char b[8];

	return read(fd, b, sizeof(b));
}
static long f_write(int fd)
{
	return write(fd, "12345", 5);
}
static long f_pread(int fd)
{
	char b[8];

	return pread(fd, b, sizeof(b), 3);
}
static long f_pwrite(int fd)
{
	return pwrite(fd, "12345", 5, 2);
}
static long f_pwrite_far(int fd)
{
	return pwrite(fd, "12345", 5, 1000000);
}
static long f_pwritev2(int fd)
{
	char b[] = "zz";
	struct iovec v = { b, 2 };

	return pwritev2(fd, &v, 1, 0, RWF_APPEND);
}
static long f_write0(int fd)
{
	return write(fd, "", 0);
}
static long f_ftruncate(int fd)
{
	return ftruncate(fd, 4);
}
static long f_ftruncate_same(int fd)
{
	struct stat st;

	(void)fstat(fd, &st);
	return ftruncate(fd, st.st_size);
}
static long f_ftruncate_up(int fd)
{
	return ftruncate(fd, 5000);
}
static long f_fchmod(int fd)
{
	return fchmod(fd, 0611);
}
static long f_fchown(int fd)
{
	return fchown(fd, (uid_t)-1, getegid());
}
static long f_futimens(int fd)
{
	return futimens(fd, NULL);
}
static long f_fsync(int fd)
{
	return fsync(fd);
}
static long f_fdatasync(int fd)
{
	return fdatasync(fd);
}
static long f_falloc(int fd)
{
	return fallocate(fd, 0, 10, 5000);
}
static long f_falloc_keep(int fd)
{
	return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 9000);
}
static long f_punch(int fd)
{
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2, 3);
}
static long f_zero(int fd)
{
	return fallocate(fd, FALLOC_FL_ZERO_RANGE, 2, 30);
}
static long f_collapse(int fd)
{
	return fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096);
}
static long f_posix_falloc(int fd)
{
	int e = posix_fallocate(fd, 0, 100);

	errno = e;
	return e ? -1 : 0;
}
static long f_seek_set(int fd)
{
	return lseek(fd, 5, SEEK_SET);
}
static long f_seek_end(int fd)
{
	return lseek(fd, -2, SEEK_END);
}
static long f_seek_neg(int fd)
{
	return lseek(fd, -2, SEEK_SET);
}
static long f_seek_data(int fd)
{
	return lseek(fd, 0, SEEK_DATA);
}
static long f_seek_hole(int fd)
{
	return lseek(fd, 0, SEEK_HOLE);
}
static long f_seek_past(int fd)
{
	return lseek(fd, 1 << 20, SEEK_DATA);
}
static long f_flock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB);
}
static long lock(int fd, short type, int cmd)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_len = 3 };

	return fcntl(fd, cmd, &l);
}
static long f_rdlck(int fd)
{
	return lock(fd, F_RDLCK, F_SETLK);
}
static long f_wrlck(int fd)
{
	return lock(fd, F_WRLCK, F_SETLK);
}
static long f_ofd(int fd)
{
	return lock(fd, F_WRLCK, F_OFD_SETLK);
}
static long f_getlk(int fd)
{
	return lock(fd, F_WRLCK, F_GETLK);
}
static long f_lease(int fd)
{
	long r = fcntl(fd, F_SETLEASE, F_RDLCK);

	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return r;
}
static long f_setfl(int fd)
{
	return fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK);
}
static long f_getfl(int fd)
{
	return fcntl(fd, F_GETFL) & ~O_LARGEFILE;
}
static long map(int fd, int prot, int flags, bool touch)
{
	char *p = mmap(NULL, 4096, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		return -1;
	if (touch)
		p[1] = 'M';
	(void)msync(p, 4096, MS_SYNC);
	(void)munmap(p, 4096);
	return 0;
}
static long f_mmap_ro(int fd)
{
	return map(fd, PROT_READ, MAP_SHARED, false);
}
static long f_mmap_rw(int fd)
{
	return map(fd, PROT_READ | PROT_WRITE, MAP_SHARED, true);
}
static long f_mmap_priv(int fd)
{
	return map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE, true);
}
static long f_cfr_from(int fd)
{
	off_t a = 0, b = 0;

	return copy_file_range(fd, &a, spare, &b, 100, 0);
}
static long f_cfr_to(int fd)
{
	off_t a = 0, b = 3;

	return copy_file_range(spare, &a, fd, &b, 100, 0);
}
static long f_cfr_self(int fd)
{
	off_t a = 0, b = 2;

	return copy_file_range(fd, &a, fd, &b, 5, 0);
}
static long f_sendfile_from(int fd)
{
	off_t a = 0;

	return sendfile(spare, fd, &a, 100);
}
static long f_sendfile_to(int fd)
{
	off_t a = 0;

	return sendfile(fd, spare, &a, 100);
}
static long f_splice(int fd)
{
	int p[2];
	long r;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	(void)!write(p[1], "spliced", 7);
	r = splice(p[0], NULL, fd, NULL, 7, 0);
	(void)close(p[0]);
	(void)close(p[1]);
	return r;
}
static long f_fsetxattr(int fd)
{
	return fsetxattr(fd, "user.f", "v", 1, 0);
}
static long f_flistxattr(int fd)
{
	return flistxattr(fd, NULL, 0);
}
static long f_relink(int fd)
{
	char p[32];

	(void)snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, p, AT_FDCWD, "w/relinked", AT_SYMLINK_FOLLOW);
}
static long f_reopen(int fd)
{
	char p[32];
	int r, saved;

	(void)snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
	r = open(p, O_RDWR | O_CLOEXEC);
	saved = errno;
	if (r >= 0)
		(void)close(r);
	errno = saved;
	return r >= 0 ? 0 : -1;
}
static long f_fchdir(int fd)
{
	return fchdir(fd);
}
static long f_fadvise(int fd)
{
	errno = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return errno ? -1 : 0;
}
static long f_readahead(int fd)
{
	return readahead(fd, 0, 4096);
}
static long f_fsize(int fd)
{
	struct rlimit old, l;
	long r;

	(void)getrlimit(RLIMIT_FSIZE, &old);
	l = old;
	l.rlim_cur = 8;
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)setrlimit(RLIMIT_FSIZE, &l);
	r = pwrite(fd, "0123456789", 10, 4);
	line(" %ld %s", r, err(r));
	r = pwrite(fd, "0123456789", 10, 9);
	line(" %s", err(r));
	r = ftruncate(fd, 100);
	(void)setrlimit(RLIMIT_FSIZE, &old);
	return r;
}

static const struct call {
	const char *name;
	long (*run)(int fd);
} calls[] = {
#define C(n)              \
	{                 \
#		n, f_##n \
	}
	C(read),           C(write),         C(pread),       C(pwrite),
	C(pwrite_far),     C(pwritev2),      C(write0),      C(ftruncate),
	C(ftruncate_same), C(ftruncate_up),  C(fchmod),      C(fchown),
	C(futimens),       C(fsync),         C(fdatasync),   C(falloc),
	C(falloc_keep),    C(punch),         C(zero),        C(collapse),
	C(posix_falloc),   C(seek_set),      C(seek_end),    C(seek_neg),
	C(seek_data),      C(seek_hole),     C(seek_past),   C(flock),
	C(rdlck),          C(wrlck),         C(ofd),         C(getlk),
	C(lease),          C(setfl),         C(getfl),       C(mmap_ro),
	C(mmap_rw),        C(mmap_priv),     C(cfr_from),    C(cfr_to),
	C(cfr_self),       C(sendfile_from), C(sendfile_to), C(splice),
	C(fsetxattr),      C(flistxattr),    C(relink),      C(reopen),
	C(fadvise),        C(readahead),     C(fsize),       C(fchdir),
#undef C
};

static const struct mode {
	const char *label;
	int flags;
	mode_t bits;
} modes[] = {
	{ "r", O_RDONLY, 0644 },
	{ "w", O_WRONLY, 0644 },
	{ "rw", O_RDWR, 0644 },
	{ "append", O_RDWR | O_APPEND, 0644 },
	{ "path", O_PATH, 0644 },
	{ "sgid", O_RDWR, 06755 },
	{ "wtrunc", O_WRONLY | O_TRUNC, 0600 },
	{ "sync", O_RDWR | O_DSYNC, 0644 },
};

enum state {
	LINKED,
	UNLINKED,
	REPLACED,
	TWO_NAMES,
	STATES
};
static const char *const state_names[] = { "linked", "unlinked", "replaced",
					   "two" };

static void show(int fd, const struct stat *old)
{
	unsigned int sum = 0;
	struct stat st;
	char p[32], b[8192];
	ssize_t n = -1;
	int r;

	if (fstat(fd, &st) < 0) {
		line(" fstat %s", err(-1));
		return;
	}
	(void)snprintf(p, sizeof(p), "/proc/self/fd/%d", fd);
	r = open(p, O_RDONLY | O_CLOEXEC);
	if (r >= 0) {
		n = pread(r, b, sizeof(b), 0);
		(void)close(r);
	}
	for (ssize_t k = 0; k < n; k++)
		sum = sum * 31 + (unsigned char)b[k];
	line(" %o n%u s%lld %zd:%x %s%s", st.st_mode, (unsigned int)st.st_nlink,
	     (long long)st.st_size, n, sum,
	     st.st_mtim.tv_nsec != old->st_mtim.tv_nsec ||
			     st.st_mtim.tv_sec != old->st_mtim.tv_sec
		     ? "m"
		     : "",
	     st.st_ctim.tv_nsec != old->st_ctim.tv_nsec ? "c" : "");
}

static void enter_state(enum state s)
{
	if (s == UNLINKED)
		(void)unlink("w/obj");
	if (s == TWO_NAMES)
		(void)!link("w/obj", "w/second");
	if (s == REPLACED) {
		thing_make("w/new", FILE_);
		(void)!rename("w/new", "w/obj");
	}
}

static void one(const struct call *c, const struct mode *m, enum state s)
{
	struct before parent;
	struct stat old;
	long r;
	int fd;

	if (left_out())
		return;
	thing_clear("w");
	(void)mkdir("w", 0755);
	thing_make("w/obj", FILE_);
	(void)chmod("w/obj", m->bits);
	thing_make("w/spare", FILE_);
	spare = open("w/spare", O_RDWR | O_CLOEXEC);
	fd = open("w/obj", m->flags | O_CLOEXEC);
	enter_state(s);
	tick();
	look("w", &parent);
	line("fd-%s %s %s:", c->name, m->label, state_names[s]);
	if (fd < 0 || spare < 0 || fstat(fd, &old) < 0) {
		line(" open %s\n", err(-1));
		return;
	}
	r = c->run(fd);
	line(" %ld %s pos %ld", r < 0 ? -1 : r, err(r),
	     (long)lseek(fd, 0, SEEK_CUR));
	show(fd, &old);
	changes("dir", "w", &parent);
	line_end();
	(void)close(fd);
	(void)close(spare);
}

void matrix_fd(void)
{
	for (size_t c = 0; c < sizeof(calls) / sizeof(*calls); c++)
		for (size_t m = 0; m < sizeof(modes) / sizeof(*modes); m++)
			for (enum state s = 0; s < STATES; s++)
				one(&calls[c], &modes[m], s);
}
