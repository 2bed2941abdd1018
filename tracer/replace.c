/* SPDX-License-Identifier: MIT */
/*
 * replace.c - socket calls where nobody may have the caller's socket
 *
 * What a socket is: sockfs gives the name of its protocol as an extended
 * attribute, through the link in /proc/TID/fd, which may be followed (not
 * opened) by whoever may look at the process.
 *
 * Who can write to a caller's memory: its threads; processes that share it
 * (vfork, CLONE_VM), which have the very same addresses of stack and arguments,
 * and these are random for each exec; and through shared mappings anybody. The
 * filter refuses process_vm_writev and ptrace, Landlock /proc/PID/mem.
 */
#include "tracer/replace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/proc.h"
#include "tracer/identity.h"

#define MAPS_MAX (8U << 20)
#define STAT_MAX 4096

static const struct {
	const char *name;
	int domain, type, protocol;
} kinds[] = {
	{ "TCP", AF_INET, SOCK_STREAM, IPPROTO_TCP },
	{ "TCPv6", AF_INET6, SOCK_STREAM, IPPROTO_TCP },
	{ "UDP", AF_INET, SOCK_DGRAM, IPPROTO_UDP },
	{ "UDPv6", AF_INET6, SOCK_DGRAM, IPPROTO_UDP },
	{ "UNIX-STREAM", AF_UNIX, SOCK_STREAM, 0 },
};

static bool getfd_is_refused(void)
{
	_cleanup_close_ int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	_cleanup_close_ int fd =
		self < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, self, self, 0);

	return fd < 0;
}

bool replace_is_needed(void)
{
	static int answer; /* of this process; 0 = not asked yet */

	if (answer == 0)
		answer = getfd_is_refused() ? 1 : -1;
	return answer > 0;
}

/* Flags of the caller's descriptor: O_NONBLOCK, O_CLOEXEC. */
static int own_flags(const struct request *q, int fd, int *ret)
{
	_cleanup_identity_ struct identity *was = identity_look();
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[64];
	struct str rest, line;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", q->tid, fd);
	if (fd_read_file(AT_FDCWD, path, STAT_MAX, &text) < 0)
		return -EBADF;
	rest = buf_str(&text);
	while (str_split(&rest, '\n', &line)) {
		char octal[32];

		if (!str_starts(line, STR("flags:")) || line.n >= sizeof(octal))
			continue;
		line = str_trim(str_skip(line, 6));
		memcpy(octal, line.p, line.n);
		octal[line.n] = 0;
		*ret = 0;
		for (size_t i = 0; i < line.n; i++)
			*ret = *ret * 8 + (octal[i] - '0');
		return 0;
	}
	return -EBADF;
}

static int protocol_name(const struct request *q, int fd, char name[64])
{
	_cleanup_identity_ struct identity *was = identity_look();
	char path[64];
	ssize_t len;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", q->tid, fd);
	len = getxattr(path, "system.sockprotoname", name, 63);
	if (len < 0)
		return errno == ENOENT ? -EBADF : -ENOTSOCK;
	name[len] = 0;
	return 0;
}

bool replace_is_datagram(const struct request *q, int fd)
{
	char name[64];

	return protocol_name(q, fd, name) < 0 || strncmp(name, "UDP", 3) == 0;
}

int replace_socket(struct net_call *n, int fd)
{
	struct request *q = n->q;
	char name[64];
	int flags = 0, r = protocol_name(q, fd, name);

	if (r == 0)
		r = own_flags(q, fd, &flags);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(name, kinds[i].name) != 0)
			continue;
		n->sock = socket(kinds[i].domain, kinds[i].type | SOCK_CLOEXEC,
				 kinds[i].protocol);
		if (n->sock < 0)
			return -errno;
		n->domain = kinds[i].domain;
		n->protocol = kinds[i].protocol;
		/* The answer is waited for here: who is told "in progress"
		 * would watch the socket that is about to go. */
		n->blocking = n->replaced = true;
		q->replace_fd = fd;
		q->replace_with = n->sock;
		q->replace_flags = flags;
		return request_valid(q) ? 0 : -EBADF;
	}
	return -EOPNOTSUPP;
}

int replace_done(const struct request *q)
{
	struct seccomp_notif_addfd add = {
		.id = q->id,
		.flags = SECCOMP_ADDFD_FLAG_SETFD,
		.srcfd = (uint32_t)q->replace_with,
		.newfd = (uint32_t)q->replace_fd,
		.newfd_flags = q->replace_flags & O_CLOEXEC,
	};

	if (q->replace_flags & O_NONBLOCK)
		(void)fd_set_nonblock(q->replace_with, true);
	return ioctl(q->command->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0
		       ? -errno
		       : 0;
}

/* Fields 26 to 28 and 45 to 51 of /proc/PID/stat: where code, stack, data and
 * arguments are. Hidden (0) from whoever may not look: then nothing is told. */
static bool memory_of(pid_t pid, struct buf *out)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[48];
	struct str rest, word;
	ptrdiff_t end;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (fd_read_file(AT_FDCWD, path, STAT_MAX, &text) < 0)
		return false;
	end = str_rindex(buf_str(&text), ')');
	if (end < 0)
		return false;
	rest = str_skip(buf_str(&text), (size_t)end + 2);
	for (int field = 3; str_split(&rest, ' ', &word); field++)
		if ((field >= 26 && field <= 28) ||
		    (field >= 45 && field <= 51)) {
			buf_put_str(out, word);
			buf_putc(out, ' ');
		}
	return out->error == 0;
}

static bool has_one_thread(pid_t pid)
{
	_cleanup_closedir_ DIR *d = NULL;
	const struct dirent *e;
	char path[48];
	int n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	return n == 1;
}

/* Some other process with the same memory? */
static bool is_shared(pid_t pid)
{
	_cleanup_closedir_ DIR *d = opendir("/proc");
	_cleanup_buf_ struct buf own = BUF_INIT;
	const struct dirent *e;

	if (!d || !memory_of(pid, &own))
		return true;
	while ((e = readdir(d))) {
		_cleanup_buf_ struct buf other = BUF_INIT;
		uint64_t v;

		if (num_parse_u64(str_from(e->d_name), &v) < 0 ||
		    (pid_t)v == pid)
			continue;
		if (memory_of((pid_t)v, &other) &&
		    str_eq(buf_str(&own), buf_str(&other)))
			return true;
	}
	return false;
}

static bool parse_range(struct str line, uint64_t *ret_from, uint64_t *ret_to)
{
	struct str from;

	return str_split(&line, '-', &from) &&
	       num_parse_hex(from, ret_from) == 0 &&
	       str_split(&line, ' ', &from) && num_parse_hex(from, ret_to) == 0;
}

/* "FROM-TO rw-p ...": private, and all of the page's worth that matters. */
static bool is_private(struct str maps, uint64_t addr)
{
	struct str line, rest = maps;
	uint64_t from, to;

	while (str_split(&rest, '\n', &line)) {
		ptrdiff_t space = str_index(line, ' ');

		if (space < 0 || !parse_range(line, &from, &to) ||
		    addr < from || addr >= to)
			continue;
		/* what starts near an end may go on in the next mapping */
		return (size_t)space + 4 < line.n && line.p[space + 4] == 'p' &&
		       to - addr >= 128;
	}
	return false;
}

bool caller_is_alone(const struct request *q, const uint64_t *addrs, size_t n)
{
	_cleanup_identity_ struct identity *was = identity_look();
	_cleanup_buf_ struct buf maps = BUF_INIT;
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", q->tid);
	if (!has_one_thread(q->pid) ||
	    fd_read_file(AT_FDCWD, path, MAPS_MAX, &maps) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (addrs[i] && !is_private(buf_str(&maps), addrs[i]))
			return false;
	return !is_shared(q->pid) && request_valid(q);
}
