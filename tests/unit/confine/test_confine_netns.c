/* SPDX-License-Identifier: MIT */
/*
 * test_confine_netns.c - the captured namespace, from inside and outside
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "confine/netns.h"

#define PROXY_PORT 23456

static struct netns ns = NETNS_NONE;

static int open_ns(void **state)
{
	uint64_t before = clock_monotonic_ns();
	int r = netns_open(&ns, PROXY_PORT, NULL);

	(void)state;
	print_message("netns_open: %d (%s) in %.2f ms, user namespace: %s\n", r,
		      strerror(-r),
		      (double)(clock_monotonic_ns() - before) / 1e6,
		      ns.user >= 0 ? "yes" : "no");
	return 0;
}

static int close_ns(void **state)
{
	(void)state;
	netns_close(&ns);
	return 0;
}

static void need(void)
{
	if (ns.net < 0)
		skip();
}

/* Runs fn inside; its result. */
static int inside(int (*fn)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		int r = netns_enter(ns.user, ns.net);

		(void)alarm(120);
		_exit(r < 0 ? 200 : fn());
	}
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct sockaddr_in6 to6(const char *prefix4, uint16_t port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6,
				  .sin6_port = htons(port) };

	memcpy(a.sin6_addr.s6_addr, prefix4, 16);
	return a;
}

#define V6     "\x26\x06\x28\x00\x02\x20\0\1\0\0\0\0\0\0\0\1"
#define MAPPED "\0\0\0\0\0\0\0\0\0\0\xff\xff\x5d\xb8\xd8\x22"

static int try6(int type, const char *addr, uint16_t port)
{
	struct sockaddr_in6 a = to6(addr, port);
	int s = socket(AF_INET6, type, 0);

	return connect(s, (void *)&a, sizeof(a)) < 0 ? errno : 0;
}

static int tcp_v6(void)
{
	return try6(SOCK_STREAM, V6, 443);
}

static int tcp_mapped(void)
{
	return try6(SOCK_STREAM, MAPPED, 443);
}

static int udp_v6(void)
{
	return try6(SOCK_DGRAM, V6, 443);
}

static int udp_mapped(void)
{
	return try6(SOCK_DGRAM, MAPPED, 443);
}

static int to_proxy(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(PROXY_PORT),
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	return connect(s, (void *)&a, sizeof(a)) < 0 ? errno : 0;
}

/* A server of the namespace's own, and its port 53, which is ours. */
static int own_server(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0);
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(l, (void *)&a, n) < 0 || listen(l, 1) < 0 ||
	    getsockname(l, (void *)&a, &n) < 0 || connect(s, (void *)&a, n) < 0)
		return errno;
	a.sin_port = htons(NETNS_TCP_PORT);
	a.sin_addr.s_addr = 0;
	s = socket(AF_INET, SOCK_STREAM, 0);
	return bind(s, (void *)&a, n) == 0 ? 201 : 0;
}

/* The next connection, and where it was to go. */
static void expect_wanted(const char *addr, uint16_t port)
{
	struct addr a;
	uint16_t p = 0;
	int s = accept4(ns.tcp, NULL, NULL, SOCK_CLOEXEC);

	assert_true(s >= 0);
	assert_int_equal(netns_wanted(s, &a, &p), 0);
	assert_memory_equal(a.b, addr, 16);
	assert_int_equal(p, port);
	(void)close(s);
}

static void captures(void **state)
{
	(void)state;
	need();
	assert_int_equal(inside(tcp_v6), 0);
	expect_wanted(V6, 443);
	assert_int_equal(inside(tcp_mapped), 0);
	expect_wanted(MAPPED, 443);
}

static void refuses(void **state)
{
	(void)state;
	need();
	assert_int_equal(inside(udp_v6), EACCES);
	assert_int_equal(inside(udp_mapped), EACCES);
}

static void has_loopback(void **state)
{
	(void)state;
	need();
	assert_int_equal(inside(own_server), 0);
	assert_int_equal(inside(to_proxy), 0);
	(void)close(accept4(ns.proxy, NULL, NULL, SOCK_CLOEXEC));
}

/* When the proxy is dead everything is refused; sockets can be made anew. */
static void dies_and_returns(void **state)
{
	(void)state;
	need();
	(void)close(ns.tcp);
	(void)close(ns.dns_tcp);
	(void)close(ns.dns_udp);
	(void)close(ns.proxy);
	assert_int_equal(inside(tcp_v6), ECONNREFUSED);
	assert_int_equal(inside(to_proxy), ECONNREFUSED);
	assert_int_equal(netns_open(&ns, PROXY_PORT, NULL), 0);
	assert_int_equal(inside(tcp_v6), 0);
	(void)close(accept4(ns.tcp, NULL, NULL, SOCK_CLOEXEC));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captures),
		cmocka_unit_test(refuses),
		cmocka_unit_test(has_loopback),
		cmocka_unit_test(dies_and_returns),
	};

	return cmocka_run_group_tests(tests, open_ns, close_ns);
}
