/* SPDX-License-Identifier: MIT */
/*
 * edge.c - starts agentsh-edge
 */
#include "core/edge.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/path.h"
#include "base/str.h"
#include "config.h"

#define NAME "agentsh-edge"

/* Beside us in an installed tree or a build tree, or where it was installed. */
static int find_program(struct buf *out)
{
	static const char *const BESIDE[] = { "../libexec/agentsh/" NAME,
					      "../netproxy/" NAME, NAME };
	char link[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", link, sizeof(link) - 1);
	ptrdiff_t slash = n < 0 ? -1
				: str_rindex(str_from_n(link, (size_t)n), '/');

	link[MAX(slash, 0)] = '\0';
	for (size_t i = 0; slash >= 0 && i < ARRAY_LEN(BESIDE); i++) {
		buf_reset(out);
		if (path_join(str_from(link), str_from(BESIDE[i]), out) == 0 &&
		    access(buf_cstr(out), X_OK) == 0)
			return 0;
	}
	buf_reset(out);
	buf_puts(out, AGENTSH_LIBEXECDIR "/" NAME);
	if (out->error)
		return out->error;
	return access(buf_cstr(out), X_OK) < 0 ? -errno : 0;
}

/* Between fork and exec: async-signal-safe. */
_noreturn_ static void child(const char *program, char *argv[], int fd,
			     int null)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(null, 0) < 0 || dup2(2, 1) < 0)
		_exit(127);
	if (fd == EDGE_FD ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, EDGE_FD) < 0)
		_exit(127);
	(void)execv(program, argv);
	_exit(127);
}

int edge_spawn(char *argv[], int fd, pid_t *ret_pid)
{
	_cleanup_buf_ struct buf program = BUF_INIT;
	_cleanup_close_ int null = -1;
	static char name[] = NAME;
	int r = find_program(&program);
	pid_t pid;

	if (r < 0)
		return r;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return -errno;
	argv[0] = name;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		child(buf_cstr(&program), argv, fd, null);
	*ret_pid = pid;
	return 0;
}
