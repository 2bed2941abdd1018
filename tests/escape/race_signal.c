/* SPDX-License-Identifier: MIT */
/*
 * race_signal.c - exchanges a pidfd while a signal to it is judged
 *
 *	race_signal TRIES
 *
 * Two children: one may be sent SIGUSR1, the other, which is called "victim",
 * may not. A thread keeps putting the pidfd of either under one number; the
 * main thread signals what is there, TRIES times or until the victim has
 * ended. Exit 1 when it has.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUMBER 20

static int fds[2];

static void *flip(void *arg)
{
	for (;;) {
		(void)dup2(fds[0], NUMBER);
		(void)dup2(fds[1], NUMBER);
	}
	return arg;
}

static pid_t child(const char *name)
{
	int ends[2];
	char named;
	pid_t pid;

	if (pipe(ends) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_NAME, name);
		/* the victim ends by it */
		(void)signal(SIGUSR1, name[0] == 'v' ? SIG_DFL : SIG_IGN);
		(void)close(ends[0]);
		(void)!write(ends[1], "x", 1);
		for (;;)
			(void)pause();
	}
	(void)close(ends[1]);
	(void)!read(ends[0], &named, 1);
	(void)close(ends[0]);
	return pid;
}

int main(int argc, char **argv)
{
	long tries = argc > 1 ? strtol(argv[1], NULL, 10) : 100, sent = 0;
	pid_t free_one = child("free"), victim = child("victim");
	pthread_t t;

	fds[0] = (int)syscall(SYS_pidfd_open, free_one, 0);
	fds[1] = (int)syscall(SYS_pidfd_open, victim, 0);
	if (fds[0] < 0 || fds[1] < 0 || pthread_create(&t, NULL, flip, NULL))
		return 2;
	while (sent < tries) {
		if (syscall(SYS_pidfd_send_signal, NUMBER, SIGUSR1, NULL, 0) ==
		    0)
			sent++;
		if (waitpid(victim, NULL, WNOHANG) == victim) {
			(void)printf("won after %ld\n", sent);
			return 1;
		}
	}
	(void)printf("sent %ld, lost\n", sent);
	(void)kill(free_one, SIGKILL);
	(void)kill(victim, SIGKILL);
	return 0;
}
