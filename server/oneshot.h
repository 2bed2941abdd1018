/* SPDX-License-Identifier: MIT */
/*
 * oneshot.h - `agentsh run`: one command under the policy, without a server
 */
#ifndef SERVER_ONESHOT_H
#define SERVER_ONESHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct oneshot {
	const char *config; /* NULL = the usual places */
	const char *policy; /* NULL = the configured one */
	const char *root;   /* workspace; NULL = the current directory */
	const char *argv0;  /* NULL = the command */
	int64_t timeout_ns; /* 0 = the policy's */
	char **argv;        /* NULL-terminated */
	size_t argc;
	bool quiet; /* no line about what was destroyed */
};

/* Runs it on our own stdin, stdout and stderr. Return: the exit status. */
int oneshot_run(const struct oneshot *o);

#endif
