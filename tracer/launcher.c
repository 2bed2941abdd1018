/* SPDX-License-Identifier: MIT */
/*
 * launcher.c - the process that starts commands as the tracer's children
 *
 *	tracer                  launcher                 command
 *	  | spawn(id, argv, fds) |                          |
 *	  |--------------------->| clone(VM|VFORK|PARENT)   |
 *	  |                      |------------------------->| confine_apply()
 *	  |        LAUNCH_CONFINED {pid, listener number}   |
 *	  |<------------------------------------------------| execve: notified
 *	  | pidfd_getfd(listener), judge, CONTINUE          |
 *	  |------------------------------------------------>| new image
 *	  |  LAUNCH_DONE {0}     | resumes                  |
 *	  |<---------------------|                          |
 *
 * Why a process of its own: CLONE_VFORK suspends the caller until the child
 * has exec'd, and the exec waits for the tracer's answer, so the tracer cannot
 * be the caller. CLONE_VFORK and not fork: copying page tables costs several
 * times as much as the rest of a spawn. CLONE_PARENT makes the tracer the
 * parent, so it reaps the command and is the subreaper of its daemons.
 *
 * The launcher puts itself into the session's Landlock domain once; commands
 * inherit it. That is one layer per session (the kernel allows 16), no
 * per-command set-up, and the same domain for everything of a session.
 * Capabilities and the filter are applied per command, in the child: the
 * launcher needs neither, and a listener per command attributes each
 * notification to its command without any guess.
 *
 * The child tells the listener's number by a plain write(): sending the
 * descriptor itself would take sendmsg(), which the filter it just installed
 * may hand to the very supervisor that does not have the listener yet. Where a
 * container refuses pidfd_getfd(), the child shares its descriptor table with
 * a third process, the sender, which has no filter and passes the listener on;
 * the kernel gives the child a table of its own when it execs.
 *
 * The child shares the launcher's memory until it has exec'd. It runs nothing
 * but the code below, and the launcher is asleep meanwhile.
 *
 * Most commands are not started here but by a zygote (zygote.c), which the
 * launcher forks once per slot. What is left for the launcher is the first
 * command of each kind, and every one where zygotes cannot be (slot.c).
 */
#include "tracer/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "confine/caps.h"
#include "confine/landlock.h"
#include "tracer/launch.h"
#include "tracer/ptrace_holder.h"

/*
 * The sender: shares memory and descriptors with the launcher. It is started
 * inside the launcher's Landlock domain: the signal that ends it with the
 * launcher comes from there, and the domain's scope would hold it back.
 */
static int sender_main(void *arg)
{
	struct launch *l = arg;
	struct launch_event e;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(l->sender[1], &e, sizeof(e)) == (ssize_t)sizeof(e)) {
		int fd = e.listener;

		if (fd_send(l->events, &e, sizeof(e), &fd, 1, 0) < 0)
			break;
	}
	return 0;
}

static int start_sender(struct launch *l)
{
	char *stack;

	l->sender[0] = l->sender[1] = -1;
	if (!l->config->share_table)
		return 0;
	if (l->null < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				      l->sender) < 0)
		return -errno;
	stack = mmap(NULL, LAUNCH_STACK_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return -errno;
	return clone(sender_main, stack + LAUNCH_STACK_SIZE,
		     CLONE_VM | CLONE_FILES | SIGCHLD, l) < 0
		       ? -errno
		       : 0;
}

/* What a child did to the table that it shared with us. */
static void restore_table(struct launch *l)
{
	for (int i = 0; i < 3; i++)
		(void)dup2(l->null, i);
	if (l->report.listener >= 0)
		(void)close(l->report.listener);
}

static int prepare(struct launch *l, struct arena *a, struct buf *file,
		   const struct channel_msg *m)
{
	struct proto_spawn s;
	int r;

	if (m->n_fds < 3)
		return -EBADMSG;
	r = launch_decode(l, a, m, &s);
	if (r < 0)
		return r;
	launch_make_plan(l, m->fds + 3, m->n_fds - 3);
	l->plan.tty = (s.flags & SPAWN_TTY) != 0;
	r = launch_plan_rlimits(l, &s.limits);
	return r < 0 ? r : launch_take_program(l, a, file, &s, m->fds);
}

static int launch_one(struct launch *l, const struct channel_msg *m)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(CHANNEL_BODY_MAX * 2);
	_cleanup_buf_ struct buf file = BUF_INIT;
	struct launch_event e = { .kind = LAUNCH_DONE, .id = m->id };
	bool shared = l->sender[0] >= 0;
	int r;

	l->id = m->id;
	l->error = 0;
	l->report = (struct confine_report){ .listener = -1 };
	r = prepare(l, &a, &file, m);
	if (r < 0) {
		(void)launch_fail(l, r,
				  r == -ENOENT ? LAUNCH_STEP_EXEC
					       : LAUNCH_STEP_SETUP);
	} else {
		e.pid = clone(launch_child, l->stack + LAUNCH_STACK_SIZE,
			      CLONE_VM | CLONE_VFORK | CLONE_PARENT | SIGCHLD |
				      (shared ? CLONE_FILES : 0),
			      l);
		if (e.pid < 0)
			(void)launch_fail(l, -errno, LAUNCH_STEP_SETUP);
		if (shared)
			restore_table(l);
	}
	e.error = l->error;
	e.step = l->step;
	e.listener = -1;
	e.report = l->report;
	return fd_write_full(l->events, &e, sizeof(e));
}

/* First event: how restricting the launcher itself went. */
static int restrict_launcher(struct launch *l)
{
	struct launch_event e = { .kind = LAUNCH_DONE, .listener = -1 };

	if (l->config->caps_keep)
		e.error = -caps_restrict(l->config->caps_keep);
	if (e.error)
		return fd_write_full(l->events, &e, sizeof(e)) < 0 ? -EPIPE
								   : -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		e.error = errno;
	else if (l->config->landlock_fd >= 0)
		e.error = -landlock_restrict(l->config->landlock_fd,
					     l->config->landlock_flags);
	return fd_write_full(l->events, &e, sizeof(e));
}

static int handle(struct launch *l, struct channel_msg *m)
{
	if (m->type == LAUNCH_REQUEST)
		return launch_one(l, m);
	if (m->type == LAUNCH_PREPARE)
		return zygote_start(l, m);
	return -EBADMSG;
}

_noreturn_ void launcher_main(struct launch *l, int sock)
{
	struct channel_msg m;
	sigset_t all;
	int r;

	launch_reset_signals();
	/* Nobody has anything to tell it: SIGIO of a descriptor that a command
	 * set to it would end it. launch_enter() gives commands theirs back. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)prctl(PR_SET_NAME, "agentsh-launch");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)umask(l->config->umask);
	/* The policy need not grant it; the launcher does. */
	l->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	l->stack = mmap(NULL, LAUNCH_STACK_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (l->stack == MAP_FAILED || channel_new(sock, &l->channel) < 0 ||
	    restrict_launcher(l) < 0 || start_sender(l) < 0 ||
	    (l->config->holder_fd >= 0 &&
	     holder_start(l->config->holder_fd) < 0))
		_exit(1);
	for (;;) {
		r = launch_wait(l->channel, &m);
		if (r <= 0)
			_exit(r == 0 ? 0 : 1);
		r = handle(l, &m);
		channel_msg_done(&m);
		if (r < 0)
			_exit(1);
	}
}
