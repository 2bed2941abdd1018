/* SPDX-License-Identifier: MIT */
/*
 * opens.c - what one open for reading takes
 *
 *	opens FILE [N]
 *
 * Prints the median and the 90th percentile in microseconds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

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
	size_t n = argc > 2 ? (size_t)atoi(argv[2]) : 2000;
	double *us = argc > 1 && n ? calloc(n, sizeof(*us)) : NULL;

	if (!us)
		return 2;
	for (size_t i = 0; i < n; i++) {
		double start = now_us();
		int fd = open(argv[1], O_RDONLY | O_CLOEXEC);

		us[i] = now_us() - start;
		if (fd < 0) {
			perror(argv[1]);
			return 1;
		}
		(void)close(fd);
	}
	qsort(us, n, sizeof(*us), by_value);
	printf("%.2f %.2f\n", us[n / 2], us[n * 9 / 10]);
	free(us);
	return 0;
}
