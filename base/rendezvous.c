/* SPDX-License-Identifier: MIT */
/*
 * rendezvous.c - where local clients find the server that serves a TCP port
 */
#include "base/rendezvous.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mark.h"

#define BACKLOG 128

static const char *env_dir(const char *name)
{
	const char *dir = getenv(name);

	return dir && dir[0] == '/' ? dir : NULL;
}

static int directory(unsigned int i, struct buf *out)
{
	const char *forced = env_dir("AGENTSH_RUNTIME_DIR");
	const char *xdg = env_dir("XDG_RUNTIME_DIR");
	uid_t uid = geteuid();

	buf_reset(out);
	if (forced) {
		if (i > 0)
			return -ENOENT;
		buf_puts(out, forced);
		return out->error;
	}
	if (uid != 0 && !xdg)
		i++; /* no first choice: the fallback is candidate 0 */
	if (i > 1)
		return -ENOENT;
	if (i == 1)
		buf_printf(out, "/tmp/agentsh-%u", (unsigned int)uid);
	else if (uid == 0)
		buf_puts(out, "/run/agentsh");
	else
		buf_printf(out, "%s/agentsh", xdg);
	return out->error;
}

int rendezvous_path(unsigned int i, uint16_t port, struct buf *out)
{
	int r = directory(i, out);

	if (r < 0)
		return r;
	buf_printf(out, "/http-%u.sock", (unsigned int)port);
	return out->error;
}

/* Ours alone: nobody else can have put a socket there. */
static int check_directory(const char *dir)
{
	struct stat st;

	if (lstat(dir, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return -EPERM;
	return 0;
}

static int make_address(const struct buf *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (path->len >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret->sun_path, buf_cstr(path), path->len);
	return 0;
}

int rendezvous_check_server(int fd)
{
	struct ucred who = { .pid = 0 };
	socklen_t n = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0)
		return -errno;
	if (who.pid > 0 &&
	    (mark_is_on(who.pid) || (kill(who.pid, 0) < 0 && errno == ESRCH)))
		return -EPERM;
	return 0;
}

static int connect_to(const struct sockaddr_un *addr)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0)
		return -errno;
	r = rendezvous_check_server(fd);
	return r < 0 ? r : TAKE_FD(fd);
}

int rendezvous_connect(uint16_t port)
{
	_cleanup_buf_ struct buf dir = BUF_INIT, path = BUF_INIT;
	struct sockaddr_un addr;
	int r, error = -ENOENT;

	for (unsigned int i = 0;; i++) {
		r = directory(i, &dir);
		if (r == -ENOENT)
			return error;
		if (r == 0)
			r = rendezvous_path(i, port, &path);
		if (r == 0)
			r = check_directory(buf_cstr(&dir));
		if (r == 0)
			r = make_address(&path, &addr);
		if (r == 0)
			r = connect_to(&addr);
		if (r >= 0)
			return r;
		error = r;
	}
}

static int listen_at(const struct sockaddr_un *addr)
{
	_cleanup_close_ int fd = -1;
	int probe = connect_to(addr);
	mode_t old;
	int r;

	if (probe >= 0) {
		(void)close(probe);
		return -EADDRINUSE;
	}
	if (unlink(addr->sun_path) < 0 && errno != ENOENT)
		return -errno;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	old = umask(0177);
	r = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));
	(void)umask(old);
	if (r < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int rendezvous_listen(uint16_t port, struct buf *ret_path)
{
	_cleanup_buf_ struct buf dir = BUF_INIT, path = BUF_INIT;
	struct sockaddr_un addr;
	int r, error = -ENOENT;

	for (unsigned int i = 0;; i++) {
		r = directory(i, &dir);
		if (r == -ENOENT)
			return error;
		if (r == 0)
			r = rendezvous_path(i, port, &path);
		if (r == 0)
			r = make_address(&path, &addr);
		if (r == 0)
			r = fd_mkdirs(buf_cstr(&dir), 0700);
		if (r == 0)
			r = check_directory(buf_cstr(&dir));
		if (r == 0)
			r = listen_at(&addr);
		if (r >= 0) {
			buf_reset(ret_path);
			buf_put_str(ret_path, buf_str(&path));
			return r;
		}
		if (r == -EADDRINUSE)
			return r;
		error = r;
	}
}
