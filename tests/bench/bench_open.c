/* SPDX-License-Identifier: MIT */
/*
 * bench_open.c - time of one open+close, and of a call that nobody watches
 *
 *	bench_open [-w] [-s] [-n COUNT] [-r ROUNDS] [-d DIR] NAME
 *
 * Opens NAME COUNT times per round for reading; -w for writing without
 * truncation; -s asks with fstatat instead (never notified by default); -d
 * makes it relative to an open directory. Prints the median round in
 * nanoseconds per call, alone on a line. Run it inside and outside of a
 * session: the difference is what the session costs per open.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS 101

static double now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct what {
	const char *name;
	int dir, flags;
	bool stat;
};

static bool once(const struct what *w)
{
	struct stat st;
	int fd;

	if (w->stat)
		return fstatat(w->dir, w->name, &st, 0) == 0;
	fd = openat(w->dir, w->name, w->flags | O_CLOEXEC);
	return fd >= 0 && close(fd) == 0;
}

static double one_round(const struct what *w, long count)
{
	double start = now_ns();

	for (long i = 0; i < count; i++) {
		if (!once(w)) {
			perror(w->name);
			exit(1);
		}
	}
	return (now_ns() - start) / (double)count;
}

int main(int argc, char **argv)
{
	struct what w = { .dir = AT_FDCWD, .flags = O_RDONLY };
	long count = 1000, rounds = 11;
	double ns[MAX_ROUNDS];
	int c;

	while ((c = getopt(argc, argv, "wsn:r:d:")) != -1) {
		if (c == 'w')
			w.flags = O_WRONLY;
		else if (c == 's')
			w.stat = true;
		else if (c == 'n')
			count = strtol(optarg, NULL, 10);
		else if (c == 'r')
			rounds = strtol(optarg, NULL, 10);
		else if (c == 'd')
			w.dir = open(optarg, O_PATH | O_DIRECTORY | O_CLOEXEC);
		else
			return 2;
	}
	if (optind + 1 != argc || count < 1 || rounds < 1 ||
	    rounds > MAX_ROUNDS || w.dir == -1) {
		(void)fprintf(stderr, "usage: bench_open [-w] [-s] [-n COUNT] "
				      "[-r ROUNDS] [-d DIR] NAME\n");
		return 2;
	}
	w.name = argv[optind];
	for (long i = 0; i < rounds; i++)
		ns[i] = one_round(&w, count);
	qsort(ns, (size_t)rounds, sizeof(*ns), by_value);
	printf("%.0f\n", ns[rounds / 2]);
	return 0;
}
