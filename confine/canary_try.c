/* SPDX-License-Identifier: MIT */
/*
 * canary_try.c - attempts at what the policy forbids
 *
 * Whatever succeeds is undone at once, leaves no byte on a network (streams are
 * bound to the loopback device, datagram sockets are connected but not used)
 * and ends with the canary.
 */
#include "confine/canary_try.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macro.h"

#define PAGE 4096U

static int close_result(int fd, long r)
{
	int error = r < 0 ? errno : 0;

	if (fd >= 0)
		(void)close(fd);
	return -error;
}

int canary_create(const struct canary_scene *s)
{
	int fd;

	if (!s->create)
		return -ENOENT;
	fd = open(s->create, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)unlink(s->create);
	return close_result(fd, fd);
}

/* An exec that succeeds closes the pipe without a word. */
static int run(const char *file, const char *name)
{
	char *argv[] = { (char *)(uintptr_t)name,
			 (char *)(uintptr_t) "--version", NULL };
	char *envp[] = { NULL };
	int fds[2], error = 0;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -EIO;
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		for (int i = 0; i < 3; i++)
			if (null < 0 || dup2(null, i) < 0)
				(void)close(i);
		(void)execve(file, argv, envp);
		error = errno;
		_exit(write(fds[1], &error, sizeof(error)) < 0);
	}
	(void)close(fds[1]);
	if (pid < 0 || read(fds[0], &error, sizeof(error)) < 0)
		error = EIO;
	(void)close(fds[0]);
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
	}
	return -error;
}

int canary_program(const struct canary_scene *s)
{
	const char *slash = s->program ? strrchr(s->program, '/') : NULL;

	return slash ? run(s->program, slash + 1) : -ENOENT;
}

int canary_alias(const struct canary_scene *s)
{
	return s->alias ? run(s->alias, "harmless") : -ENOENT;
}

static int to_address(const struct canary_scene *s, int type)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(9),
				  .sin_addr.s_addr = s->address };
	int fd;

	if (!s->address)
		return -ENOENT;
	fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	return close_result(fd, connect(fd, (const struct sockaddr *)&to,
					sizeof(to)));
}

int canary_connect(const struct canary_scene *s)
{
	return to_address(s, SOCK_STREAM);
}

int canary_datagram(const struct canary_scene *s)
{
	return to_address(s, SOCK_DGRAM);
}

int canary_control(const struct canary_scene *s)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (!s->control || strlen(s->control) >= sizeof(to.sun_path))
		return -ENOENT;
	memcpy(to.sun_path, s->control, strlen(s->control) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	return close_result(fd, connect(fd, (const struct sockaddr *)&to,
					sizeof(to)));
}

/* Whoever reads the report looks for it in the quarantine. */
int canary_undo(const struct canary_scene *s)
{
	char path[4096];
	int fd, n;

	if (!s->workspace)
		return -ENOENT;
	n = snprintf(path, sizeof(path), "%s/" CANARY_KEPT, s->workspace);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENOENT;
	fd = open(path, O_WRONLY | O_CLOEXEC | O_APPEND);
	if (fd < 0)
		return -errno;
	(void)close(fd);
	return unlink(path) < 0 ? -errno : 0;
}

/* Holds the report open for as long as it lives: its reader sees that. */
int canary_survivor(const struct canary_scene *s)
{
	pid_t pid;

	if (!s->limits)
		return -ENOENT;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		(void)waitpid(pid, NULL, 0);
		return 0;
	}
	(void)setsid();
	if (fork() == 0) {
		(void)signal(SIGTERM, SIG_IGN);
		(void)alarm(CANARY_SURVIVES_S);
		(void)pause();
	}
	_exit(0);
}

int canary_processes(const struct canary_scene *s)
{
	pid_t pids[CANARY_PIDS * 2];
	size_t n = 0;
	int error = 0;

	if (!s->limits)
		return -ENOENT;
	for (; n < ARRAY_LEN(pids); n++) {
		pids[n] = fork();
		if (pids[n] == 0) {
			(void)alarm(CANARY_SURVIVES_S);
			(void)pause();
			_exit(0);
		}
		if (pids[n] < 0)
			break;
	}
	if (n < ARRAY_LEN(pids))
		error = EPERM;
	while (n > 0) {
		(void)kill(pids[--n], SIGKILL);
		(void)waitpid(pids[n], NULL, 0);
	}
	return -error;
}

static int take_memory(void)
{
	size_t size = (size_t)CANARY_MEMORY * 2;
	volatile char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < size; i += PAGE)
		p[i] = 1;
	return 0;
}

int canary_memory(const struct canary_scene *s)
{
	int status = 0;
	pid_t pid;

	if (!s->limits)
		return -ENOENT;
	pid = fork();
	if (pid == 0)
		_exit(take_memory());
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -EPERM;
	return status == 0 ? 0 : -EPERM;
}
