/* SPDX-License-Identifier: MIT */
/*
 * compare.c - time commands against each other, interleaved, in one run
 *
 *	compare [-n ROUNDS] [-p PAUSE_MS] NAME CMD [ARG...] [:: NAME CMD ...]...
 *
 * The first command is the baseline. Every round runs each command once, in an
 * order that rotates, so that drift of the machine hits all alike. Prints the
 * median, the 99th percentile, the ratio of medians to the baseline and the
 * difference of medians. PAUSE_MS is slept before each run, so that what a
 * program does after it answered is not counted against the next one. stdin, stdout and stderr of the commands are
 * /dev/null. A command that exits non-zero is reported and not timed.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_COMMANDS 32
#define MAX_ROUNDS   100000

struct command {
	const char *name;
	char **argv;
	double *us;
	size_t n;
	int bad_status;
};

static double now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void run_once(struct command *c, const posix_spawn_file_actions_t *fa)
{
	extern char **environ;
	pid_t pid;
	int status;
	double start = now_us();

	if (posix_spawnp(&pid, c->argv[0], fa, NULL, c->argv, environ) != 0) {
		c->bad_status = 127;
		return;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (status != 0) {
		c->bad_status = status;
		return;
	}
	c->us[c->n++] = now_us() - start;
}

static size_t parse(int argc, char **argv, struct command *commands)
{
	size_t n = 0;

	for (int i = 0; i < argc && n < MAX_COMMANDS; i++) {
		commands[n].name = argv[i];
		commands[n].argv = &argv[i + 1];
		n++;
		while (i < argc && strcmp(argv[i], "::") != 0)
			i++;
		if (i < argc)
			argv[i] = NULL;
	}
	return n;
}

static void report(struct command *commands, size_t n)
{
	double base = 0;

	printf("%-24s %10s %10s %8s %10s\n", "command", "median us", "p99 us",
	       "ratio", "diff us");
	for (size_t i = 0; i < n; i++) {
		struct command *c = &commands[i];
		double median, p99;

		if (c->n == 0) {
			printf("%-24s failed (wait status %d)\n", c->name,
			       c->bad_status);
			continue;
		}
		qsort(c->us, c->n, sizeof(*c->us), by_value);
		median = c->us[c->n / 2];
		p99 = c->us[c->n * 99 / 100];
		if (i == 0)
			base = median;
		printf("%-24s %10.0f %10.0f %8.2f %10.0f%s\n", c->name, median,
		       p99, median / base, median - base,
		       c->bad_status ? "  (some runs failed)" : "");
	}
}

int main(int argc, char **argv)
{
	struct command commands[MAX_COMMANDS] = { 0 };
	posix_spawn_file_actions_t fa;
	size_t n, rounds = 200;
	useconds_t pause_us = 0;
	int first = 1;

	for (; argc > first + 1 && argv[first][0] == '-'; first += 2) {
		if (strcmp(argv[first], "-n") == 0)
			rounds = (size_t)atoi(argv[first + 1]);
		else if (strcmp(argv[first], "-p") == 0)
			pause_us = (useconds_t)atoi(argv[first + 1]) * 1000;
	}
	n = parse(argc - first, argv + first, commands);
	if (n == 0 || rounds == 0 || rounds > MAX_ROUNDS) {
		(void)fprintf(stderr, "usage: compare [-n ROUNDS] [-p MS] NAME "
				      "CMD [ARG...] [:: NAME CMD ...]...\n");
		return 2;
	}
	(void)posix_spawn_file_actions_init(&fa);
	for (int fd = 0; fd < 3; fd++)
		(void)posix_spawn_file_actions_addopen(&fa, fd, "/dev/null",
						       O_RDWR, 0);
	for (size_t i = 0; i < n; i++) {
		commands[i].us = calloc(rounds, sizeof(double));
		if (!commands[i].us)
			return 1;
		for (int warm = 0; warm < 3; warm++) {
			run_once(&commands[i], &fa);
			commands[i].n = 0;
		}
		commands[i].bad_status = 0;
	}
	for (size_t r = 0; r < rounds; r++)
		for (size_t i = 0; i < n; i++) {
			(void)usleep(pause_us);
			run_once(&commands[(i + r) % n], &fa);
		}
	report(commands, n);
	return 0;
}
