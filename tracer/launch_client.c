/* SPDX-License-Identifier: MIT */
/*
 * launch_client.c - the tracer's end of the launcher and of the zygotes
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "confine/netns.h"
#include "core/limits.h"
#include "tracer/launch.h"
#include "tracer/launcher.h"

struct launcher {
	pid_t pid;
	int landlock_error;
	int events;              /* owned */
	struct channel *channel; /* owned */
};

/* Everything the tracer holds but the launcher's own descriptors. */
static void close_others(int a, int b, int c, int d)
{
	unsigned int from = 3;
	int keep[4] = { a, b, c, d };

	for (;;) {
		unsigned int next = ~0U;

		for (int i = 0; i < 4; i++)
			if (keep[i] >= 0 && (unsigned int)keep[i] >= from &&
			    (unsigned int)keep[i] < next)
				next = (unsigned int)keep[i];
		if (next == ~0U) {
			(void)syscall(SYS_close_range, from, ~0U, 0);
			return;
		}
		if (next > from)
			(void)syscall(SYS_close_range, from, next - 1, 0);
		from = next + 1;
	}
}

int launcher_new(const struct launcher_config *config, struct launcher **ret)
{
	int ctl[2] = { -1, -1 }, ev[2] = { -1, -1 };
	struct launcher *l = calloc(1, sizeof(*l));
	struct launch child = { .config = config, .step = 0 };
	struct launch_event first;
	int r;

	if (!l)
		return -ENOMEM;
	l->events = -1;
	r = channel_pair(ctl);
	if (r == 0 &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ev) < 0)
		r = -errno;
	if (r == 0) {
		l->pid = fork();
		if (l->pid == 0) {
			if (netns_enter(config->user_ns, config->net_ns) < 0)
				_exit(1);
			child.events = ev[1];
			close_others(ctl[1], ev[1], config->landlock_fd,
				     config->holder_fd);
			launcher_main(&child, ctl[1]);
		}
		r = l->pid < 0 ? -errno : 0;
	}
	l->events = ev[0];
	for (int i = 0; i < 2; i++)
		if ((i ? ev[1] : ctl[1]) >= 0)
			(void)close(i ? ev[1] : ctl[1]);
	if (r == 0)
		r = channel_new(TAKE_FD(ctl[0]), &l->channel);
	if (r == 0)
		r = fd_read_full(l->events, &first, sizeof(first)) ==
				    (ssize_t)sizeof(first)
			    ? 0
			    : -EPIPE;
	if (ctl[0] >= 0)
		(void)close(ctl[0]);
	if (r < 0) {
		(void)launcher_free(l);
		return r;
	}
	l->landlock_error = first.error;
	(void)fd_set_nonblock(l->events, true);
	*ret = l;
	return 0;
}

struct launcher *launcher_free(struct launcher *l)
{
	if (!l)
		return NULL;
	(void)channel_free(l->channel);
	if (l->events >= 0)
		(void)close(l->events);
	free(l);
	return NULL;
}

pid_t launcher_pid(const struct launcher *l)
{
	return l->pid;
}

int launcher_event_fd(const struct launcher *l)
{
	return l->events;
}

int launcher_landlock_error(const struct launcher *l)
{
	return l->landlock_error;
}

static int ask(struct channel *channel, uint8_t type, uint32_t id,
	       const struct proto_spawn *spawn, const int *fds, size_t n_fds,
	       bool dry_run)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r;

	buf_putc(&b, dry_run ? 1 : 0);
	r = proto_spawn_encode(spawn, &b);
	if (r < 0)
		return r;
	return channel_send(channel, type, id, buf_str(&b), fds, n_fds);
}

int launcher_spawn(struct launcher *l, uint32_t id,
		   const struct proto_spawn *spawn, const int *fds,
		   size_t n_fds, bool dry_run)
{
	return ask(l->channel, LAUNCH_REQUEST, id, spawn, fds, n_fds, dry_run);
}

int launcher_zygote(struct launcher *l, uint32_t id,
		    const struct proto_limits *limits, const int *procs_fds,
		    size_t n_fds, struct channel **ret)
{
	struct str argv = STR("zygote");
	struct proto_spawn spawn = { .command_id = argv,
				     .argv = &argv,
				     .argc = 1,
				     .file = argv,
				     .cwd = STR("/"),
				     .limits = *limits };
	int fds[1 + CONFINE_MAX_CGROUPS], ends[2];
	int r = channel_pair(ends);

	if (r < 0)
		return r;
	fds[0] = ends[1];
	n_fds = MIN(n_fds, (size_t)CONFINE_MAX_CGROUPS);
	memcpy(fds + 1, procs_fds, n_fds * sizeof(*fds));
	r = ask(l->channel, LAUNCH_PREPARE, id, &spawn, fds, n_fds + 1,
		/* dry_run */ false);
	(void)close(ends[1]);
	if (r == 0)
		return channel_new(ends[0], ret);
	(void)close(ends[0]);
	return r;
}

int zygote_go(struct channel *channel, uint32_t id,
	      const struct proto_spawn *spawn, const int fds[3])
{
	return ask(channel, LAUNCH_GO, id, spawn, fds, 3, /* dry_run */ false);
}

int launcher_next(struct launcher *l, struct launch_event *ret, int *ret_fd)
{
	struct launch_event e;
	size_t n_fds = 1;
	int fd = -1;
	ssize_t n =
		fd_recv(l->events, &e, sizeof(e), &fd, &n_fds, MSG_DONTWAIT);

	if (n == -EAGAIN || n == -EINTR)
		return -EAGAIN;
	if (n != (ssize_t)sizeof(e)) {
		if (n > 0 && n_fds)
			(void)close(fd);
		return -EPIPE;
	}
	*ret = e;
	*ret_fd = n_fds ? fd : -1;
	return 1;
}
