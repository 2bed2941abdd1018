/* SPDX-License-Identifier: MIT */
/*
 * floor_net.c - a byte out, over whatever the TCP rule does not see
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_alg.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/escape/floor.h"

#define MPTCP        262
#define FAST_CONNECT 30 /* TCP_FASTOPEN_CONNECT */

static struct sockaddr_in listener(const struct arena *a)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(a->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int try_connect(int fd, const struct arena *a)
{
	struct sockaddr_in to = listener(a);

	if (fd < 0)
		return ATTACK_BLOCKED;
	return attack_result(
		connect(fd, (const struct sockaddr *)&to, sizeof(to)));
}

static int tcp_connect(const struct arena *a)
{
	return try_connect(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), a);
}

static int tcp_bind(const struct arena *a)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)a;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return attack_result(
		bind(fd, (const struct sockaddr *)&to, sizeof(to)));
}

static int mptcp_connect(const struct arena *a)
{
	return try_connect(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, MPTCP),
			   a);
}

static int fastopen_sendto(const struct arena *a)
{
	struct sockaddr_in to = listener(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return attack_result(sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
				    (const struct sockaddr *)&to, sizeof(to)));
}

static int fastopen_sendmsg(const struct arena *a)
{
	struct sockaddr_in to = listener(a);
	struct iovec v = { (char[]){ "x" }, 1 };
	struct msghdr m = { .msg_name = &to,
			    .msg_namelen = sizeof(to),
			    .msg_iov = &v,
			    .msg_iovlen = 1 };
	struct mmsghdr mm = { .msg_hdr = m };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sendmsg(fd, &m, MSG_FASTOPEN | MSG_NOSIGNAL) >= 0)
		return ATTACK_SUCCEEDED;
	(void)close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return attack_result(sendmmsg(fd, &mm, 1, MSG_FASTOPEN));
}

static int fastopen_option(const struct arena *a)
{
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)a;
	return attack_result(
		setsockopt(fd, IPPROTO_TCP, FAST_CONNECT, &one, sizeof(one)));
}

static int abstract_unix(const struct arena *a)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = strlen(a->name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path + 1, a->name, n);
	return attack_result(connect(
		fd, (const struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)));
}

static int made(int family, int type, int protocol)
{
	return attack_result(socket(family, type | SOCK_CLOEXEC, protocol));
}

static int raw_ip(const struct arena *a)
{
	(void)a;
	return made(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int packet(const struct arena *a)
{
	(void)a;
	return made(AF_PACKET, SOCK_RAW, 0);
}

static int vsock(const struct arena *a)
{
	(void)a;
	return made(AF_VSOCK, SOCK_STREAM, 0);
}

static int alg(const struct arena *a)
{
	(void)a;
	return made(AF_ALG, SOCK_SEQPACKET, 0);
}

static int netlink_audit(const struct arena *a)
{
	(void)a;
	return made(AF_NETLINK, SOCK_RAW, 9);
}

static int netlink_diag(const struct arena *a)
{
	(void)a;
	return made(AF_NETLINK, SOCK_RAW, 4);
}

const struct attack net_attacks[] = {
	{ "tcp_connect", tcp_connect, 4 },
	{ "tcp_bind", tcp_bind, 4 },
	{ "mptcp_connect", mptcp_connect, 0 },
	{ "fastopen_sendto", fastopen_sendto, 0 },
	{ "fastopen_sendmsg", fastopen_sendmsg, 0 },
	{ "fastopen_option", fastopen_option, 0 },
	{ "abstract_unix", abstract_unix, 6 },
	{ "raw_ip", raw_ip, 0 },
	{ "packet", packet, 0 },
	{ "vsock", vsock, 0 },
	{ "alg", alg, 0 },
	{ "netlink_audit", netlink_audit, 0 },
	{ "netlink_diag", netlink_diag, 0 },
	{ NULL, NULL, 0 },
};
