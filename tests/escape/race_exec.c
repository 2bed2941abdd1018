/* SPDX-License-Identifier: MIT */
/*
 * race_exec.c - rewrites the file name and argv of execve while they are judged
 *
 *	race_exec [-o] ALLOWED DENIED SECONDS [FILE]
 *
 * ALLOWED and DENIED are absolute names of the same length. Each try is a vfork
 * child, whose execve's name is flipped by a thread of the parent; or, with
 * FILE, that name stays and the file of that name is exchanged. A denied
 * program that gets to print shows on stdout; the caller of this looks for it.
 * With -o a process does so that nobody who is known started.
 * Prints how many tries ran to their end, and how many were killed.
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

static char path[4096];
static char *args[] = { path, NULL };
static const char *names[2];
static size_t length;

static void *flip(void *arg)
{
	for (unsigned int i = 0;; i++) {
		memcpy(path, names[i & 1], length);
		for (volatile int k = 0; k < 200; k++)
			;
	}
	return arg;
}

/* The name stays; it is given to the one file and to the other. */
static void *flip_file(void *arg)
{
	const char *file = arg;
	char spare[4096];

	(void)snprintf(spare, sizeof(spare), "%s.spare", file);
	for (unsigned int i = 0;; i++) {
		if (link(names[i & 1], spare) < 0)
			(void)unlink(spare);
		(void)rename(spare, file);
	}
	return NULL;
}

static char stack[65536];

static int child(void *arg)
{
	char *env[] = { NULL };

	(void)execve(path, args, env);
	(void)arg;
	_exit(126);
}

/* Goes on in a grandchild whose parent is gone; waits for its end here. */
static void become_orphan(void)
{
	int end[2];
	pid_t middle;
	char c;

	if (pipe(end) < 0)
		_exit(3);
	if (fork() > 0) {
		(void)close(end[1]);
		(void)!read(end[0], &c, 1);
		_exit(0);
	}
	middle = getpid();
	if (fork() != 0)
		_exit(0);
	while (getppid() == middle)
		(void)sched_yield();
}

int main(int argc, char **argv)
{
	unsigned long tries = 0, ran = 0, refused = 0, killed = 0;
	time_t end;
	pthread_t t;

	if (argc > 1 && strcmp(argv[1], "-o") == 0) {
		become_orphan();
		argc--;
		argv++;
	}
	if (argc < 4 || argc > 5 || strlen(argv[1]) != strlen(argv[2]))
		return 3;
	names[0] = argv[1];
	names[1] = argv[2];
	length = strlen(argv[1]);
	(void)snprintf(path, sizeof(path), "%s", argc > 4 ? argv[4] : argv[1]);
	if (pthread_create(&t, NULL, argc > 4 ? flip_file : flip,
			   argc > 4 ? argv[4] : NULL) != 0)
		return 3;
	end = time(NULL) + strtol(argv[3], NULL, 10);
	while (time(NULL) < end) {
		int status;
		/* shares memory, so that the other thread can interfere */
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
	(void)printf("tries %lu ran %lu refused %lu killed %lu\n", tries, ran,
		     refused, killed);
	(void)fflush(stdout);
	_exit(ran ? 0 : 2);
}
