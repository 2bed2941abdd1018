/* SPDX-License-Identifier: MIT */
/*
 * spawn.c - N commands one after the other: how long each takes
 *
 *	spawn N CMD [ARG...]
 *
 * posix_spawn and wait, as a shell would. Prints median and 99th percentile in
 * microseconds: the native side of the warm-spawn row (run.sh).
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	extern char **environ;
	size_t n = argc > 2 ? (size_t)atoi(argv[1]) : 0;
	double *us = n ? calloc(n, sizeof(*us)) : NULL;

	if (!us)
		return 2;
	for (size_t i = 0; i < n; i++) {
		double start = now_us();
		pid_t pid;
		int status;

		if (posix_spawnp(&pid, argv[2], NULL, NULL, argv + 2,
				 environ) != 0 ||
		    waitpid(pid, &status, 0) < 0 || status != 0)
			return 1;
		us[i] = now_us() - start;
	}
	qsort(us, n, sizeof(*us), by_value);
	printf("%.0f %.0f\n", us[n / 2], us[n * 99 / 100]);
	free(us);
	return 0;
}
