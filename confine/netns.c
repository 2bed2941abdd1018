/* SPDX-License-Identifier: MIT */
/*
 * netns.c - a network namespace whose every connection ends at our sockets
 *
 *	netproxy                 child                       launcher
 *	  | fork ----------------->|
 *	  |                        | unshare(NET), else (USER | NET)
 *	  |                        | addresses, routes, nft (netns_rules.c)
 *	  |                        | sockets; a trial with each
 *	  |<-- SCM_RIGHTS: namespaces, sockets
 *	  |                        exits                       |
 *	  | (server passes the namespaces on) ---------------->| setns()
 *
 * Every address is local in there ("AnyIP": a `local` route that covers all),
 * so a packet to any of them comes straight back through the loopback device.
 * nft's tproxy hands TCP to one listening socket whatever the address and
 * port were; where the kernel has no tproxy, or it does not do as it should,
 * nft's redirect does, and conntrack tells what they were. A socket belongs to the namespace in which it was made, not to
 * the one of the process that uses it: accept(), read() and sendmsg() on these
 * from the host's namespace act inside. DNS needs no nft: a socket bound to
 * port 53 of the wildcard address gets what is sent to port 53 of any; the
 * answer leaves with the address that was asked (stub.c).
 *
 * The namespace lives while one of its descriptors or processes does. When
 * the proxy dies its sockets close, connections inside are reset and new ones
 * refused by the kernel; the next proxy opens new sockets in the same place.
 *
 * As root no user namespace is made: owners of files look as they are. Other
 * users need one, in which only their own uid and gid have a name.
 */
#include "confine/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/macro.h"
#include "confine/caps.h"
#include "confine/userns.h"

#define TRIAL_MS   3000
#define CHILD_SECS 20
#define BACKLOG    1024
#define TEST_NET   0xc0000201U /* 192.0.2.1: nobody's */
#define TEST_PORT  9
#define N_SOCKETS  7U
/* SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST of linux/netfilter_ipv[46] */
#define ORIGINAL_DST 80

/* --- in the child: the namespace --- */

static int make(const uint8_t *own4, bool *ret_user)
{
	int r = 0;

	*ret_user = unshare(CLONE_NEWNET) < 0;
	if (*ret_user)
		r = userns_unshare(CLONE_NEWNET);
	return r < 0 ? r : netns_configure(own4);
}

static int join(int user, int net)
{
	if (user >= 0 && setns(user, CLONE_NEWUSER) < 0)
		return -errno;
	return net >= 0 && setns(net, CLONE_NEWNET) < 0 ? -errno : 0;
}

/* --- in the child: the sockets --- */

static int set_int(int fd, int level, int name)
{
	const int one = 1;

	return setsockopt(fd, level, name, &one, sizeof(one)) < 0 ? -errno : 0;
}

static int bind_any(int fd, int family, uint16_t port)
{
	const struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
					  .sin6_port = htons(port) };
	const struct sockaddr_in in = { .sin_family = AF_INET,
					.sin_port = htons(port) };
	int r;

	if (family == AF_INET6)
		r = bind(fd, (const void *)&in6, sizeof(in6));
	else
		r = bind(fd, (const void *)&in, sizeof(in));
	return r < 0 ? -errno : 0;
}

/* IPv4 and IPv6 by one socket where there is IPv6. */
int netns_open_any(int type, uint16_t port)
{
	int family = AF_INET6, r = 0;
	const int no = 0;
	_cleanup_close_ int fd =
		socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		family = AF_INET;
		fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	} else {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no,
				 sizeof(no));
		r = set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
	}
	if (fd < 0)
		return -errno;
	if (r == 0)
		r = set_int(fd, IPPROTO_IP, IP_TRANSPARENT);
	if (r == 0)
		r = set_int(fd, IPPROTO_IP, IP_PKTINFO);
	if (r == 0 && type == SOCK_STREAM)
		r = set_int(fd, SOL_SOCKET, SO_REUSEADDR);
	if (r == 0)
		r = bind_any(fd, family, port);
	if (r == 0 && type == SOCK_STREAM && listen(fd, BACKLOG) < 0)
		r = -errno;
	return r < 0 ? r : TAKE_FD(fd);
}

static int open_proxy(uint16_t port)
{
	const struct sockaddr_in in = { .sin_family = AF_INET,
					.sin_port = htons(port),
					.sin_addr = {
						htonl(INADDR_LOOPBACK) } };
	_cleanup_close_ int fd =
		socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	(void)set_int(fd, SOL_SOCKET, SO_REUSEADDR);
	if (bind(fd, (const void *)&in, sizeof(in)) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int open_sockets(struct netns *ns, uint16_t proxy_port)
{
	ns->tcp = netns_open_any(SOCK_STREAM, NETNS_TCP_PORT);
	ns->dns_tcp = netns_open_any(SOCK_STREAM, 53);
	ns->dns_udp = netns_open_any(SOCK_DGRAM, 53);
	ns->proxy = open_proxy(proxy_port);
	if (ns->tcp < 0)
		return ns->tcp;
	if (ns->dns_tcp < 0)
		return ns->dns_tcp;
	return ns->dns_udp < 0 ? ns->dns_udp : MIN(ns->proxy, 0);
}

/* --- in the child: does it work? --- */

static int readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r = poll(&p, 1, TRIAL_MS);

	return r > 0 ? 0 : r < 0 ? -errno : -ETIMEDOUT;
}

static bool is_test_net(int fd)
{
	struct addr a, test;
	uint16_t port;

	addr_from_v4(htonl(TEST_NET), &test);
	return netns_wanted(fd, &a, &port) == 0 && port == TEST_PORT &&
	       memcmp(a.b, test.b, sizeof(a.b)) == 0;
}

static struct sockaddr_in test_address(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr = { htonl(TEST_NET) } };
}

static int try_tcp(int listener)
{
	const struct sockaddr_in to = test_address(TEST_PORT);
	_cleanup_close_ int fd =
		socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	_cleanup_close_ int got = -1;
	int r;

	if (fd < 0 || (connect(fd, (const void *)&to, sizeof(to)) < 0 &&
		       errno != EINPROGRESS))
		return -errno;
	r = readable(listener);
	if (r < 0)
		return r;
	got = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (got < 0)
		return -errno;
	return is_test_net(got) ? 0 : -EPROTO;
}

static int try_dns(int stub)
{
	const struct sockaddr_in to = test_address(53);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char byte;
	int r;

	if (fd < 0 || sendto(fd, "?", 1, 0, (const void *)&to, sizeof(to)) != 1)
		return -errno;
	r = readable(stub);
	if (r < 0)
		return r;
	return recv(stub, &byte, 1, 0) == 1 && byte == '?' ? 0 : -EPROTO;
}

/* Nothing else gets anywhere. */
static int try_datagram(void)
{
	const struct sockaddr_in to = test_address(TEST_PORT);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (sendto(fd, "?", 1, 0, (const void *)&to, sizeof(to)) >= 0)
		return -EPROTO;
	return errno == EACCES ? 0 : -EPROTO;
}

static int try_all(const struct netns *ns)
{
	int r = try_tcp(ns->tcp);

	if (r == 0)
		r = try_dns(ns->dns_udp);
	return r < 0 ? r : try_datagram();
}

/* By the first way that works. */
static int capture(struct netns *ns, uint16_t proxy_port, const uint8_t *own4)
{
	static const enum netns_how ways[] = { NETNS_BY_TPROXY,
					       NETNS_BY_REDIRECT };
	int r = -EOPNOTSUPP;

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		r = netns_filter(own4, ways[i]);
		if (r == 0)
			r = open_sockets(ns, proxy_port);
		if (r == 0)
			r = try_all(ns);
		if (r == 0)
			break;
		netns_close(ns);
	}
	if (r == 0 && ns->tcp >= 0)
		netns_open_datagrams(ns);
	return r;
}

static int open_again(struct netns *ns, uint16_t proxy_port)
{
	int r;

	(void)netns_set_places(NULL, 0); /* the last one's */
	r = open_sockets(ns, proxy_port);
	if (r == 0)
		r = try_all(ns);
	if (r == 0)
		netns_open_datagrams(ns);
	return r;
}

/* What the parent gets, with the descriptors. */
struct report {
	int32_t error;
	bool user, datagrams, raw6;
};

static size_t put_sockets(const struct netns *ns, struct report *r, int *fds)
{
	size_t n = 0;

	fds[n++] = ns->tcp;
	fds[n++] = ns->dns_tcp;
	fds[n++] = ns->dns_udp;
	fds[n++] = ns->proxy;
	r->datagrams = ns->udp >= 0;
	r->raw6 = ns->raw6 >= 0;
	if (r->datagrams) {
		fds[n++] = ns->udp;
		fds[n++] = ns->raw4;
	}
	if (r->raw6)
		fds[n++] = ns->raw6;
	return n;
}

static void child_main(int sock, const struct netns *old, uint16_t proxy_port,
		       const uint8_t *own4)
{
	struct report report = { .user = false };
	struct netns ns = NETNS_NONE;
	bool fresh = old->net < 0;
	int fds[N_SOCKETS + 2];
	size_t n;
	int r;

	r = fresh ? make(own4, &report.user) : join(old->user, old->net);
	if (r == 0)
		r = fresh ? capture(&ns, proxy_port, own4)
			  : open_again(&ns, proxy_port);
	n = put_sockets(&ns, &report, fds);
	if (r == 0 && fresh) {
		fds[n] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		r = fds[n++] < 0 ? -errno : 0;
	}
	if (r == 0 && report.user) {
		fds[n] = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
		r = fds[n++] < 0 ? -errno : 0;
	}
	report.error = r;
	if (fd_send(sock, &report, sizeof(report), fds, r < 0 ? 0 : n, 0) > 0 &&
	    r == 0 && report.datagrams)
		netns_keep(sock);
}

/* --- in the parent --- */

static int take_report(int sock, struct netns *ret)
{
	struct report report = { .error = -EPIPE };
	int fds[N_SOCKETS + 2], *at = fds;
	size_t n = ARRAY_LEN(fds), want;
	ssize_t got = fd_recv(sock, &report, sizeof(report), fds, &n, 0);
	int r = got == (ssize_t)sizeof(report) ? report.error
		: got < 0                      ? (int)got
					       : -EPIPE;

	if (got <= 0)
		return r;
	want = 4U + (report.datagrams ? 2U : 0U) + (report.raw6 ? 1U : 0U) +
	       (ret->net < 0 ? 1U : 0U) + (report.user ? 1U : 0U);
	if (r == 0 && n != want)
		r = -EPROTO;
	if (r < 0) {
		for (size_t i = 0; i < n; i++)
			(void)close(fds[i]);
		return r;
	}
	ret->tcp = *at++;
	ret->dns_tcp = *at++;
	ret->dns_udp = *at++;
	ret->proxy = *at++;
	ret->udp = report.datagrams ? *at++ : -1;
	ret->raw4 = report.datagrams ? *at++ : -1;
	ret->raw6 = report.raw6 ? *at++ : -1;
	if (ret->net < 0) {
		ret->net = *at++;
		ret->user = report.user ? *at : -1;
	}
	return 0;
}

static void await(pid_t pid)
{
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

int netns_open(struct netns *ret, uint16_t proxy_port, const uint8_t *own4)
{
	int socks[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)alarm(CHILD_SECS);
		(void)close(socks[0]);
		child_main(socks[1], ret, proxy_port, own4);
		_exit(0);
	}
	r = pid < 0 ? -errno : 0;
	(void)close(socks[1]);
	if (r == 0)
		r = take_report(socks[0], ret);
	if (r == 0 && ret->udp >= 0) {
		ret->keeper = socks[0];
		ret->keeper_pid = pid;
		return 0;
	}
	(void)close(socks[0]);
	await(pid);
	return r;
}

void netns_close(struct netns *ns)
{
	int *all[] = { &ns->net,     &ns->user,  &ns->tcp, &ns->dns_tcp,
		       &ns->dns_udp, &ns->proxy, &ns->udp, &ns->raw4,
		       &ns->raw6,    &ns->keeper };
	pid_t keeper = ns->keeper >= 0 ? ns->keeper_pid : -1;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (*all[i] >= 0)
			(void)close(*all[i]);
		*all[i] = -1;
	}
	await(keeper); /* it ends when nobody speaks to it */
}

int netns_wanted(int fd, struct addr *ret, uint16_t *ret_port)
{
	struct sockaddr_storage s = { .ss_family = AF_UNSPEC };
	socklen_t n = sizeof(s);
	struct addr a;
	uint16_t port;
	int r;

	if (getsockname(fd, (struct sockaddr *)&s, &n) < 0)
		return -errno;
	r = addr_from_sockaddr(&s, n, &a, &port);
	/* redirected: NAT knows; who asks for that very port, has it */
	n = sizeof(s);
	if (r == 0 && port == NETNS_TCP_PORT &&
	    getsockopt(fd, addr_is_v4(&a) ? SOL_IP : SOL_IPV6, ORIGINAL_DST, &s,
		       &n) == 0)
		r = addr_from_sockaddr(&s, n, &a, &port);
	if (r < 0)
		return r;
	*ret = a;
	*ret_port = port;
	return 0;
}

int netns_enter(int user, int net)
{
	int r = join(user, net);

	return r == 0 && user >= 0 ? caps_restrict(0) : r;
}
