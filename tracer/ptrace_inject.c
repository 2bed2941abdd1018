/* SPDX-License-Identifier: MIT */
/*
 * ptrace_inject.c - calls that a traced thread makes in the place of its own
 *
 * Theory of operation
 *
 * A descriptor for the caller. No call puts one into another process without
 * a listener, and a path to open would be read from the caller's memory. So
 * the caller is made to take it, by calls that have only scalar arguments:
 *
 *	pidfd_open(holder)   -> p    the lowest free number, as open's would be
 *	pidfd_getfd(p, n)    -> f    the descriptor that the holder has for us
 *	dup3(f, p, flags)            now p is it
 *	close(f)
 *
 * and the caller sees p as the result of its open. Signals are blocked
 * meanwhile, so that no handler runs in the middle; a group stop may come in
 * between and does no harm. Another thread of the caller can close or replace
 * p or f while this goes on. What it can win is a pidfd of another process of
 * its own sandbox in the place of p; therefore the numbers n are such as none
 * of our own processes uses, f is compared with the object that was judged
 * before anything goes on, and a process whose f is another object is killed
 * and recorded.
 *
 * Which call it makes. The instruction that makes the call is the caller's
 * own, in memory that its other threads can write, and the kernel itself may
 * send a thread elsewhere on its way there (a restartable sequence's abort
 * handler). What runs then is the caller's code, and a call that it makes would
 * be taken for ours and go on unjudged. So the registers are compared at each
 * entry with what was ordered, where no thread can change them any more: number,
 * arguments, machine. Anything else is recorded, and killed before it is made.
 *
 * Another program for the caller (a redirect of its execve). It takes two
 * descriptors in this way, agentsh-stub and what that has to run (stub.c),
 *
 *	pidfd_open(holder)          -> p
 *	pidfd_getfd(p, program)     -> e    closed on exec
 *	pidfd_getfd(p, orders)      -> f
 *	dup3(f, p, 0)                       the orders, which outlive the exec
 *	close(f)
 *	execveat(e, "", argv, envp, AT_EMPTY_PATH)
 *
 * and nothing is written to its memory. The one thing there that counts is
 * the empty string, the NUL at the end of the path that was judged; a thread
 * that writes a path over it, or another file over e, makes the kernel run
 * that, which EVENT_EXEC finds: it is not the stub, so it is judged, and killed
 * if it is denied or diverted (exec_image.c). What it can do to the orders
 * decides about nothing, since what the stub executes is judged. The signals are
 * the caller's again from the entry of execveat on, because a mask outlives an
 * exec; nothing is delivered before the call ends, one way or the other. If it
 * fails the two descriptors are closed, and the failure is the caller's.
 * An execveat waits for the other threads of its process to be reaped, by us:
 * so it is never waited for here, as the others are.
 */
#include "tracer/ptrace_inject.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/macro.h"
#include "tracer/command.h"
#include "tracer/identity.h"
#include "tracer/notify.h"
#include "tracer/ptrace.h"
#include "tracer/ptrace_regs.h"

#define GET_CALL_INFO  0x420e /* PTRACE_GET_SYSCALL_INFO; not in all headers */
#define STOPPED        0x7f   /* low byte of the status of a stop */
#define DRIVE_US       100000
#define STALLS_MAX     5
#define ERESTARTNOINTR 513 /* the kernel's own: make the call again */

enum stage {
	STAGE_PIDFD,
	STAGE_PROGRAM,
	STAGE_GETFD,
	STAGE_DUP,
	STAGE_EXEC,
	STAGE_CLOSE,
};

/* What the holder has for the caller. */
struct lent {
	int number; /* there; -1 = nothing (more) */
	struct stat object;
};

struct injection {
	enum stage stage;
	struct holder *holder; /* borrowed: the caller's */
	struct lent fd, program;
	int nr; /* of the call in whose place */
	bool cloexec, exec;
	int ordered; /* the call that it makes now, and its arguments */
	uint64_t args[REGS_ARGS];
	bool entered; /* and it was seen to make that one */
	uint64_t empty;
	int64_t p, e, f, result;
	int64_t to_close[3];
	size_t n_to_close;
	uint64_t mask;    /* its blocked signals */
	struct regs regs; /* as it was at its call */
};

long ptracer_request(unsigned int what, pid_t tid, uintptr_t addr, void *data)
{
	return ptrace((enum __ptrace_request)what, tid, (void *)addr, data);
}

bool ptracer_call_info(pid_t tid, struct call_info *ret)
{
	*ret = (struct call_info){ 0 };
	return ptracer_request(GET_CALL_INFO, tid, sizeof(*ret), ret) > 0;
}

void ptracer_skip_call(pid_t tid, int64_t result)
{
	struct regs r;

	if (regs_get(tid, &r) == 0) {
		regs_set_result(&r, result);
		(void)regs_put_call(tid, &r, -1);
	}
	ptracer_cont(tid, 0);
}

static int set_mask(pid_t tid, uint64_t mask)
{
	return ptracer_request(PTRACE_SETSIGMASK, tid, sizeof(mask), &mask) < 0
		       ? -errno
		       : 0;
}

static void step_with(pid_t tid, int signo)
{
	if (ptracer_request(PTRACE_SYSCALL, tid, 0, (void *)(intptr_t)signo) <
		    0 &&
	    errno != ESRCH)
		log_warn_errno(-errno, "cannot restart thread %d", tid);
}

static void step(pid_t tid)
{
	step_with(tid, 0);
}

/* --- what the holder has --- */

static int lend(const struct injection *i, struct lent *l, int fd)
{
	int r = fstat(fd, &l->object) < 0 ? -errno : 0;

	l->number = -1;
	if (r == 0)
		r = holder_lend(i->holder, fd);
	if (r >= 0)
		l->number = r;
	return r < 0 ? r : 0;
}

static void give_up(const struct injection *i, struct lent *l)
{
	if (l->number >= 0)
		holder_drop(i->holder, l->number);
	l->number = -1;
}

void injection_drop(struct ptracer *p _unused_, struct tracee *x)
{
	if (!x->injection)
		return;
	give_up(x->injection, &x->injection->fd);
	give_up(x->injection, &x->injection->program);
	free(TAKE(x->injection));
}

/* Whose real ids are not ours takes from a process that has them. */
static struct holder *holder_of(struct ptracer *p, struct request *q)
{
	uid_t uid;
	gid_t gid;
	int r = identity_real_ids(q, &uid, &gid);

	return r < 0    ? NULL
	       : r == 0 ? &p->holder
			: holder_for(&p->holder, uid, gid);
}

static struct injection *make(struct ptracer *p, struct tracee *x,
			      struct request *q)
{
	struct holder *h = holder_of(p, q);
	struct injection *i = h ? calloc(1, sizeof(*i)) : NULL;

	if (!i)
		return NULL;
	i->holder = h;
	i->fd.number = i->program.number = -1;
	i->nr = q->nr;
	x->injection = i;
	return i;
}

/* --- from call to call --- */

/* The thread is as it was, with the result of its own call. */
static void finish(struct ptracer *p, struct tracee *x)
{
	struct injection *i = x->injection;

	/* When it closes the file, nobody has it open any more. */
	give_up(i, &i->fd);
	give_up(i, &i->program);
	(void)holder_settle(i->holder);
	if (i->result == -ERESTARTNOINTR)
		regs_again(&i->regs, i->nr);
	else
		regs_set_result(&i->regs, i->result);
	regs_no_restart(&i->regs);
	(void)regs_put(x->tid, &i->regs);
	(void)set_mask(x->tid, i->mask);
	ptracer_cont(x->tid, 0);
	injection_drop(p, x);
}

static void order(struct injection *i, enum stage stage, int nr,
		  const uint64_t args[REGS_ARGS])
{
	i->stage = stage;
	i->ordered = nr;
	memcpy(i->args, args, sizeof(i->args));
	i->entered = false;
}

static void make_call(struct tracee *x, enum stage stage, int nr,
		      const uint64_t args[REGS_ARGS])
{
	struct regs r = x->injection->regs;

	order(x->injection, stage, nr, args);
	regs_set_args(&r, args);
	regs_again(&r, nr);
	(void)regs_put(x->tid, &r);
	step(x->tid);
}

/* Closes what is to be closed, one after the other; that was all then. */
static void wind_up(struct ptracer *p, struct tracee *x)
{
	struct injection *i = x->injection;
	uint64_t args[REGS_ARGS] = { 0 };

	if (i->n_to_close == 0) {
		finish(p, x);
		return;
	}
	args[0] = (uint64_t)i->to_close[--i->n_to_close];
	make_call(x, STAGE_CLOSE, SYS_close, args);
}

static void close_later(struct injection *i, int64_t fd)
{
	i->to_close[i->n_to_close++] = fd;
}

/* Is what it got what was judged? 0, or -errno: -EPERM: it is something else;
 * others: it is gone again, or its taker is. */
static int is_object(const struct tracee *x, int64_t fd,
		     const struct lent *want)
{
	_cleanup_identity_ struct identity *was = identity_look();
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", x->tid, (int)fd);
	if (stat(path, &st) < 0)
		return errno == EPERM ? -EACCES : -errno;
	return st.st_dev == want->object.st_dev &&
			       st.st_ino == want->object.st_ino
		       ? 0
		       : -EPERM;
}

static void cheated(struct ptracer *p, struct tracee *x, const char *how)
{
	_cleanup_identity_ struct identity *was = identity_look();
	struct event e = EVENT_INIT("ptrace_escape");

	e.session_id = str_from(p->tracer->session_id);
	e.command_id = x->command ? str_from(x->command->id) : STR_NONE;
	e.source = STR("ptrace");
	e.pid = x->pid;
	e.action = EVENT_BLOCKED;
	e.operation = str_from(how);
	event_add_str(&e, "outcome", STR("killed"));
	(void)sink_emit(&p->tracer->sink, &e); /* killed in any case */
	(void)kill(x->pid, SIGKILL);
	finish(p, x);
}

/* False: it is over. */
static bool took(struct ptracer *p, struct tracee *x, int64_t fd,
		 struct lent *l)
{
	struct injection *i = x->injection;
	int r = fd < 0 ? (int)fd : is_object(x, fd, l);

	if (r == -EPERM && fd >= 0) {
		cheated(p, x, "a descriptor was replaced while it was given");
	} else if (r < 0) {
		i->result = r;
		wind_up(p, x);
	} else {
		give_up(i, l);
	}
	return r == 0;
}

static void take(struct tracee *x, enum stage stage, const struct lent *l)
{
	const uint64_t args[REGS_ARGS] = { (uint64_t)x->injection->p,
					   (uint64_t)l->number };

	make_call(x, stage, SYS_pidfd_getfd, args);
}

static void on_pidfd(struct ptracer *p, struct tracee *x, int64_t result)
{
	struct injection *i = x->injection;
	int r = holder_settle(i->holder);

	i->p = i->result = result;
	if (result < 0) {
		finish(p, x);
		return;
	}
	if (r < 0 || i->exec)
		close_later(i, result);
	if (r < 0) {
		i->result = r;
		wind_up(p, x);
	} else if (i->exec) {
		take(x, STAGE_PROGRAM, &i->program);
	} else {
		close_later(i, result);
		take(x, STAGE_GETFD, &i->fd);
	}
}

static void on_program(struct ptracer *p, struct tracee *x, int64_t result)
{
	struct injection *i = x->injection;

	i->e = result;
	if (!took(p, x, result, &i->program))
		return;
	close_later(i, result);
	take(x, STAGE_GETFD, &i->fd);
}

static void on_getfd(struct ptracer *p, struct tracee *x, int64_t result)
{
	struct injection *i = x->injection;
	uint64_t args[REGS_ARGS] = { (uint64_t)result, (uint64_t)i->p,
				     i->cloexec ? O_CLOEXEC : 0 };

	i->f = result;
	if (!took(p, x, result, &i->fd))
		return;
	if (!i->exec)
		i->n_to_close = 0; /* p is the result */
	make_call(x, STAGE_DUP, SYS_dup3, args);
}

static void on_dup(struct ptracer *p, struct tracee *x, int64_t result)
{
	struct injection *i = x->injection;
	const uint64_t args[REGS_ARGS] = { (uint64_t)i->f };

	i->result = result;
	if (i->exec && result >= 0) {
		make_call(x, STAGE_CLOSE, SYS_close, args);
		return;
	}
	close_later(i, i->f);
	wind_up(p, x);
}

static void run_program(struct tracee *x)
{
	struct injection *i = x->injection;
	size_t vectors = i->nr == SYS_execveat ? 2 : 1;
	const uint64_t args[REGS_ARGS] = { (uint64_t)i->e, i->empty,
					   regs_arg(&i->regs, vectors),
					   regs_arg(&i->regs, vectors + 1),
					   AT_EMPTY_PATH };

	i->exec = false; /* once */
	make_call(x, STAGE_EXEC, SYS_execveat, args);
}

static void on_result(struct ptracer *p, struct tracee *x, int64_t result)
{
	struct injection *i = x->injection;

	switch (i->stage) {
	case STAGE_PIDFD:
		on_pidfd(p, x, result);
		break;
	case STAGE_PROGRAM:
		on_program(p, x, result);
		break;
	case STAGE_GETFD:
		on_getfd(p, x, result);
		break;
	case STAGE_DUP:
		on_dup(p, x, result);
		break;
	case STAGE_EXEC: /* it has failed */
		i->result = result;
		(void)set_mask(x->tid, ~0ULL);
		wind_up(p, x);
		break;
	case STAGE_CLOSE:
		if (i->exec && i->result >= 0)
			run_program(x);
		else
			wind_up(p, x);
		break;
	}
}

/* Is the call that it is about to make the one that was ordered? */
static bool as_ordered(const struct injection *i, const struct call_info *info)
{
	bool same = info->arch == THIS_ARCH &&
		    info->nr == (uint64_t)(uint32_t)i->ordered;

	for (size_t k = 0; k < REGS_ARGS; k++)
		same = same && info->args[k] == i->args[k];
	return same;
}

void injection_stop(struct ptracer *p, struct tracee *x)
{
	struct injection *i = x->injection;
	struct call_info info;

	if (!ptracer_call_info(x->tid, &info)) {
		step(x->tid); /* killed meanwhile */
	} else if (info.op == CALL_OP_EXIT && i->entered) {
		on_result(p, x, (int64_t)info.nr);
	} else if (info.op == CALL_OP_EXIT || !as_ordered(i, &info)) {
		cheated(p, x, "another call was made than was ordered");
	} else { /* at its entry, or the filter's stop: on to its exit */
		i->entered = true;
		if (i->stage == STAGE_EXEC)
			(void)set_mask(x->tid, i->mask);
		step(x->tid);
	}
}

void injection_resume(const struct tracee *x, int signo)
{
	step_with(x->tid, signo);
}

/* --- the first call --- */

static int start(struct tracee *x)
{
	const uint64_t args[REGS_ARGS] = { (uint64_t)x->injection->holder->pid };
	struct injection *i = x->injection;
	struct regs r;
	int e;

	if (ptracer_request(PTRACE_GETSIGMASK, x->tid, sizeof(i->mask),
			    &i->mask) < 0)
		return -errno;
	e = regs_get(x->tid, &i->regs);
	if (e == 0)
		e = set_mask(x->tid, ~0ULL);
	if (e < 0)
		return e;
	r = i->regs;
	regs_set_args(&r, args);
	e = regs_put_call(x->tid, &r, SYS_pidfd_open);
	if (e < 0)
		return e;
	order(i, STAGE_PIDFD, SYS_pidfd_open, args);
	i->entered = true; /* it is stopped in it */
	step(x->tid);
	return 0;
}

/* How long everybody may wait for one thread. */
static void watch(suseconds_t us)
{
	const struct itimerval every = { { 0, us }, { 0, us } };

	(void)setitimer(ITIMER_REAL, &every, NULL);
}

static void on_alarm(int signo _unused_)
{
	/* waitid() is interrupted */
}

int injection_prepare(void)
{
	const struct sigaction sa = { .sa_handler = on_alarm };

	return sigaction(SIGALRM, &sa, NULL) < 0 ? -errno : 0;
}

/* False: that took too long, or it is not there any more. */
static bool wait_for_stop(pid_t tid, siginfo_t *info)
{
	info->si_pid = 0;
	return waitid(P_PID, (id_t)tid, info, WSTOPPED | __WALL) == 0;
}

/*
 * The next stop is a few microseconds away: it is waited for, instead of going
 * round by the signal and the loop. Ends when the calls are made, or with a
 * stop that somebody else ordered, or a death; then they come by the loop.
 *
 * Between two stops the caller's own code may run, if it has seen to that, and
 * close() may wait in the kernel for what another thread has put there. A
 * command that made everybody wait for DRIVE_US a few times (a busy machine can
 * do so, too) is not waited for again.
 */
static void drive(struct ptracer *p, struct tracee *x)
{
	struct command *c = x->command;
	pid_t tid = x->tid;
	siginfo_t info;

	if (!c || c->stalls >= STALLS_MAX)
		return;
	watch(DRIVE_US);
	while (x && x->injection && x->injection->stage != STAGE_EXEC) {
		if (!wait_for_stop(tid, &info)) {
			c->stalls += errno == EINTR;
			break;
		}
		ptracer_stopped(p, x, info.si_status << 8 | STOPPED);
		if (info.si_status >> 8 == PTRACE_EVENT_STOP)
			break;
		x = tracees_find(&p->tracees, tid);
	}
	watch(0);
}

void injection_begin(struct ptracer *p, struct tracee *x)
{
	int r = start(x);

	if (r < 0) {
		injection_drop(p, x);
		ptracer_skip_call(x->tid, r);
	} else {
		drive(p, x);
	}
}

void injection_give(struct ptracer *p, struct tracee *x, struct request *q,
		    int fd, bool cloexec)
{
	struct injection *i = make(p, x, q);
	int r = i ? lend(i, &i->fd, fd) : -ENOMEM;

	if (r < 0) {
		injection_drop(p, x);
		ptracer_skip_call(x->tid, r);
		return;
	}
	i->cloexec = cloexec;
	injection_begin(p, x);
}

int injection_prepare_exec(struct ptracer *p, struct tracee *x,
			   struct request *q, int program, int orders,
			   uint64_t empty)
{
	struct injection *i = make(p, x, q);
	int r = i ? lend(i, &i->program, program) : -ENOMEM;

	if (r == 0)
		r = lend(i, &i->fd, orders);
	if (r < 0) {
		injection_drop(p, x);
		return r;
	}
	i->exec = true;
	i->empty = empty;
	return 0;
}
