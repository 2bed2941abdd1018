/* SPDX-License-Identifier: MIT */
/*
 * stub.c - agentsh-stub: what runs when a command rule redirects an execve
 *
 * The supervisor cannot change the registers of a stopped execve, only the
 * text of the path. So it hands the caller two descriptors, this program and a
 * sealed memfd that says what to run, writes "/dev/fd/N" over the path and lets
 * the call go on. Here the memfd is found by its seals and first word:
 *
 *	MAGIC \0 PATH \0 N_ARGS \0 ARG... \0 N_ENV \0 NAME=VALUE... \0
 *
 * Nothing rests on this program: what it executes is judged like any other
 * execve, and what the rule wanted is known to the supervisor. It makes no call
 * that file rules could refuse.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "tracer/divert_exec.h"

#define CANNOT_RUN 126
#define FD_MAX     4096
#define SEALS      (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static bool is_orders(int fd)
{
	char head[sizeof(DIVERT_MAGIC)];

	return fcntl(fd, F_GET_SEALS) == SEALS &&
	       pread(fd, head, sizeof(head), 0) == sizeof(head) &&
	       memcmp(head, DIVERT_MAGIC, sizeof(head)) == 0;
}

/* The last one: a program may have kept one that was meant for it. */
static int find_orders(void)
{
	int found = -1;

	for (int fd = 3; fd < FD_MAX; fd++) {
		if (!is_orders(fd))
			continue;
		if (found >= 0)
			(void)close(found);
		found = fd;
	}
	return found;
}

static char *next(struct str *rest)
{
	struct str part;

	return str_split(rest, 0, &part) ? str_dup(part) : NULL;
}

/* A counted list, ended by NULL; NULL if it is not there. */
static char **next_list(struct str *rest, size_t *ret_n)
{
	char *count = next(rest);
	uint64_t n;
	char **v;

	if (!count || num_parse_u64(str_from(count), &n) < 0 ||
	    n > DIVERT_MAX_WORDS)
		return NULL;
	v = calloc(n + 1, sizeof(*v));
	for (size_t i = 0; v && i < n; i++) {
		v[i] = next(rest);
		if (!v[i])
			return NULL;
	}
	*ret_n = n;
	return v;
}

/* Memory is not given back: this image is about to be replaced. */
static int run(struct str rest)
{
	size_t n_args = 0, n_env = 0;
	char **argv, **env, *path;

	(void)next(&rest); /* the magic word */
	path = next(&rest);
	argv = next_list(&rest, &n_args);
	env = argv ? next_list(&rest, &n_env) : NULL;
	if (!path || !env || n_args == 0)
		return CANNOT_RUN;
	for (size_t i = 0; i < n_env; i++)
		if (putenv(env[i]) != 0)
			return CANNOT_RUN;
	(void)execv(path, argv);
	(void)fprintf(stderr, "agentsh: %s: %s\n", path, strerror(errno));
	return errno == ENOENT ? 127 : CANNOT_RUN;
}

int main(void)
{
	struct buf orders = BUF_INIT;
	int fd = find_orders();

	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
	    fd_read_all(fd, DIVERT_MAX_BYTES, &orders) < 0) {
		(void)fputs("agentsh-stub: started by agentsh only\n", stderr);
		return CANNOT_RUN;
	}
	(void)close(fd);
	return run(buf_str(&orders));
}
