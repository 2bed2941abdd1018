/* SPDX-License-Identifier: MIT */
/*
 * ptrace_holder.c - a process that lends descriptors to commands
 */
#include "tracer/ptrace_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macro.h"

/* Yama, where it is: whoever is not an ancestor must be let. */
#ifndef PR_SET_PTRACER
#	define PR_SET_PTRACER     0x59616d61
#	define PR_SET_PTRACER_ANY ((unsigned long)-1)
#endif

struct lend {
	int32_t number; /* negative: drop -number */
};

static void serve(int sock)
{
	for (;;) {
		struct lend m;
		size_t n = 1;
		int fd = -1;
		ssize_t got = fd_recv(sock, &m, sizeof(m), &fd, &n, 0);

		if (got == -EINTR)
			continue;
		if (got != (ssize_t)sizeof(m))
			return;
		if (m.number < 0) {
			(void)close(-m.number);
			m.number = 0;
		} else if (n != 1 || dup3(fd, m.number, O_CLOEXEC) < 0) {
			m.number = -1;
		}
		if (n == 1)
			(void)close(fd);
		if (write(sock, &m, sizeof(m)) != (ssize_t)sizeof(m))
			return;
	}
}

_noreturn_ static void holder_main(int sock)
{
	struct lend first = { .number = (int32_t)getpid() };

	(void)prctl(PR_SET_NAME, "agentsh-holder");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	/* Nothing but the socket: whoever is in the domain can look in here. */
	if (dup2(sock, 0) == 0 && syscall(SYS_close_range, 1, ~0U, 0) == 0 &&
	    write(0, &first, sizeof(first)) == (ssize_t)sizeof(first))
		serve(0);
	_exit(0);
}

int holder_start(int sock)
{
	pid_t pid = fork();

	if (pid == 0)
		holder_main(sock);
	(void)close(sock);
	return pid < 0 ? -errno : 0;
}

int holder_connect(struct holder *h, int sock)
{
	struct lend first;

	*h = (struct holder){ .sock = sock };
	if (read(sock, &first, sizeof(first)) != (ssize_t)sizeof(first) ||
	    first.number <= 0) {
		holder_done(h);
		return -EPIPE;
	}
	h->pid = first.number;
	return 0;
}

void holder_done(struct holder *h)
{
	if (h->sock >= 0)
		(void)close(h->sock);
	h->sock = -1;
	h->pid = 0;
}

int holder_lend(struct holder *h, int fd)
{
	struct lend m = { HOLDER_FIRST };
	ssize_t r;
	int i = 0;

	while (i < HOLDER_MAX && h->used[i])
		i++;
	if (i == HOLDER_MAX || h->sock < 0)
		return -EMFILE;
	m.number += i;
	r = fd_send(h->sock, &m, sizeof(m), &fd, 1, MSG_NOSIGNAL);
	if (r < 0)
		return (int)r;
	h->used[i] = 1;
	h->asked++;
	return m.number;
}

int holder_settle(struct holder *h)
{
	while (h->answered != h->asked) {
		struct lend m;
		ssize_t n = read(h->sock, &m, sizeof(m));

		if (n < 0 && errno == EINTR)
			continue;
		if (n != (ssize_t)sizeof(m))
			return -EPIPE;
		h->answered++;
		if (m.number < 0)
			return -EMFILE;
	}
	return 0;
}

void holder_drop(struct holder *h, int number)
{
	struct lend m = { -number };

	if (number < HOLDER_FIRST || number >= HOLDER_FIRST + HOLDER_MAX)
		return;
	h->used[number - HOLDER_FIRST] = 0;
	if (h->sock >= 0 &&
	    send(h->sock, &m, sizeof(m), MSG_NOSIGNAL) == (ssize_t)sizeof(m))
		h->asked++;
}
