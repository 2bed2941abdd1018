/* SPDX-License-Identifier: MIT */
/*
 * net_origin.c - the far end and the client of the network benchmark
 *
 *	net_origin serve PORT		1 KB for each request head; /big: 1 GB
 *	net_origin tunnel HOST:PORT [PROXY:PORT] N
 *		N times: connect, CONNECT through the proxy if there is one,
 *		one request, close. Prints the median in microseconds.
 *	net_origin connect HOST:PORT N
 *		N times: connect, reset. Prints best, median and 99th percentile.
 *	net_origin relay PORT HOST:PORT
 *		The least that a relay in a process of its own can do: one
 *		connection after the other, spliced through a pipe, no policy.
 *	net_origin idle PROXY:PORT HOST:PORT N	opens N tunnels, waits for input
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FD   65536
#define BIG      (1LL << 30)
#define BODY     1024
#define BIG_PART 262144

static int64_t big_left[MAX_FD];
static char big_part[BIG_PART];

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in parse(const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	const char *colon = strchr(text, ':');
	char host[64] = { 0 };

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		die(text);
	memcpy(host, text, (size_t)(colon - text));
	if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
		die(text);
	in.sin_port = htons((uint16_t)atoi(colon + 1));
	return in;
}

static bool push_big(int fd)
{
	while (big_left[fd] > 0) {
		ssize_t n = send(fd, big_part, sizeof(big_part),
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0)
			return errno == EAGAIN;
		big_left[fd] -= n;
	}
	return true;
}

static bool answer(int fd)
{
	static char reply[BODY + 256];
	static int length;
	static char in[65536];
	ssize_t n = recv(fd, in, sizeof(in) - 1, MSG_DONTWAIT);

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	in[n] = 0;
	if (!length) {
		length = snprintf(reply, sizeof(reply),
				  "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n"
				  "\r\n",
				  BODY);
		memset(reply + length, 'x', BODY);
		length += BODY;
	}
	if (strncmp(in, "GET /big ", 9) == 0) {
		char head[128];
		int h = snprintf(head, sizeof(head),
				 "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\n"
				 "\r\n",
				 BIG);

		big_left[fd] = BIG;
		return send(fd, head, (size_t)h, MSG_NOSIGNAL) == h &&
		       push_big(fd);
	}
	for (char *p = in; (p = strstr(p, "\r\n\r\n")); p += 4)
		if (send(fd, reply, (size_t)length, MSG_NOSIGNAL) != length)
			return false;
	return true;
}

static void serve(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int epoll = epoll_create1(0);
	const int one = 1;
	struct epoll_event e = { .events = EPOLLIN,
				 .data = { .fd = listener } };

	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&in, sizeof(in)) < 0 ||
	    listen(listener, 4096) < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e) < 0)
		die("listen");
	for (;;) {
		struct epoll_event got[256];
		int n = epoll_wait(epoll, got, 256, -1);

		for (int i = 0; i < n; i++) {
			int fd = got[i].data.fd;

			if (fd == listener) {
				fd = accept4(listener, NULL, NULL,
					     SOCK_NONBLOCK);
				if (fd < 0 || fd >= MAX_FD)
					continue;
				(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY,
						 &one, sizeof(one));
				big_left[fd] = 0;
				e.events = EPOLLIN | EPOLLOUT | EPOLLET;
				e.data.fd = fd;
				(void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
			} else if (!push_big(fd) || !answer(fd)) {
				(void)close(fd);
			}
		}
	}
}

/* A connection to target, through proxy if it is not NULL. */
static int dial(const char *target, const char *proxy)
{
	struct sockaddr_in in = parse(proxy ? proxy : target);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	const int one = 1;
	char text[512];
	int n;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0)
		die("connect");
	if (!proxy)
		return fd;
	n = snprintf(text, sizeof(text),
		     "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target);
	if (send(fd, text, (size_t)n, 0) != n ||
	    (n = (int)recv(fd, text, sizeof(text) - 1, 0)) < 12 ||
	    memcmp(text + 9, "200", 3) != 0)
		die("CONNECT");
	return fd;
}

/* Bytes from one to the other, by a pipe that is empty or full; false at an
 * end. */
static bool splice_on(int from, int to, const int *ends, size_t *held)
{
	for (int i = 0; i < 16; i++) {
		ssize_t n;

		if (*held == 0) {
			n = splice(from, NULL, ends[1], NULL, 1 << 20,
				   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
			if (n <= 0)
				return n < 0 && errno == EAGAIN;
			*held = (size_t)n;
		}
		n = splice(ends[0], NULL, to, NULL, *held,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n < 0)
			return errno == EAGAIN;
		*held -= (size_t)n;
	}
	return true;
}

static void relay_one(int client, const char *target)
{
	const int send_room = 128 << 10, room = 256 << 10;
	int server = dial(target, NULL), ends[2];
	char request[4096];
	size_t held = 0;

	(void)fcntl(server, F_SETFL, O_NONBLOCK);
	(void)setsockopt(client, SOL_SOCKET, SO_SNDBUF, &send_room,
			 sizeof(send_room));
	(void)setsockopt(server, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (pipe2(ends, O_NONBLOCK) < 0)
		die("pipe");
	(void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
	for (;;) {
		struct pollfd p[2] = {
			{ client, (short)(POLLIN | (held ? POLLOUT : 0)), 0 },
			{ server, (short)(held ? 0 : POLLIN), 0 }
		};
		ssize_t n;

		if (poll(p, 2, -1) < 0 || (p[0].revents & (POLLERR | POLLHUP)))
			break;
		if (p[0].revents & POLLIN) {
			n = recv(client, request, sizeof(request), 0);
			if (n <= 0 ||
			    send(server, request, (size_t)n, MSG_NOSIGNAL) != n)
				break;
		}
		if (!splice_on(server, client, ends, &held))
			break;
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)close(server);
	(void)close(client);
}

static void relay(uint16_t port, const char *target)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (struct sockaddr *)&in, sizeof(in)) < 0 ||
	    listen(listener, 16) < 0)
		die("listen");
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

		if (fd >= 0)
			relay_one(fd, target);
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void tunnels(const char *target, const char *proxy, int n)
{
	static const char get[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	double *took = calloc((size_t)n, sizeof(*took));

	for (int i = 0; took && i < n; i++) {
		struct timespec a, b;
		char in[4096];
		int fd;
		ssize_t got = 0, r;

		(void)clock_gettime(CLOCK_MONOTONIC, &a);
		fd = dial(target, proxy);
		if (send(fd, get, sizeof(get) - 1, 0) < 0)
			die("send");
		while (got < BODY && (r = recv(fd, in, sizeof(in), 0)) > 0)
			got += r;
		(void)close(fd);
		(void)clock_gettime(CLOCK_MONOTONIC, &b);
		took[i] = (double)(b.tv_sec - a.tv_sec) * 1e6 +
			  (double)(b.tv_nsec - a.tv_nsec) / 1e3;
	}
	qsort(took, (size_t)n, sizeof(*took), by_value);
	(void)printf("%.1f\n", took[n / 2]);
	free(took);
}

static void connects(const char *target, int n)
{
	struct sockaddr_in in = parse(target);
	const struct linger reset = { 1, 0 };
	double *took = calloc((size_t)n, sizeof(*took));

	for (int i = 0; took && i < n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		struct timespec a, b;

		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset,
				 sizeof(reset));
		(void)clock_gettime(CLOCK_MONOTONIC, &a);
		if (connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0)
			die("connect");
		(void)clock_gettime(CLOCK_MONOTONIC, &b);
		(void)close(fd);
		took[i] = (double)(b.tv_sec - a.tv_sec) * 1e6 +
			  (double)(b.tv_nsec - a.tv_nsec) / 1e3;
	}
	qsort(took, (size_t)n, sizeof(*took), by_value);
	(void)printf("%.1f %.1f %.1f\n", took[0], took[n / 2],
		     took[n * 99 / 100]);
	free(took);
}

int main(int argc, char **argv)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (argc == 3 && strcmp(argv[1], "serve") == 0) {
		serve((uint16_t)atoi(argv[2]));
	} else if (argc == 4 && strcmp(argv[1], "relay") == 0) {
		relay((uint16_t)atoi(argv[2]), argv[3]);
	} else if (argc >= 4 && strcmp(argv[1], "tunnel") == 0) {
		tunnels(argv[2], argc > 4 ? argv[3] : NULL,
			atoi(argv[argc - 1]));
	} else if (argc == 4 && strcmp(argv[1], "connect") == 0) {
		connects(argv[2], atoi(argv[3]));
	} else if (argc == 5 && strcmp(argv[1], "idle") == 0) {
		for (int i = 0; i < atoi(argv[4]); i++)
			(void)dial(argv[3], argv[2]);
		(void)puts("open");
		(void)fflush(stdout);
		(void)getchar();
	} else {
		return 2;
	}
	return 0;
}
