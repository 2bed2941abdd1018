/* SPDX-License-Identifier: MIT */
/*
 * race_open.c - rewrites a path while the supervisor looks at it
 *
 *	race_open ALLOWED DENIED SECONDS
 *
 * Four threads flip one path between two names of the same length; the main
 * thread opens it for reading and for writing. Exit 1 when bytes of DENIED were
 * read, or it could be opened for writing; 0 when not one try succeeded, and
 * 2 when not even ALLOWED could be opened.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char path[4096];
static const char *names[2];
static size_t length;

static void *flip(void *arg)
{
	for (unsigned int i = 0;; i++) {
		memcpy(path, names[i & 1], length);
		if (!arg)
			for (volatile int k = 0; k < 50; k++)
				;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct stat denied, got;
	time_t end;
	unsigned long opened = 0, tries = 0, won = 0;
	pthread_t t;

	if (argc != 4 || strlen(argv[1]) != strlen(argv[2]) ||
	    stat(argv[2], &denied) < 0)
		return 3;
	names[0] = argv[1];
	names[1] = argv[2];
	length = strlen(argv[1]);
	memcpy(path, argv[1], length + 1);
	for (int i = 0; i < 2; i++)
		if (pthread_create(&t, NULL, flip, i ? argv : NULL) != 0)
			return 3;
	end = time(NULL) + strtol(argv[3], NULL, 10);
	while (time(NULL) < end) {
		int fd = open(path, tries++ & 1 ? O_RDWR : O_RDONLY);

		if (fd < 0)
			continue;
		opened++;
		if (fstat(fd, &got) == 0 && got.st_ino == denied.st_ino &&
		    got.st_dev == denied.st_dev)
			won++;
		(void)close(fd);
	}
	(void)printf("tries %lu opened %lu won %lu\n", tries, opened, won);
	(void)fflush(stdout);
	_exit(won ? 1 : opened ? 0 : 2);
}
