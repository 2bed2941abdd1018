/* SPDX-License-Identifier: MIT */
/*
 * userns.c - a user namespace for those who are not root, and entering others
 */
#include "confine/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"

static int put_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int map_self(const char *path, unsigned int id)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%u %u 1\n", id, id);
	return put_file(path, text);
}

int userns_unshare(int clone_flags)
{
	unsigned int uid = geteuid(), gid = getegid();
	int r;

	/* One that is not dumpable has maps that are root's to write. */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (unshare(CLONE_NEWUSER | clone_flags) < 0)
		return -errno;
	(void)put_file("/proc/self/setgroups", "deny"); /* 3.19 */
	r = map_self("/proc/self/uid_map", uid);
	return r < 0 ? r : map_self("/proc/self/gid_map", gid);
}

int mountns_enter(int ns, int root)
{
	return setns(ns, CLONE_NEWNS) < 0 || fchdir(root) < 0 || chroot(".") < 0
		       ? -errno
		       : 0;
}
