/* SPDX-License-Identifier: MIT */
/*
 * listen.c - listening sockets
 */
#include "server/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 512

/* Literal addresses only: a server must not wait for a resolver to start. */
static int parse_address(const char *host, uint16_t port,
			 struct sockaddr_storage *ret, socklen_t *ret_n)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	*ret = (struct sockaddr_storage){ 0 };
	if (strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (host[0] == '\0')
		host = "0.0.0.0";
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*ret_n = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		*ret_n = sizeof(*v6);
		return 0;
	}
	return -EADDRNOTAVAIL;
}

int listen_tcp(const char *host, uint16_t port, uint16_t *ret_port)
{
	struct sockaddr_storage addr;
	_cleanup_close_ int fd = -1;
	socklen_t n = 0;
	int one = 1;
	int r = parse_address(host, port, &addr, &n);

	if (r < 0)
		return r;
	fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&addr, n) < 0 ||
	    listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &n) < 0)
		return -errno;
	*ret_port = ntohs(addr.ss_family == AF_INET
				  ? ((struct sockaddr_in *)&addr)->sin_port
				  : ((struct sockaddr_in6 *)&addr)->sin6_port);
	return TAKE_FD(fd);
}

int listen_unix(const char *path, mode_t mode)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1, probe = -1;
	mode_t old;
	int r;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path));
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return -errno;
	if (connect(probe, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return -EADDRINUSE;
	if (errno == ECONNREFUSED && unlink(path) < 0)
		return -errno;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	old = umask(0777 & ~mode);
	r = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	(void)umask(old);
	if (r < 0 || listen(fd, BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}
