/* SPDX-License-Identifier: MIT */
/*
 * enable.c - the command that makes FUSE usable, before a mount that was put off
 *
 * Machines that are restored from a snapshot may get /dev/fuse, or the right to
 * it, only after they have started. The command is the operator's, from the
 * configuration; it runs before any request thread and any command.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "vfs/vfs.h"

#define ENABLE_MS 10000

static bool usable(void)
{
	_cleanup_close_ int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISCHR(st.st_mode);
}

static void await(pid_t pid, const char *name)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int status = 0;

	if (fd < 0 || poll(&p, 1, ENABLE_MS) != 1) {
		log_warn("%s takes too long: ended", name);
		(void)kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		log_warn("%s, which is to make FUSE usable, failed", name);
}

void enable_fuse(const struct vfs_settings *s)
{
	pid_t pid;

	if (!s->enable_command || usable() ||
	    (s->enable_marker && access(s->enable_marker, F_OK) < 0))
		return;
	pid = fork();
	if (pid == 0) {
		(void)signal(SIGPIPE, SIG_DFL);
		(void)execvp(s->enable_command[0], s->enable_command);
		_exit(127);
	}
	if (pid > 0)
		await(pid, s->enable_command[0]);
}
