/* SPDX-License-Identifier: MIT */
/*
 * ptrace_holder.c - a process that lends descriptors to commands
 */
#include "tracer/ptrace_holder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macro.h"
#include "confine/caps.h"

/* Yama, where it is: whoever is not an ancestor must be let. */
#ifndef PR_SET_PTRACER
#	define PR_SET_PTRACER     0x59616d61
#	define PR_SET_PTRACER_ANY ((unsigned long)-1)
#endif

struct lend {
	int32_t number; /* negative: drop -number; 0: fork one with these ids,
			 * whose socket comes along */
	uint32_t uid, gid;
};

static void fork_lender(const struct lend *m, int sock);

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
		if (m.number == 0) {
			if (n == 1)
				fork_lender(&m, fd);
		} else if (m.number < 0) {
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

/* Which whoever is in the domain can read. */
static void forget_environment(void)
{
	for (char **e = environ; e && *e; e++)
		memset(*e, 0, strlen(*e));
}

_noreturn_ static void holder_main(int sock)
{
	struct lend first = { .number = (int32_t)getpid() };

	forget_environment();
	(void)prctl(PR_SET_NAME, "agentsh-holder");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGCHLD, SIG_IGN); /* lenders are nobody's to wait for */
	(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	/* Nothing but the socket: whoever is in the domain can look in here. */
	if (dup2(sock, 0) == 0 && syscall(SYS_close_range, 1, ~0U, 0) == 0 &&
	    write(0, &first, sizeof(first)) == (ssize_t)sizeof(first))
		serve(0);
	_exit(0);
}

/* Its own descriptors, so that nobody else's can be taken from it. */
static void fork_lender(const struct lend *m, int sock)
{
	if (fork() != 0)
		return;
	if (syscall(SYS_setgroups, 0, NULL) < 0 ||
	    syscall(SYS_setresgid, m->gid, m->gid, m->gid) < 0 ||
	    syscall(SYS_setresuid, m->uid, m->uid, m->uid) < 0 ||
	    caps_restrict(0) < 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		_exit(1);
	holder_main(sock);
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

struct holder *holder_for(struct holder *h, uid_t uid, gid_t gid)
{
	struct lend m = { .uid = uid, .gid = gid };
	struct holder *x = h;
	int ends[2], r;

	while (x->next && (x->next->uid != uid || x->next->gid != gid))
		x = x->next;
	if (x->next)
		return x->next;
	x->next = calloc(1, sizeof(*x->next));
	if (!x->next ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		free(TAKE(x->next));
		return NULL;
	}
	r = (int)fd_send(h->sock, &m, sizeof(m), &ends[1], 1, MSG_NOSIGNAL);
	if (r >= 0)
		h->asked++;
	(void)close(ends[1]);
	r = r < 0 ? r : holder_settle(h);
	r = r < 0 ? (close(ends[0]), r) : holder_connect(x->next, ends[0]);
	if (r < 0) {
		free(TAKE(x->next));
		return NULL;
	}
	x->next->uid = uid;
	x->next->gid = gid;
	return x->next;
}

void holder_done(struct holder *h)
{
	struct holder *x = TAKE(h->next);

	while (x) {
		struct holder *next = TAKE(x->next);

		holder_done(x);
		free(x);
		x = next;
	}
	if (h->sock >= 0)
		(void)close(h->sock);
	h->sock = -1;
	h->pid = 0;
}

int holder_lend(struct holder *h, int fd)
{
	struct lend m = { .number = HOLDER_FIRST };
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
	struct lend m = { .number = -number };

	if (number < HOLDER_FIRST || number >= HOLDER_FIRST + HOLDER_MAX)
		return;
	h->used[number - HOLDER_FIRST] = 0;
	if (h->sock >= 0 &&
	    send(h->sock, &m, sizeof(m), MSG_NOSIGNAL) == (ssize_t)sizeof(m))
		h->asked++;
}
