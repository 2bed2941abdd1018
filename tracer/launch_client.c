/* SPDX-License-Identifier: MIT */
/*
 * launch_client.c - the tracer's end of the launcher and of the zygotes
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "confine/netns.h"
#include "core/limits.h"
#include "tracer/late.h"
#include "tracer/launch.h"
#include "tracer/launcher.h"

struct launcher {
	pid_t pid;
	int landlock_error;
	int events;              /* owned */
	struct channel *channel; /* owned; NULL = direct */
	/* direct only */
	struct launcher_config config;
	bool same_group, over;
	int child_end; /* owned; of events */
	uint32_t id;
	/* What the child uses until it has exec'd. */
	struct launch child;
	struct arena arena; /* owned */
	struct buf file;    /* owned */
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
	l->events = l->child_end = -1;
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
	if (l->child_end >= 0)
		(void)close(l->child_end);
	arena_done(&l->arena);
	buf_done(&l->file);
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

static int plan_direct(struct launcher *l, struct launch *x,
		       const struct proto_spawn *spawn, const int *fds,
		       size_t n_fds)
{
	launch_make_plan(x, fds + 3, n_fds - 3);
	x->plan.landlock_fd = l->config.landlock_fd;
	x->plan.landlock_flags = l->config.landlock_flags;
	if (x->plan.landlock_fd >= 0)
		x->plan.required |= 1U << CONFINE_LANDLOCK;
	x->plan.filter_static = NULL;
	/* drop_privileges() of session.c */
	x->plan.caps_gone = !l->config.caps_keep;
	x->plan.tty = (spawn->flags & SPAWN_TTY) != 0;
	return l->config.late ? late_plan_rlimits(x, &spawn->limits)
			      : launch_plan_rlimits(x, &spawn->limits);
}

/*
 * In the caller's memory, on a stack of its own. Up to the CONFINED message the
 * caller is blocked in await_child(); from then on there is but one system call
 * to make, exec_quietly(), and should that fail, the message and the exit.
 */
static int direct_child(void *arg)
{
	const struct launcher *l = arg;
	struct launch_event e = { .kind = LAUNCH_DONE, .listener = -1 };
	struct launch *x = &((struct launcher *)arg)->child;
	int status;

	launch_reset_signals();
	(void)umask(l->config.umask);
	status = launch_child(x);
	e.id = x->id;
	e.error = x->error;
	e.step = x->step;
	e.report = x->report;
	(void)fd_write_full(x->events, &e, sizeof(e));
	_exit(status);
}

/* Until the child has told something, or is gone. errno may be its own. */
static void await_child(const struct launcher *l)
{
	struct pollfd p = { .fd = l->events, .events = POLLIN };

	while (p.revents == 0)
		(void)poll(&p, 1, -1);
}

/*
 * CLONE_VM and no fork(): copying page tables, and the faults on both sides
 * afterwards, cost a third of a spawn. No CLONE_VFORK: the exec waits for the
 * caller's answer. The stack is never given back: nobody knows when its user
 * has left it, and there is one per process.
 */
static pid_t start_direct(struct launcher *l)
{
	char *stack = mmap(NULL, LAUNCH_STACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	pid_t pid;

	if (stack == MAP_FAILED)
		return -errno;
	pid = clone(direct_child, stack + LAUNCH_STACK_SIZE, CLONE_VM | SIGCHLD,
		    l);
	return pid < 0 ? -errno : pid;
}

static int spawn_direct(struct launcher *l, uint32_t id,
			const struct proto_spawn *spawn, const int *fds,
			size_t n_fds)
{
	pid_t pid;
	int r;

	if (l->child_end < 0 || n_fds < 3)
		return -EALREADY;
	l->child = (struct launch){ .config = &l->config,
				    .events = l->child_end,
				    .id = id,
				    .sender = { -1, -1 },
				    .same_group = l->same_group,
				    .report = { .listener = -1 } };
	r = plan_direct(l, &l->child, spawn, fds, n_fds);
	if (r == 0)
		r = launch_take_program(&l->child, &l->arena, &l->file, spawn,
					fds);
	if (r < 0)
		return r;
	l->id = id;
	pid = start_direct(l);
	(void)close(l->child_end);
	l->child_end = -1;
	if (pid < 0)
		return pid;
	await_child(l);
	return 0;
}

int launcher_spawn(struct launcher *l, uint32_t id,
		   const struct proto_spawn *spawn, const int *fds,
		   size_t n_fds, bool dry_run)
{
	if (!l->channel)
		return spawn_direct(l, id, spawn, fds, n_fds);
	return ask(l->channel, LAUNCH_REQUEST, id, spawn, fds, n_fds, dry_run);
}

int launcher_new_direct(const struct launcher_config *config, bool same_group,
			struct launcher **ret)
{
	struct launcher *l = calloc(1, sizeof(*l));
	int ev[2];

	if (!l)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ev) < 0) {
		free(l);
		return -errno;
	}
	l->config = *config;
	l->same_group = same_group;
	l->arena = ARENA_INIT(CHANNEL_BODY_MAX * 2);
	l->file = BUF_INIT;
	l->events = ev[0];
	l->child_end = ev[1];
	*ret = l;
	return 0;
}

bool launcher_is_over(const struct launcher *l)
{
	return l->over;
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

/* The command's end closes when it has exec'd, or died before. */
static int over(struct launcher *l, struct launch_event *ret, int *ret_fd)
{
	if (l->over)
		return -EAGAIN;
	l->over = true;
	*ret = (struct launch_event){ .kind = LAUNCH_DONE,
				      .id = l->id,
				      .listener = -1 };
	*ret_fd = -1;
	return 1;
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
		return n == 0 && !l->channel ? over(l, ret, ret_fd) : -EPIPE;
	}
	if (!l->channel && e.kind == LAUNCH_DONE)
		l->over = true;
	*ret = e;
	*ret_fd = n_fds ? fd : -1;
	return 1;
}
