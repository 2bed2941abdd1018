/* SPDX-License-Identifier: MIT */
/*
 * heritage.c - what a worker program is born with
 */
#include "core/heritage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#define N_HERITAGE (HERITAGE_END - HERITAGE_CHANNEL)

static bool is_seqpacket(int fd)
{
	int type = 0;
	socklen_t n = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 &&
	       type == SOCK_SEQPACKET;
}

static bool is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_WRITE);
}

static bool is_eventfd(int fd)
{
	char link[32], target[32];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target));
	if (n < 0) /* no /proc: what can be said is that it is open */
		return fcntl(fd, F_GETFD) >= 0;
	return str_starts(str_from_n(target, (size_t)n),
			  STR("anon_inode:[eventfd]"));
}

/*
 * Everything from `first` on. Before close_range (5.9), or where a filter
 * refuses it, one by one up to the limit. Async-signal-safe.
 */
static void close_from(unsigned int first)
{
	struct rlimit limit = { .rlim_cur = 1024 };

	if (syscall(SYS_close_range, first, ~0U, 0U) == 0)
		return;
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	for (rlim_t fd = first; fd < MIN(limit.rlim_cur, (rlim_t)1 << 20); fd++)
		(void)close((int)fd);
}

int heritage_adopt(struct heritage *ret)
{
	struct heritage h = { .policy_fd = HERITAGE_POLICY };
	int r = 0;

	if (!is_seqpacket(HERITAGE_CHANNEL) ||
	    !is_eventfd(HERITAGE_RING_EVENT) || !is_sealed(HERITAGE_POLICY))
		return -EBADF;
	for (int fd = HERITAGE_CHANNEL; fd < HERITAGE_END && r == 0; fd++)
		r = fd_set_cloexec(fd, /* on */ true);
	if (r < 0)
		return r;
	if (ring_attach(HERITAGE_RING, HERITAGE_RING_EVENT, &h.ring) < 0)
		return -EBADF;
	r = channel_new(HERITAGE_CHANNEL, &h.channel);
	if (r < 0) {
		(void)ring_free(h.ring);
		return r;
	}
	close_from(HERITAGE_END);
	*ret = h;
	return 0;
}

static void on_channel(struct loop *l, int fd _unused_,
		       uint32_t events _unused_, void *arg)
{
	struct heritage *h = arg;
	struct channel_msg m;
	int r;

	while ((r = channel_recv(h->channel, &m)) == 1) {
		r = h->fn(h->arg, &m);
		channel_msg_done(&m);
		if (r < 0)
			break;
	}
	if (r == -EAGAIN)
		return;
	if (r < 0)
		(void)log_error_errno(r, "message from the server");
	loop_quit(l, r < 0 ? 1 : 0);
}

int heritage_serve(struct heritage *h, struct loop *l, heritage_fn *fn,
		   void *arg)
{
	h->fn = fn;
	h->arg = arg;
	return loop_add_io(l, channel_fd(h->channel), EPOLLIN, on_channel, h,
			   &h->source);
}

void heritage_done(struct heritage *h)
{
	h->channel = channel_free(h->channel);
	h->ring = ring_free(h->ring);
	if (h->policy_fd >= 0)
		(void)close(h->policy_fd);
	h->policy_fd = -1;
}

int heritage_bequeath(int channel, int ring, int ring_event, int policy)
{
	int fds[N_HERITAGE] = { channel, ring, ring_event, policy };

	/* First out of each other's way: a source may sit on a target. */
	for (int i = 0; i < N_HERITAGE; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, HERITAGE_END);
		if (fds[i] < 0)
			return -errno;
	}
	/* dup2 gives a descriptor without CLOEXEC: meant to be inherited. */
	for (int i = 0; i < N_HERITAGE; i++)
		if (dup2(fds[i], HERITAGE_CHANNEL + i) < 0)
			return -errno;
	close_from(HERITAGE_END);
	return 0;
}
