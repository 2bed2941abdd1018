/* SPDX-License-Identifier: MIT */
/*
 * race_link.c - re-links a directory while a path through it is judged
 *
 *	race_link DIR DENIED SECONDS
 *
 * DIR/a/x is allowed, DENIED (absolute) is not. A thread keeps exchanging the
 * directory DIR/a with a link to DENIED's directory; the main thread opens,
 * renames and removes DIR/a/NAME, NAME being DENIED's last component. Exit 1
 * when DENIED was opened or is gone.
 */
#include <fcntl.h>
#include <libgen.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char real[4096], link_name[4096];

static void *flip(void *arg)
{
	for (;;)
		(void)renameat2(AT_FDCWD, real, AT_FDCWD, link_name,
				RENAME_EXCHANGE);
	return arg;
}

int main(int argc, char **argv)
{
	struct stat denied, got;
	unsigned long opened = 0, tries = 0, won = 0;
	char target[4096], to[4096];
	time_t end;
	pthread_t t;

	if (argc != 4 || stat(argv[2], &denied) < 0)
		return 3;
	(void)snprintf(real, sizeof(real), "%s/a", argv[1]);
	(void)snprintf(link_name, sizeof(link_name), "%s/l", argv[1]);
	(void)snprintf(target, sizeof(target), "%s/a/%s", argv[1],
		       strrchr(argv[2], '/') + 1);
	(void)snprintf(to, sizeof(to), "%s/stolen", argv[1]);
	if (mkdir(real, 0755) < 0 ||
	    symlink(dirname(strdup(argv[2])), link_name) < 0 ||
	    pthread_create(&t, NULL, flip, NULL) != 0)
		return 3;
	end = time(NULL) + strtol(argv[3], NULL, 10);
	while (time(NULL) < end) {
		int fd = open(target, tries & 1 ? O_RDWR | O_CREAT : O_RDONLY,
			      0644);

		tries++;
		if (fd >= 0) {
			opened++;
			if (fstat(fd, &got) == 0 && got.st_ino == denied.st_ino)
				won++;
			(void)close(fd);
		}
		if (tries % 3 == 0)
			(void)rename(target, to);
		if (tries % 3 == 1)
			(void)unlink(target);
		if (tries % 3 == 2 && truncate(target, 0) == 0 && fd < 0)
			opened++;
	}
	won += stat(argv[2], &got) < 0 || got.st_size != denied.st_size;
	(void)printf("tries %lu opened %lu won %lu\n", tries, opened, won);
	(void)fflush(stdout);
	_exit(won ? 1 : opened ? 0 : 2);
}
