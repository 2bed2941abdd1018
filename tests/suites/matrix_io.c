/* SPDX-License-Identifier: MIT */
/*
 * matrix_io.c - data by unusual ways: asynchronous, mapped, sparse, copied
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/suites/matrix.h"

#define PAGE 4096

static int fresh(int flags)
{
	thing_clear("w");
	(void)mkdir("w", 0755);
	return open("w/f", O_CREAT | O_RDWR | O_CLOEXEC | flags, 0644);
}

static unsigned int sum_of(const char *path)
{
	unsigned int sum = 0;
	char b[8192];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && (n = read(fd, b, sizeof(b))) > 0)
		for (ssize_t k = 0; k < n; k++)
			sum = sum * 31 + (unsigned char)b[k];
	if (fd >= 0)
		(void)close(fd);
	return sum;
}

static void size_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		line(" stat %s", err(-1));
	else
		line(" s%lld %x", (long long)st.st_size, sum_of(path));
}

static long submit(aio_context_t c, int fd, int op, void *buf, size_t n,
		   long long at)
{
	struct iocb cb = { .aio_lio_opcode = (uint16_t)op,
			   .aio_fildes = (uint32_t)fd,
			   .aio_buf = (uintptr_t)buf,
			   .aio_nbytes = n,
			   .aio_offset = at };
	struct iocb *list[] = { &cb };
	struct io_event e = { 0 };
	long r = syscall(SYS_io_submit, c, 1L, list);

	if (r != 1)
		return r;
	r = syscall(SYS_io_getevents, c, 1L, 1L, &e, NULL);
	return r == 1 ? (long)e.res : r;
}

static void aio(int flags, const char *label)
{
	aio_context_t c = 0;
	int fd = fresh(flags);
	char *b;

	line("aio %s: %s", label, err(syscall(SYS_io_setup, 8, &c)));
	if (fd < 0 || posix_memalign((void **)&b, PAGE, 4UL * PAGE) != 0)
		return;
	memset(b, 'a', 4UL * PAGE);
	line(" w%ld", submit(c, fd, IOCB_CMD_PWRITE, b, 2UL * PAGE, 0));
	line(" w%ld", submit(c, fd, IOCB_CMD_PWRITE, b, PAGE, 8LL * PAGE));
	line(" sync%ld", submit(c, fd, IOCB_CMD_FSYNC, NULL, 0, 0));
	line(" dsync%ld", submit(c, fd, IOCB_CMD_FDSYNC, NULL, 0, 0));
	line(" r%ld", submit(c, fd, IOCB_CMD_PREAD, b, 4UL * PAGE, PAGE));
	line(" r%ld", submit(c, fd, IOCB_CMD_PREAD, b, PAGE, 100LL * PAGE));
	line(" odd%ld", submit(c, fd, IOCB_CMD_PREAD, b + 1, 100, 3));
	size_of("w/f");
	line_end();
	(void)syscall(SYS_io_destroy, c);
	free(b);
	(void)close(fd);
}

/* Two opens of a file, one mapped: each sees what the other does, at once. */
static void coherence(void)
{
	int a = fresh(0), b = open("w/f", O_RDWR | O_CLOEXEC);
	char *m, got[8] = "";

	(void)!ftruncate(a, 3L * PAGE);
	m = mmap(NULL, 3UL * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, a, 0);
	if (m == MAP_FAILED) {
		line("coherence: mmap %s\n", err(-1));
		return;
	}
	m[5] = 'm';
	(void)!pread(b, got, 1, 5);
	line("coherence: %c", got[0]);
	(void)!pwrite(b, "w", 1, 6);
	line(" %c", m[6]);
	(void)!pwrite(a, "zz", 2, PAGE);
	line(" %c", m[PAGE + 1]);
	if (fork() == 0) {
		m[7] = 'c';
		_exit(0);
	}
	(void)wait(NULL);
	(void)!pread(b, got, 1, 7);
	line(" %c", got[0]);
	(void)fallocate(b, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 100);
	line(" %d", m[5]);
	(void)!ftruncate(b, 10);
	(void)!ftruncate(b, PAGE);
	line(" %d", m[100]);
	m[PAGE - 1] = 'e';
	(void)!msync(m, PAGE, MS_SYNC);
	size_of("w/f");
	(void)munmap(m, 3UL * PAGE);
	line_end();
	(void)close(a);
	(void)close(b);
}

static void map_times(void)
{
	int fd = fresh(0);
	struct before was;
	char *m;

	(void)!ftruncate(fd, PAGE);
	m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	tick();
	look("w/f", &was);
	tick();
	tick();
	m[1] = 'x';
	(void)!msync(m, PAGE, MS_SYNC);
	(void)munmap(m, PAGE);
	(void)close(fd);
	(void)usleep(1100000);
	line("map times:");
	changes("f", "w/f", &was);
	line_end();
}

static void seek_all(int fd)
{
	static const off_t at[] = {
		0,          1,          PAGE - 1,       PAGE,       10L * PAGE,
		16L * PAGE, 40L * PAGE, 64L * PAGE - 1, 64L * PAGE, 65L * PAGE
	};

	for (size_t k = 0; k < sizeof(at) / sizeof(*at); k++) {
		off_t d = lseek(fd, at[k], SEEK_DATA);
		int e = d < 0 ? errno : 0;
		off_t h = lseek(fd, at[k], SEEK_HOLE);

		line(" %ld/%d,%ld/%d", (long)d, e, (long)h, h < 0 ? errno : 0);
	}
}

static void sparse(void)
{
	int fd = fresh(0);
	struct stat st;
	static char b[2 * PAGE];

	memset(b, 's', sizeof(b));
	(void)!pwrite(fd, b, sizeof(b), 0);
	(void)!pwrite(fd, b, sizeof(b), 16L * PAGE);
	(void)!ftruncate(fd, 64L * PAGE);
	(void)fsync(fd);
	line("sparse:");
	seek_all(fd);
	line_end();
	(void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			16L * PAGE, PAGE);
	line("punched:");
	seek_all(fd);
	(void)fsync(fd);
	(void)fstat(fd, &st);
	line(" b%ld", (long)st.st_blocks);
	line(" over %s", err(fallocate(fd, 0, 0x7ffffffffffff000, 8192)));
	line(" neg %s", err(fallocate(fd, 0, -1, 10)));
	line(" zero %s", err(fallocate(fd, 0, 0, 0)));
	line(" punch-grow %s", err(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 10)));
	line(" mode %s", err(fallocate(fd, 0x4000, 0, 10)));
	(void)fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
			63L * PAGE, 9L * PAGE);
	size_of("w/f");
	line_end();
	(void)close(fd);
}

static void copies(void)
{
	int fd = fresh(0), to = open("w/g", O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	int ro = open("w/f", O_RDONLY | O_CLOEXEC);
	int ap = open("w/g", O_WRONLY | O_APPEND | O_CLOEXEC);
	int dir = open("w", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	off_t a = 0, z = 0;
	struct before was;
	char b[PAGE];

	memset(b, 'k', sizeof(b));
	for (int k = 0; k < 20; k++)
		(void)!write(fd, b, sizeof(b));
	tick();
	look("w/g", &was);
	tick();
#define CFR(label, from, out, n)                                           \
	line(" " label "%zd %s", copy_file_range(from, &a, out, &z, n, 0), \
	     strerrorname_np(errno)),                                      \
		a = z = 0, errno = 0
	errno = 0;
	line("copy:");
	CFR("all", fd, to, 100000);
	changes("g", "w/g", &was);
	a = 19L * PAGE;
	CFR("end", fd, to, 2 * PAGE);
	a = 100L * PAGE;
	CFR("past", fd, to, PAGE);
	CFR("to-ro", fd, ro, PAGE);
	CFR("append", fd, ap, PAGE);
	CFR("dir", dir, to, PAGE);
	CFR("none", fd, to, 0);
	z = 10;
	CFR("overlap", fd, fd, PAGE);
	z = 30L * PAGE;
	CFR("self", fd, fd, PAGE);
	line(" flags %s", err(copy_file_range(fd, &a, to, &z, 10, 77)));
#undef CFR
	size_of("w/g");
	size_of("w/f");
	line_end();
	(void)close(fd);
	(void)close(to);
	(void)close(ro);
	(void)close(ap);
	(void)close(dir);
}

static void big_offsets(void)
{
	int fd = fresh(0);
	struct stat st;
	char b[4] = "";

	line("big: %s", err(pwrite(fd, "end", 3, 5L << 32)));
	(void)fstat(fd, &st);
	line(" s%lld", (long long)st.st_size);
	line(" %zd", pread(fd, b, 3, 5L << 32));
	line(" %s", b);
	line(" seek %ld", (long)lseek(fd, 0, SEEK_END));
	line(" max %s", err(pwrite(fd, "x", 1, 0x7fffffffffffffff)));
	line(" neg %s\n", err(pwrite(fd, "x", 1, -5)));
	(void)close(fd);
}

static void vectors(void)
{
	static struct iovec many[2000]; /* more than IOV_MAX */
	int fd = fresh(0), n;
	char a[] = "one", b[] = "two";
	struct iovec v[2] = { { a, 3 }, { b, 3 } };

	line("vector: %zd", writev(fd, v, 2));
	line(" %zd", pwritev2(fd, v, 2, 10, RWF_SYNC));
	line(" %zd", pwritev2(fd, v, 2, -1, RWF_DSYNC));
	line(" %zd %s", pwritev2(fd, v, 1, 0, RWF_NOWAIT) >= 0 ? 1L : 0L, "");
	line(" %zd", preadv2(fd, v, 2, 1, 0));
	line(" %s%s", a, b);
	line(" many %s", err(writev(fd, many, 2000)));
	n = -1;
	line(" nread %s %d", err(ioctl(fd, FIONREAD, &n)), n);
	n = -1;
	line(" bsz %s", err(ioctl(fd, FIGETBSZ, &n)));
	line(" odd %s", err(ioctl(fd, 0x1234, &n)));
	line(" flags %s\n", err(ioctl(fd, FS_IOC_GETFLAGS, &n)));
	(void)close(fd);
}

static void sync_calls(void)
{
	int fd = fresh(0), dir = open("w", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ro = open("w/f", O_RDONLY | O_CLOEXEC);

	line("sync: %s", err(fsync(fd)));
	line(" dir %s %s", err(fsync(dir)), err(fdatasync(dir)));
	line(" ro %s", err(fsync(ro)));
	line(" fs %s", err(syncfs(fd)));
	line(" range %s", err(sync_file_range(fd, 0, 10, 7)));
	line(" bad %s\n", err(fsync(-1)));
	(void)close(fd);
	(void)close(ro);
	(void)close(dir);
}

void matrix_io(void)
{
	aio(0, "plain");
	aio(O_DIRECT, "direct");
	coherence();
	map_times();
	sparse();
	copies();
	big_offsets();
	vectors();
	sync_calls();
}
