/* SPDX-License-Identifier: MIT */
/*
 * zygote.c - a process that is confined like a command and starts commands
 *
 *	tracer                  launcher                zygote         command
 *	  | PREPARE(id, channel) |                         |
 *	  |--------------------->| fork(PARENT)            |
 *	  |                      |------------------------>| confine_apply()
 *	  |       LAUNCH_CONFINED {pid, listener number}   |
 *	  |<-----------------------------------------------|
 *	  | GO(id, argv, fds)                              |
 *	  |----------------------------------------------->| clone(VM|VFORK|
 *	  |                                                |   PARENT)
 *	  |                                                |------->| setsid,
 *	  |                    execve: notified            |        | stdio,
 *	  |<-------------------------------------------------------| execve
 *	  |  launch_started {pid}, read when it is needed  |
 *	  |<-----------------------------------------------| resumes
 *
 * A command inherits all of its confinement: the cgroup the zygote sits in,
 * the Landlock domain, the empty capability sets, the filter and its listener.
 * What is left to do per command is what depends on it: session, streams,
 * directory, program. A zygote has a cgroup and a listener of its own and
 * serves one command at a time (slot.c), so whose a notification is needs no
 * deduction, and what the cgroup holds besides the zygote is that command's.
 *
 * Commands may not make children for their parent (CLONE_PARENT): these would
 * not be in their tree. The filter knows one exception, the exact call below
 * with a random number in an argument that the kernel ignores. The number is
 * in our memory and the tracer's; the command's is new when it starts to run.
 *
 * To its command a zygote is what the launcher is: a process of the same
 * domain and user, whose memory nobody may open and to whom no signal gets
 * (decode_signal.c); its end means no more than that its slot is used up.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "confine/seccomp.h"
#include "tracer/launch.h"

/* In the zygote's memory, which sleeps meanwhile. */
static int command_main(void *arg)
{
	struct launch *l = arg;

	/* The tracer's death must not leave a command running unwatched. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setsid() < 0)
		return launch_fail(l, -errno, CONFINE_SESSION);
	return launch_enter(l);
}

static int report(struct launch *l, enum launch_event_kind kind, pid_t pid)
{
	struct launch_event e = { .kind = kind,
				  .id = l->id,
				  .pid = pid,
				  .listener = -1,
				  .error = l->error,
				  .step = l->step };

	if (kind == LAUNCH_CONFINED) {
		e.listener = l->report.listener;
		e.report = l->report;
	}
	return fd_write_full(l->events, &e, sizeof(e));
}

/*
 * To the tracer's end of our channel, where it need not wake anybody: that the
 * command runs, its first notified call tells, and that it does not, its end.
 * By write(), because sendmsg() is notified.
 */
static int say_started(struct launch *l, pid_t pid)
{
	struct launch_started e = { l->id, pid, l->error, l->step };

	return fd_write_full(channel_fd(l->channel), &e, sizeof(e));
}

static pid_t start(struct launch *l)
{
	uintptr_t key = (uintptr_t)l->config->key;
	pid_t pid;

	/* ctid and tls: the fifth argument is the one or the other. */
	pid = clone(command_main, l->stack + LAUNCH_STACK_SIZE,
		    SECCOMP_LAUNCH_FLAGS, l, NULL, (void *)key, (void *)key);
	return pid < 0 ? -errno : pid;
}

static int serve(struct launch *l, const struct channel_msg *m)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(CHANNEL_BODY_MAX * 2);
	_cleanup_buf_ struct buf file = BUF_INIT;
	struct proto_spawn s;
	pid_t pid = 0;
	int r;

	if (m->type != LAUNCH_GO || m->n_fds != 3)
		return -EBADMSG;
	l->id = m->id;
	l->error = 0;
	r = launch_decode(l, &a, m, &s);
	if (r == 0)
		r = launch_take_program(l, &a, &file, &s, m->fds);
	if (r < 0) {
		(void)launch_fail(l, r,
				  r == -ENOENT ? LAUNCH_STEP_EXEC
					       : LAUNCH_STEP_SETUP);
	} else {
		pid = start(l);
		if (pid < 0)
			(void)launch_fail(l, pid, LAUNCH_STEP_SETUP);
	}
	return pid > 0 ? say_started(l, pid) : report(l, LAUNCH_DONE, 0);
}

_noreturn_ static void zygote_main(struct launch *l, struct channel_msg *m)
{
	struct channel *own = NULL;
	int r;

	(void)prctl(PR_SET_NAME, "agentsh-zygote");
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Nobody answers a call that is notified before we have reported:
	 * fcntl() may be one. */
	r = channel_new(TAKE_FD(m->fds[0]), &own);
	if (r < 0)
		(void)launch_fail(l, r, LAUNCH_STEP_SETUP);
	if (r == 0) {
		r = confine_apply(&l->plan, -1, &l->report);
		if (r < 0)
			(void)launch_fail(l, r, launch_failed_step(&l->report));
	}
	channel_msg_done(m);
	l->channel = channel_free(l->channel); /* the launcher's */
	l->channel = own;
	if (report(l, r < 0 ? LAUNCH_DONE : LAUNCH_CONFINED, getpid()) < 0 ||
	    r < 0)
		_exit(1);
	for (;;) {
		r = launch_wait(l->channel, m);
		if (r <= 0)
			_exit(r == 0 ? 0 : 1);
		/* The tracer has its own by now. */
		if (l->report.listener >= 0)
			(void)close(l->report.listener);
		l->report.listener = -1;
		r = serve(l, m);
		channel_msg_done(m);
		if (r < 0)
			_exit(1);
	}
}

static int prepare(struct launch *l, const struct channel_msg *m)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(CHANNEL_BODY_MAX * 2);
	struct proto_spawn s;
	int r;

	if (m->n_fds < 1)
		return -EBADMSG;
	r = launch_decode(l, &a, m, &s);
	if (r < 0)
		return r;
	launch_make_plan(l, m->fds + 1, m->n_fds - 1);
	l->plan.required &= ~(1U << CONFINE_CWD);
	return launch_plan_rlimits(l, &s.limits);
}

int zygote_start(struct launch *l, struct channel_msg *m)
{
	long pid;
	int r;

	l->id = m->id;
	l->error = 0;
	l->report = (struct confine_report){ .listener = -1 };
	r = prepare(l, m);
	if (r < 0) {
		(void)launch_fail(l, r, LAUNCH_STEP_SETUP);
		return report(l, LAUNCH_DONE, 0);
	}
	pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		zygote_main(l, m);
	if (pid > 0)
		return 0;
	(void)launch_fail(l, -errno, LAUNCH_STEP_SETUP);
	return report(l, LAUNCH_DONE, 0);
}
