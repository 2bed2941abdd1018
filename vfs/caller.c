/* SPDX-License-Identifier: MIT */
/*
 * caller.c - what a request does not tell about who asks
 *
 * The caller's thread is in the call that the request is for (or the
 * supervisor's, which then has the caller's groups and capabilities), so what
 * procfs says of it holds until we reply.
 */
#include "vfs/caller.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/num.h"

#define STATUS_MAX (1U << 20) /* 65,536 groups are some 700 KB */

static bool same_user_namespace(pid_t tid)
{
	struct stat own, its;
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", tid);
	return stat("/proc/self/ns/user", &own) == 0 && stat(path, &its) == 0 &&
	       own.st_ino == its.st_ino && own.st_dev == its.st_dev;
}

/* The rest of the line that begins with `key`; none: empty. */
static struct str value(struct str status, struct str key)
{
	struct str line;

	while (str_split(&status, '\n', &line))
		if (str_starts(line, key))
			return str_trim(str_skip(line, key.n));
	return STR_NONE;
}

static bool read_status(pid_t tid, struct buf *ret)
{
	char path[32];

	if (tid <= 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", tid);
	return fd_read_file(AT_FDCWD, path, STATUS_MAX, ret) >= 0;
}

static bool has_capability(pid_t tid, struct str status, unsigned int n)
{
	struct str hex = value(status, STR("CapEff:"));
	uint64_t set;

	return num_parse_hex(hex, &set) == 0 && set >> n & 1 &&
	       same_user_namespace(tid);
}

static bool has_group(struct str status, gid_t group)
{
	struct str list = value(status, STR("Groups:")), word;
	int64_t n;

	while (str_split(&list, ' ', &word))
		if (num_parse_range(word, 0, UINT32_MAX, &n) == 0 &&
		    (gid_t)n == group)
			return true;
	return false;
}

bool caller_can(struct caller c, unsigned int capability)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	return read_status(c.tid, &b) &&
	       has_capability(c.tid, buf_str(&b), capability);
}

bool caller_keeps_setgid(struct caller c, gid_t group)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (c.gid == group)
		return true;
	return read_status(c.tid, &b) &&
	       (has_group(buf_str(&b), group) ||
		has_capability(c.tid, buf_str(&b), CAP_FSETID));
}

bool caller_writes_setid(struct caller c, int fd)
{
	struct stat st;

	if (fstatat(fd, "", &st, AT_EMPTY_PATH) < 0 || !S_ISREG(st.st_mode) ||
	    !(st.st_mode & (S_ISUID | S_ISGID)))
		return false;
	if ((st.st_mode & (S_ISUID | S_ISGID | S_IXGRP)) == S_ISGID)
		return caller_keeps_setgid(c, st.st_gid);
	return caller_can(c, CAP_FSETID);
}

bool caller_makes_setgid(struct caller c, int dirfd, mode_t mode)
{
	const mode_t means = S_ISGID | S_IXGRP;
	struct stat st;

	return (mode & means) == means &&
	       fstatat(dirfd, "", &st, AT_EMPTY_PATH) == 0 &&
	       st.st_mode & S_ISGID && caller_keeps_setgid(c, st.st_gid);
}
