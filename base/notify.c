/* SPDX-License-Identifier: MIT */
/*
 * notify.c - a program says to what started it that it is ready
 */
#include "base/notify.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/fd.h"

#define READY "READY=1"

/* Of $NOTIFY_SOCKET; *ret_len is what of *ret counts. 0 or -EINVAL. */
static int address_of(struct str name, struct sockaddr_un *ret,
		      socklen_t *ret_len)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (name.n < 2 || name.n >= sizeof(addr.sun_path) ||
	    (name.p[0] != '/' && name.p[0] != '@'))
		return -EINVAL;
	memcpy(addr.sun_path, name.p, name.n);
	if (name.p[0] == '@')
		addr.sun_path[0] = '\0';
	*ret = addr;
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name.n);
	return 0;
}

void notify_take(struct buf *ret_name)
{
	const char *name = getenv("NOTIFY_SOCKET");

	buf_reset(ret_name);
	if (!name)
		return;
	buf_puts(ret_name, name);
	(void)unsetenv("NOTIFY_SOCKET");
}

int notify_ready(struct str name)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un addr;
	socklen_t len;
	int r;

	if (name.n == 0)
		return 0;
	r = address_of(name, &addr, &len);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || sendto(fd, READY, strlen(READY), MSG_NOSIGNAL,
			     (const struct sockaddr *)&addr, len) < 0)
		return -errno;
	return 1;
}

int notify_open(struct buf *ret_name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const socklen_t family = sizeof(addr.sun_family);
	socklen_t len = sizeof(addr);
	_cleanup_close_ int fd = -1;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The family alone: the kernel finds an abstract name, unix(7). */
	if (fd < 0 || bind(fd, (const struct sockaddr *)&addr, family) < 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		return -errno;
	if (len <= offsetof(struct sockaddr_un, sun_path) + 1)
		return -EADDRNOTAVAIL;
	buf_reset(ret_name);
	buf_putc(ret_name, '@');
	buf_put(ret_name, addr.sun_path + 1,
		len - offsetof(struct sockaddr_un, sun_path) - 1);
	return ret_name->error ? ret_name->error : TAKE_FD(fd);
}

int notify_wait(int fd, int64_t timeout_ns)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	const int64_t second = 1000 * INT64_C(1000000);
	struct timespec ts = { .tv_sec = (time_t)(timeout_ns / second),
			       .tv_nsec = (long)(timeout_ns % second) };
	char text[64];
	int r = ppoll(&p, 1, &ts, NULL);

	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	if (r > 0)
		(void)recv(fd, text, sizeof(text), MSG_DONTWAIT);
	return r > 0;
}
