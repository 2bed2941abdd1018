/* SPDX-License-Identifier: MIT */
/*
 * race_argv.c - changes an argument of execve while it is being judged
 *
 *	race_argv PROGRAM ALLOWED DENIED TRIES SECONDS
 *
 * ALLOWED and DENIED have the same length. Children share our memory (vfork),
 * four threads change the argument. What runs prints its argument; the caller
 * of this looks for DENIED. Counts go to stderr.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char word[256];
static const char *words[2];
static size_t length;
static const char *program;
static char stack[65536];

static void *flip(void *arg)
{
	for (unsigned int i = 0;; i++) {
		memcpy(word, words[i & 1], length);
		for (volatile unsigned int k = 0; k < (i & 511); k++)
			;
	}
	return arg;
}

static int child(void *arg)
{
	char *argv[] = { (char *)(size_t)program, word, NULL };
	char *env[] = { NULL };

	(void)execve(program, argv, env);
	(void)arg;
	_exit(126);
}

int main(int argc, char **argv)
{
	unsigned long tries = 0, ran = 0, refused = 0, killed = 0;
	time_t end;
	pthread_t t;

	if (argc != 6 || strlen(argv[2]) != strlen(argv[3]) ||
	    strlen(argv[2]) >= sizeof(word))
		return 3;
	program = argv[1];
	words[0] = argv[2];
	words[1] = argv[3];
	length = strlen(argv[2]);
	memcpy(word, argv[2], length + 1);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&t, NULL, flip, NULL) != 0)
			return 3;
	end = time(NULL) + strtol(argv[5], NULL, 10);
	while (time(NULL) < end || tries < strtoul(argv[4], NULL, 10)) {
		int status;
		pid_t pid = clone(child, stack + sizeof(stack),
				  CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);

		tries++;
		if (pid < 0 || waitpid(pid, &status, 0) < 0)
			continue;
		if (WIFSIGNALED(status))
			killed++;
		else if (WEXITSTATUS(status) == 126)
			refused++;
		else
			ran++;
	}
	(void)fprintf(stderr, "tries %lu ran %lu refused %lu killed %lu\n",
		      tries, ran, refused, killed);
	(void)fflush(stderr);
	_exit(0);
}
