/* SPDX-License-Identifier: MIT */
/*
 * data_ops.c - random reads and writes of one file against its image in memory
 *
 * data-ops FILE SEED [N]: through several descriptors (plain, O_APPEND,
 * O_DIRECT, mmap, pwritev2, copy_file_range) the file is written, truncated,
 * punched and reopened; each read is compared. Exit 1: it differed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE_MAX_ 262144U
#define SECTOR    4096U

static char image[SIZE_MAX_], *chunk;
static unsigned int length;
static uint64_t state;
static const char *name;
static int fds[3] = { -1, -1, -1 }; /* two plain ones, one direct or -1 */

static unsigned int rnd(unsigned int n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)((state >> 20) % n);
}

static void stop(const char *what, unsigned int at)
{
	(void)printf("%s at %u of %u: %s\n", what, at, length, strerror(errno));
	exit(1);
}

static void open_all(void)
{
	for (int k = 0; k < 3; k++) {
		if (fds[k] >= 0)
			(void)close(fds[k]);
		fds[k] = open(name,
			      O_RDWR | O_CREAT | O_CLOEXEC |
				      (k == 2 ? O_DIRECT : 0),
			      0644);
		if (fds[k] < 0 && k < 2)
			stop("open", 0);
	}
}

static void grown(unsigned int end)
{
	if (end > length) {
		length = end;
	}
}

static void do_write(void)
{
	unsigned int at = rnd(SIZE_MAX_ - 1), n = 1 + rnd(20000);

	if (at + n > SIZE_MAX_)
		n = SIZE_MAX_ - at;
	for (unsigned int k = 0; k < n; k++)
		chunk[k] = (char)(rnd(26) + 'a');
	if (pwrite(fds[rnd(2)], chunk, n, at) != (ssize_t)n)
		stop("write", at);
	memcpy(image + at, chunk, n);
	grown(at + n);
}

static void do_direct(void)
{
	unsigned int at = rnd(SIZE_MAX_ / SECTOR) * SECTOR;

	if (fds[2] < 0)
		return;
	memset(chunk, 'A' + (int)rnd(26), SECTOR);
	if (pwrite(fds[2], chunk, SECTOR, at) != (ssize_t)SECTOR)
		stop("direct write", at);
	memcpy(image + at, chunk, SECTOR);
	grown(at + SECTOR);
	if (pread(fds[2], chunk, SECTOR, at) != (ssize_t)SECTOR ||
	    memcmp(chunk, image + at, SECTOR) != 0)
		stop("direct read differs", at);
}

static void do_append(void)
{
	int fd = open(name, O_WRONLY | O_APPEND | O_CLOEXEC);
	unsigned int n = 1 + rnd(5000);

	if (length + n > SIZE_MAX_)
		n = 0;
	memset(chunk, 'P', n);
	if (fd < 0 || write(fd, chunk, n) != (ssize_t)n)
		stop("append", length);
	memcpy(image + length, chunk, n);
	length += n;
	(void)close(fd);
}

static void do_truncate(void)
{
	unsigned int to = rnd(SIZE_MAX_);

	if (rnd(2) ? truncate(name, to) : ftruncate(fds[0], to))
		stop("truncate", to);
	if (to > length)
		memset(image + length, 0, to - length);
	else
		memset(image + to, 0, length - to);
	length = to;
}

static void do_map(void)
{
	unsigned int at;
	char *p;

	if (length == 0)
		return;
	p = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	if (p == MAP_FAILED)
		stop("mmap", 0);
	if (memcmp(p, image, length) != 0)
		stop("map differs", 0);
	at = rnd(length);
	p[at] = image[at] = 'M';
	if (rnd(2) && msync(p, length, MS_SYNC) < 0)
		stop("msync", at);
	(void)munmap(p, length);
}

static void do_punch(void)
{
	unsigned int at = rnd(SIZE_MAX_), n = 1 + rnd(30000);
	int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	if (fallocate(fds[0],
		      rnd(2) ? mode
			     : FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
		      at, n) < 0) {
		if (errno == EOPNOTSUPP)
			return;
		stop("punch", at);
	}
	if (at < length)
		memset(image + at, 0, at + n > length ? length - at : n);
}

static void do_copy(void)
{
	unsigned int n = 1 + rnd(9000), from = rnd(SIZE_MAX_ / 2 - n);
	unsigned int to = SIZE_MAX_ / 2 + rnd(SIZE_MAX_ / 2 - n);
	off_t a = from, b = to;
	ssize_t got;

	got = copy_file_range(fds[0], &a, fds[1], &b, n, 0);
	if (got < 0)
		stop("copy_file_range", from);
	memcpy(image + to, image + from, (size_t)got);
	if (got > 0)
		grown(to + (unsigned int)got);
}

static void do_read(void)
{
	unsigned int at = rnd(SIZE_MAX_), n = 1 + rnd(30000);
	unsigned int want = at >= length      ? 0
			    : at + n > length ? length - at
					      : n;

	if (pread(fds[rnd(2)], chunk, n, at) != (ssize_t)want ||
	    memcmp(chunk, image + at, want) != 0)
		stop("read differs", at);
}

/* The image has nothing beyond the length: a hole reads as zeros. */
static void check_all(void)
{
	struct stat st;

	if (fstat(fds[0], &st) < 0 || st.st_size != (off_t)length)
		stop("size differs", (unsigned int)st.st_size);
	for (unsigned int at = 0; at < length; at += SECTOR) {
		unsigned int n = length - at < SECTOR ? length - at : SECTOR;

		if (pread(fds[1], chunk, n, at) != (ssize_t)n ||
		    memcmp(chunk, image + at, n) != 0)
			stop("content differs", at);
	}
}

int main(int argc, char **argv)
{
	static void (*const ops[])(void) = { do_write,    do_direct, do_append,
					     do_truncate, do_map,    do_punch,
					     do_copy,     do_read,   do_read,
					     open_all };
	unsigned long n = argc == 4 && *argv[3] ? strtoul(argv[3], NULL, 10)
						: 1500;

	if (argc < 3 || posix_memalign((void **)&chunk, SECTOR, SIZE_MAX_) != 0)
		return 2;
	name = argv[1];
	state = strtoull(argv[2], NULL, 10) * 0x9e3779b97f4a7c15ULL + 1;
	open_all();
	for (unsigned long k = 0; k < n; k++) {
		ops[rnd(sizeof(ops) / sizeof(*ops))]();
		if (k % 50 == 0)
			check_all();
	}
	check_all();
	(void)printf("%lu operations\n", n);
	return 0;
}
