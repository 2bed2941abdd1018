/* SPDX-License-Identifier: MIT */
/*
 * matrix_random.c - one file and one tree, by random operations
 *
 * The file (as fsx does): written, cut, mapped, punched and read back, each
 * byte compared with a copy in memory, by several processes on a file of their
 * own each. The tree (as fsstress does): several processes make, change and
 * remove what is in a directory of their own, under changing effective users;
 * what is left in the end is a function of the seed, and printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/suites/matrix.h"

#define PROCESSES 3
#define SIZE_MAX_ 200000U
#define FILE_OPS  250
#define TREE_OPS  150

static uint64_t state;

static uint32_t pick(uint32_t n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33) % n;
}

/* ---- the file ---- */

struct model {
	int fd;
	uint8_t *bytes; /* SIZE_MAX_ */
	size_t size;
};

static void grow(struct model *m, size_t to)
{
	if (to > m->size)
		m->size = to;
}

static int write_some(struct model *m, size_t at, size_t n, bool mapped)
{
	uint8_t block[8192];
	uint8_t *p;

	n = n % sizeof(block) + 1;
	for (size_t i = 0; i < n; i++)
		block[i] = (uint8_t)pick(256);
	if (mapped && at + n <= m->size) {
		p = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 m->fd, 0);
		if (p == MAP_FAILED)
			return -1;
		memcpy(p + at, block, n);
		(void)munmap(p, m->size);
	} else if (pwrite(m->fd, block, n, (off_t)at) != (ssize_t)n) {
		return -1;
	}
	memcpy(m->bytes + at, block, n);
	grow(m, at + n);
	return 0;
}

static int cut(struct model *m, size_t to)
{
	if (ftruncate(m->fd, (off_t)to) < 0)
		return -1;
	if (to < m->size)
		memset(m->bytes + to, 0, m->size - to);
	m->size = to;
	return 0;
}

static int punch(struct model *m, size_t at, size_t n)
{
	if (fallocate(m->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      (off_t)at, (off_t)n + 1) < 0)
		return errno == EOPNOTSUPP ? 0 : -1;
	if (at < m->size) {
		size_t end = at + n + 1 < m->size ? at + n + 1 : m->size;

		memset(m->bytes + at, 0, end - at);
	}
	return 0;
}

static int compare(struct model *m, bool mapped)
{
	static uint8_t got[SIZE_MAX_];
	uint8_t *p;
	int r;

	if (lseek(m->fd, 0, SEEK_END) != (off_t)m->size)
		return -1;
	if (!mapped || m->size == 0)
		return pread(m->fd, got, sizeof(got), 0) == (ssize_t)m->size &&
				       memcmp(got, m->bytes, m->size) == 0
			       ? 0
			       : -1;
	p = mmap(NULL, m->size, PROT_READ, MAP_SHARED, m->fd, 0);
	if (p == MAP_FAILED)
		return -1;
	r = memcmp(p, m->bytes, m->size) == 0 ? 0 : -1;
	(void)munmap(p, m->size);
	return r;
}

static int one_operation(struct model *m, const char *name)
{
	size_t at = pick(SIZE_MAX_ - 9000), n = pick(8000);

	switch (pick(10)) {
	case 0:
	case 1:
	case 2:
		return write_some(m, at, n, /* mapped */ false);
	case 3:
	case 4:
		return write_some(m, at, n, /* mapped */ true);
	case 5:
		return cut(m, at);
	case 6:
		return punch(m, at, n);
	case 7: /* by name */
		if (truncate(name, (off_t)at) < 0)
			return -1;
		return cut(m, at);
	case 8: /* another descriptor */
		(void)close(m->fd);
		m->fd = open(name, O_RDWR | O_CLOEXEC);
		return m->fd < 0 ? -1 : 0;
	default:
		return compare(m, pick(2) != 0);
	}
}

static int file_process(unsigned int seed)
{
	struct model m = { .bytes = calloc(1, SIZE_MAX_) };
	char name[32];
	int i;

	(void)snprintf(name, sizeof(name), "random%u", seed);
	m.fd = open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	if (m.fd < 0 || !m.bytes)
		return 1;
	state = seed;
	for (i = 0; i < FILE_OPS; i++)
		if (one_operation(&m, name) < 0) {
			(void)fprintf(stderr, "%s: operation %d: %s\n", name, i,
				      strerror(errno));
			return 1;
		}
	return compare(&m, /* mapped */ false) == 0 ? 0 : 1;
}

/* ---- the tree ---- */

static void switch_user(bool can)
{
	static const uid_t ids[] = { 0, 65533, 65534 };
	uid_t to = ids[pick(3)];

	if (!can)
		return;
	if (seteuid(0) < 0 || setegid(to) < 0 || seteuid(to) < 0)
		_exit(98);
}

static void tree_operation(void)
{
	char a[32], b[32];
	int fd;

	(void)snprintf(a, sizeof(a), "%s%u", pick(3) ? "" : "d1/", pick(12));
	(void)snprintf(b, sizeof(b), "%s%u", pick(3) ? "" : "d1/", pick(12));
	switch (pick(11)) {
	case 0:
	case 1:
		fd = open(a, O_CREAT | O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0664);
		if (fd >= 0) {
			(void)!write(fd, a, pick(20));
			(void)close(fd);
		}
		break;
	case 2:
		(void)mkdir(a, 0775);
		break;
	case 3:
		(void)rename(a, b);
		break;
	case 4:
		(void)!link(a, b);
		break;
	case 5:
		(void)!symlink(a, b);
		break;
	case 6:
		(void)unlink(a);
		break;
	case 7:
		(void)rmdir(a);
		break;
	case 8:
		(void)chmod(a, 0600 | (mode_t)pick(0200));
		break;
	case 9:
		(void)!lchown(a, (uid_t)-1, 65533);
		break;
	default:
		(void)mkfifo(a, 0644);
	}
}

static int tree_process(unsigned int seed, bool can)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "stress%u", seed);
	if (mkdir(name, 0777) < 0 || chmod(name, 0777) < 0 || chdir(name) < 0 ||
	    mkdir("d1", 0777) < 0 || chmod("d1", 01777) < 0)
		return 1;
	state = seed;
	for (int i = 0; i < TREE_OPS; i++) {
		if (pick(4) == 0)
			switch_user(can);
		tree_operation();
	}
	return 0;
}

static void print_tree(unsigned int seed)
{
	static const struct before none = { 0 };
	char name[64];

	line("stress %u:", seed);
	for (unsigned int i = 0; i < 24; i++) {
		struct before b;

		(void)snprintf(name, sizeof(name), "stress%u/%s%u", seed,
			       i < 12 ? "" : "d1/", i % 12);
		look(name, &b);
		if (b.there)
			changes(name, name, &none);
	}
	line_end();
}

static void together(int (*run)(unsigned int seed, bool can), bool can,
		     const char *what)
{
	pid_t pid[PROCESSES];
	int status;

	(void)fflush(stdout);
	for (unsigned int i = 0; i < PROCESSES; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			_exit(run(i + 1, can));
	}
	for (unsigned int i = 0; i < PROCESSES; i++) {
		status = -1;
		(void)waitpid(pid[i], &status, 0);
		line("%s %u: %d\n", what, i + 1, status);
	}
}

static int run_file(unsigned int seed, bool can)
{
	(void)can;
	return file_process(seed);
}

void matrix_random(void)
{
	bool can = getuid() == 0 && setegid(65530) == 0 && setegid(0) == 0;

	together(run_file, can, "random file");
	if (!can)
		return;
	together(tree_process, can, "random tree");
	for (unsigned int i = 0; i < PROCESSES; i++)
		print_tree(i + 1);
}
