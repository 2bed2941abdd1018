/* SPDX-License-Identifier: MIT */
/*
 * compare.c - time commands against each other, interleaved, in one run
 *
 *	compare [-n ROUNDS] [-p PAUSE_MS] [-s PID[,PID...]] NAME CMD [ARG...]
 *		[:: NAME CMD [ARG...]]...
 *
 * The first command is the baseline. Every round runs each command once, in an
 * order that rotates, so that drift of the machine hits all alike. Prints the
 * median, the 99th percentile, the ratio of medians to the baseline and the
 * difference of medians; then the ratio of the shortest runs, and that of the
 * median CPU time, which a loaded machine disturbs least. The CPU time is that
 * of the command and of all processes below the servers PID, living or waited
 * for. PAUSE_MS is slept before each run, so that what a program does after it
 * answered is not counted against the next one. stdin, stdout and stderr of
 * the commands are /dev/null. A command that exits non-zero is reported and
 * not timed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_COMMANDS 32
#define MAX_ROUNDS   100000
#define MAX_SERVERS  8
#define MAX_TREE     4096
#define SETTLE_US    30000 /* what comes after the end belongs to the run */

static int servers[MAX_SERVERS];
static size_t n_servers;

struct command {
	const char *name;
	char **argv;
	double *us, *cpu;
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

/* user and system time of pid and of its children that were waited for */
static double cpu_of(int pid, int *ret_parent)
{
	unsigned long long t[4] = { 0 };
	char path[64], text[1024];
	const char *p;
	size_t n;
	FILE *f;

	*ret_parent = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = 0;
	p = strrchr(text, ')');
	if (!p || sscanf(p + 2,
			 "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			 "%llu %llu %llu %llu",
			 ret_parent, &t[0], &t[1], &t[2], &t[3]) != 5)
		return 0;
	return (double)(t[0] + t[1] + t[2] + t[3]) * 1e6 /
	       (double)sysconf(_SC_CLK_TCK);
}

/* Of all that is or was below the servers. */
static double servers_cpu(void)
{
	static int pids[MAX_TREE], parents[MAX_TREE];
	static double cpu[MAX_TREE];
	static char in[MAX_TREE];
	DIR *d = opendir("/proc");
	struct dirent *e;
	size_t n = 0;
	double sum = 0;

	while (d && n < MAX_TREE && (e = readdir(d))) {
		pids[n] = atoi(e->d_name);
		if (pids[n] <= 0)
			continue;
		cpu[n] = cpu_of(pids[n], &parents[n]);
		in[n] = 0;
		for (size_t i = 0; i < n_servers; i++)
			in[n] |= pids[n] == servers[i];
		n++;
	}
	if (d)
		(void)closedir(d);
	for (int again = 1; again;) {
		again = 0;
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < n && !in[i]; k++)
				if (in[k] && pids[k] == parents[i])
					in[i] = 1, again = 1;
	}
	for (size_t i = 0; i < n; i++)
		sum += in[i] ? cpu[i] : 0;
	return sum;
}

static double children_cpu(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_CHILDREN, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void run_once(struct command *c, const posix_spawn_file_actions_t *fa)
{
	extern char **environ;
	pid_t pid;
	int status;
	double cpu = servers_cpu() + children_cpu(), start = now_us();

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
	c->us[c->n] = now_us() - start;
	if (n_servers)
		(void)usleep(SETTLE_US);
	c->cpu[c->n++] = servers_cpu() + children_cpu() - cpu;
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
	double base = 0, least = 0, base_cpu = 0;

	printf("%-24s %10s %10s %8s %10s %8s %8s\n", "command", "median us",
	       "p99 us", "ratio", "diff us", "min", "cpu");
	for (size_t i = 0; i < n; i++) {
		struct command *c = &commands[i];
		double median, p99, cpu;

		if (c->n == 0) {
			printf("%-24s failed (wait status %d)\n", c->name,
			       c->bad_status);
			continue;
		}
		qsort(c->us, c->n, sizeof(*c->us), by_value);
		qsort(c->cpu, c->n, sizeof(*c->cpu), by_value);
		cpu = c->cpu[c->n / 2];
		median = c->us[c->n / 2];
		p99 = c->us[c->n * 99 / 100];
		if (i == 0)
			base = median, least = c->us[0], base_cpu = cpu;
		printf("%-24s %10.0f %10.0f %8.2f %10.0f %8.2f %8.2f%s\n",
		       c->name, median, p99, median / base, median - base,
		       c->us[0] / least, base_cpu > 0 ? cpu / base_cpu : 0,
		       c->bad_status ? "  (some runs failed)" : "");
	}
}

static void parse_servers(char *list)
{
	for (char *p = list; p && *p && n_servers < MAX_SERVERS;) {
		char *comma = strchr(p, ',');

		servers[n_servers++] = atoi(p);
		p = comma ? comma + 1 : NULL;
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
		else if (strcmp(argv[first], "-s") == 0)
			parse_servers(argv[first + 1]);
	}
	n = parse(argc - first, argv + first, commands);
	if (n == 0 || rounds == 0 || rounds > MAX_ROUNDS) {
		(void)fprintf(stderr, "usage: compare [-n ROUNDS] [-p MS] "
				      "[-s PID,...] NAME "
				      "CMD [ARG...] [:: NAME CMD ...]...\n");
		return 2;
	}
	(void)posix_spawn_file_actions_init(&fa);
	for (int fd = 0; fd < 3; fd++)
		(void)posix_spawn_file_actions_addopen(&fa, fd, "/dev/null",
						       O_RDWR, 0);
	for (size_t i = 0; i < n; i++) {
		commands[i].us = calloc(rounds, sizeof(double));
		commands[i].cpu = calloc(rounds, sizeof(double));
		if (!commands[i].us || !commands[i].cpu)
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
