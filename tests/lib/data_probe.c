/* SPDX-License-Identifier: MIT */
/*
 * data_probe.c - random reads, writes and mappings of one file against a copy
 * in memory
 *
 * data_probe FILE OPERATIONS SEED: exits 1 and names the operation at the first
 * byte that differs.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE (1U << 18)

static unsigned char model[SIZE], chunk[SIZE];
static size_t length;
static unsigned long long rng;
static int fd = -1;
static const char *path;

static size_t rnd(size_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return n ? (size_t)(rng >> 11) % n : 0;
}

static void bad(const char *what, size_t at, size_t n)
{
	(void)printf("%s at %zu+%zu of %zu: %s\n", what, at, n, length,
		     strerror(errno));
	exit(1);
}

static void grow(size_t to)
{
	if (to > length)
		length = to;
}

static void op_write(size_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		model[at + i] = (unsigned char)rnd(256);
	if (pwrite(fd, model + at, n, (off_t)at) != (ssize_t)n)
		bad("write", at, n);
	grow(at + n);
}

static void op_read(size_t at, size_t n)
{
	size_t want = at >= length ? 0 : length - at < n ? length - at : n;

	if (pread(fd, chunk, n, (off_t)at) != (ssize_t)want ||
	    memcmp(chunk, model + at, want) != 0)
		bad("read", at, n);
}

static void op_truncate(size_t to)
{
	if (ftruncate(fd, (off_t)to) < 0)
		bad("truncate", to, 0);
	if (to < length)
		memset(model + to, 0, length - to);
	length = to;
}

static void op_map(size_t at, size_t n)
{
	unsigned char *p;

	if (length == 0)
		return;
	at = rnd(length);
	n = n > length - at ? length - at : n;
	p = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		bad("mmap", at, n);
	if (memcmp(p, model, length) != 0)
		bad("map read", 0, length);
	for (size_t i = 0; i < n; i++)
		p[at + i] = model[at + i] = (unsigned char)rnd(256);
	if (rnd(2) && msync(p, length, MS_SYNC) < 0)
		bad("msync", at, n);
	(void)munmap(p, length);
}

static void op_punch(size_t at, size_t n)
{
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at,
		      (off_t)n) == 0)
		memset(model + at, 0, n);
	else if (errno != EOPNOTSUPP)
		bad("punch", at, n);
}

static void op_copy(size_t at, size_t n)
{
	off_t from = (off_t)rnd(length), to = (off_t)at;
	ssize_t done;

	if (length == 0)
		return;
	if (n > length - (size_t)from)
		n = length - (size_t)from;
	if ((size_t)from < at + n && at < (size_t)from + n)
		return; /* overlapping is refused */
	done = copy_file_range(fd, &from, fd, &to, n, 0);
	if (done < 0)
		bad("copy", at, n);
	memcpy(model + at, model + (size_t)from - (size_t)done, (size_t)done);
	grow(at + (size_t)done);
}

static void op_reopen(void)
{
	int flags = O_RDWR | O_CLOEXEC;

	if (rnd(3) == 0 && fsync(fd) < 0)
		bad("fsync", 0, 0);
	(void)close(fd);
	if (rnd(20) == 0) {
		flags |= O_TRUNC;
		memset(model, 0, length);
		length = 0;
	}
	fd = open(path, flags);
	if (fd < 0)
		bad("open", 0, 0);
}

static void check(void)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || (size_t)st.st_size != length)
		bad("size", (size_t)st.st_size, 0);
}

int main(int argc, char **argv)
{
	size_t operations;

	if (argc != 4)
		return 2;
	path = argv[1];
	operations = (size_t)strtoull(argv[2], NULL, 10);
	rng = strtoull(argv[3], NULL, 10) * 2654435761ULL +
	      88172645463325252ULL;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		bad("create", 0, 0);
	for (size_t i = 0; i < operations; i++) {
		size_t at = rnd(SIZE - 1);
		size_t n = (rnd(SIZE - at - 1) >> rnd(8)) + 1;

		switch (rnd(9)) {
		case 0:
		case 1:
			op_write(at, n);
			break;
		case 2:
		case 3:
			op_read(at, n);
			break;
		case 4:
			op_truncate(at);
			break;
		case 5:
			op_map(at, n);
			break;
		case 6:
			op_punch(at, n);
			break;
		case 7:
			op_copy(at, n);
			break;
		default:
			op_reopen();
		}
		check();
	}
	op_read(0, SIZE);
	return 0;
}
