/* SPDX-License-Identifier: MIT */
/*
 * ptrace_call.c - system calls judged by ptrace, where notifications are
 * refused
 *
 * Theory of operation
 *
 * The filter is the same, but says RET_TRACE where it would say USER_NOTIF:
 * the thread stops before the call (PTRACE_EVENT_SECCOMP), its number and
 * arguments are copied, and the same decoders judge them. The answers:
 *
 *	deny       number := -1, result := -EACCES; nothing runs
 *	perform    the call is made here, on the object that was judged, and its
 *	           result returned: number := -1, result := value
 *	continue   PTRACE_CONT; for calls whose arguments are scalars, which the
 *	           floor judges in the same way, or whose outcome is looked at
 *	           afterwards (exec)
 *	descriptor (open) see below
 *
 * Nothing is ever left for the kernel to read again from memory that another
 * thread can write: an argument in memory is copied once, judged, and used
 * from the copy. After -1 the kernel runs the filter no further, and after
 * another number it runs it again, without stopping a second time.
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
 * Calls that may block (opening a FIFO, connecting) are carried out by a
 * forked worker as under notify; it cannot ptrace, so it tells us the result.
 */
#include "tracer/ptrace_call.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "tracer/command.h"
#include "tracer/notify.h"
#include "tracer/ptrace.h"
#include "tracer/ptrace_regs.h"

#ifndef PTRACE_GET_SYSCALL_INFO
#	define PTRACE_GET_SYSCALL_INFO 0x420e
#endif
#define STOPPED    0x7f /* low byte of the status of a stop */
#define OP_EXIT    2
#define OP_SECCOMP 3

/* struct ptrace_syscall_info, Linux 5.3; C libraries name it differently. */
struct call_info {
	uint8_t op;
	uint8_t pad[3];
	uint32_t arch;
	uint64_t instruction_pointer, stack_pointer;
	uint64_t nr; /* of an exit: the result */
	uint64_t args[6];
	uint32_t ret_data;
};

enum stage {
	STAGE_PIDFD,
	STAGE_GETFD,
	STAGE_DUP,
	STAGE_CLOSE,
};

/* Calls that a thread makes in the place of its own. */
struct injection {
	enum stage stage;
	int number; /* at the holder; -1 = no more */
	bool cloexec;
	int64_t p, f, result;
	uint64_t mask; /* its blocked signals */
	struct stat object;
	struct regs regs; /* as it was at its call */
};

static long request(unsigned int what, pid_t tid, uintptr_t addr, void *data)
{
	return ptrace((enum __ptrace_request)what, tid, (void *)addr, data);
}

static bool call_info(pid_t tid, struct call_info *ret)
{
	*ret = (struct call_info){ 0 };
	return request(PTRACE_GET_SYSCALL_INFO, tid, sizeof(*ret), ret) > 0;
}

/* --- answers --- */

static struct ptracer *tracer_of(const struct request *q)
{
	return q->tracer->ptracer;
}

/* The caller, if it is still stopped in this very call; lets go of it. */
static struct tracee *take_caller(struct request *q)
{
	struct ptracer *p = tracer_of(q);
	struct tracee *x = p ? tracees_find(&p->tracees, q->tid) : NULL;

	if (!x || x->request != q)
		return NULL;
	x->request = NULL;
	return x;
}

static bool call_valid(const struct request *q)
{
	const struct ptracer *p = tracer_of(q);
	const struct tracee *x = p ? tracees_find(&p->tracees, q->tid) : NULL;

	return x && x->request == q;
}

static void skip_call(pid_t tid, int64_t result)
{
	struct regs r;

	if (regs_get(tid, &r) == 0) {
		regs_set_result(&r, result);
		(void)regs_put_call(tid, &r, -1);
	}
	ptracer_cont(tid, 0);
}

static void call_go_on(struct request *q)
{
	if (take_caller(q))
		ptracer_cont(q->tid, 0);
}

static void call_answer(struct request *q, int64_t value, int error)
{
	if (take_caller(q))
		skip_call(q->tid, error ? -(int64_t)error : value);
}

/* --- a descriptor for the caller --- */

static int set_mask(pid_t tid, uint64_t mask)
{
	return request(PTRACE_SETSIGMASK, tid, sizeof(mask), &mask) < 0 ? -errno
									: 0;
}

static void step(pid_t tid)
{
	if (request(PTRACE_SYSCALL, tid, 0, NULL) < 0 && errno != ESRCH)
		log_warn_errno(-errno, "cannot restart thread %d", tid);
}

static int begin(struct ptracer *p, struct tracee *x, struct injection *i)
{
	const uint64_t args[3] = { (uint64_t)p->holder.pid };
	struct regs r;
	int e;

	if (request(PTRACE_GETSIGMASK, x->tid, sizeof(i->mask), &i->mask) < 0)
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
	x->injection = i;
	step(x->tid);
	return 0;
}

/*
 * The next stop is a few microseconds away: it is waited for, instead of going
 * round by the signal and the loop. Ends when the calls are made, or with a
 * stop that somebody else ordered, or a death; then they come by the loop.
 */
static void drive(struct ptracer *p, struct tracee *x)
{
	pid_t tid = x->tid;
	siginfo_t info;

	while (x && x->injection) {
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)tid, &info, WSTOPPED | __WALL) < 0) {
			if (errno == EINTR)
				continue;
			return; /* ECHILD: it is dead, and not reaped here */
		}
		ptracer_stopped(p, x, info.si_status << 8 | STOPPED);
		if (info.si_status >> 8 == PTRACE_EVENT_STOP)
			return;
		x = tracees_find(&p->tracees, tid);
	}
}

static void call_inject(struct request *q, int fd, bool cloexec)
{
	struct ptracer *p = tracer_of(q);
	struct tracee *x = take_caller(q);
	struct injection *i;
	int r;

	if (!x)
		return;
	i = calloc(1, sizeof(*i));
	r = i ? holder_lend(&p->holder, fd) : -ENOMEM;
	if (r >= 0) {
		i->number = r;
		i->cloexec = cloexec;
		r = fstat(fd, &i->object) < 0 ? -errno : begin(p, x, i);
		if (r < 0)
			holder_drop(&p->holder, i->number);
	}
	if (r < 0) {
		free(i);
		skip_call(q->tid, r);
	} else {
		drive(p, x);
	}
}

/* The holder's copy, once. */
static void give_up(struct ptracer *p, struct injection *i)
{
	holder_drop(&p->holder, i->number);
	i->number = -1;
}

/* The thread is as it was, with the result of its open. */
static void finish(struct ptracer *p, struct tracee *x)
{
	struct injection *i = x->injection;

	/* When it closes the file, nobody has it open any more. */
	give_up(p, i);
	(void)holder_settle(&p->holder);
	regs_set_result(&i->regs, i->result);
	regs_no_restart(&i->regs);
	(void)regs_put(x->tid, &i->regs);
	(void)set_mask(x->tid, i->mask);
	ptracer_cont(x->tid, 0);
	injection_drop(p, x);
}

void injection_drop(struct ptracer *p, struct tracee *x)
{
	if (!x->injection)
		return;
	give_up(p, x->injection);
	free(TAKE(x->injection));
}

static void make_call(struct tracee *x, enum stage stage, int nr, uint64_t a,
		      uint64_t b, uint64_t c)
{
	const uint64_t args[3] = { a, b, c };
	struct regs r = x->injection->regs;

	x->injection->stage = stage;
	regs_set_args(&r, args);
	regs_again(&r, nr);
	(void)regs_put(x->tid, &r);
	step(x->tid);
}

/* Is what it got what was judged? */
static bool is_object(const struct tracee *x, int64_t fd)
{
	const struct stat *want = &x->injection->object;
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", x->tid, (int)fd);
	return stat(path, &st) == 0 && st.st_dev == want->st_dev &&
	       st.st_ino == want->st_ino;
}

static void cheated(struct ptracer *p, struct tracee *x)
{
	struct event e = EVENT_INIT("ptrace_escape");

	e.session_id = str_from(p->tracer->session_id);
	e.command_id = x->command ? str_from(x->command->id) : STR_NONE;
	e.source = STR("ptrace");
	e.pid = x->pid;
	e.action = EVENT_BLOCKED;
	e.operation = STR("a descriptor was replaced while it was given");
	event_add_str(&e, "outcome", STR("killed"));
	(void)sink_emit(&p->tracer->sink, &e); /* killed in any case */
	(void)kill(x->pid, SIGKILL);
}

static void on_pidfd(struct ptracer *p, struct tracee *x, int64_t result)
{
	struct injection *i = x->injection;
	int r = holder_settle(&p->holder);

	i->p = i->result = result;
	if (result < 0) {
		finish(p, x);
		return;
	}
	if (r < 0) {
		i->result = r;
		make_call(x, STAGE_CLOSE, SYS_close, (uint64_t)i->p, 0, 0);
		return;
	}
	make_call(x, STAGE_GETFD, SYS_pidfd_getfd, (uint64_t)i->p,
		  (uint64_t)i->number, 0);
}

static void on_getfd(struct ptracer *p, struct tracee *x, int64_t result)
{
	struct injection *i = x->injection;

	if (result < 0) {
		i->result = result;
		make_call(x, STAGE_CLOSE, SYS_close, (uint64_t)i->p, 0, 0);
		return;
	}
	i->f = result;
	if (!is_object(x, result)) {
		cheated(p, x);
		finish(p, x);
		return;
	}
	give_up(p, i);
	make_call(x, STAGE_DUP, SYS_dup3, (uint64_t)result, (uint64_t)i->p,
		  i->cloexec ? O_CLOEXEC : 0);
}

static void on_result(struct ptracer *p, struct tracee *x, int64_t result)
{
	struct injection *i = x->injection;

	switch (i->stage) {
	case STAGE_PIDFD:
		on_pidfd(p, x, result);
		break;
	case STAGE_GETFD:
		on_getfd(p, x, result);
		break;
	case STAGE_DUP:
		i->result = result;
		make_call(x, STAGE_CLOSE, SYS_close, (uint64_t)i->f, 0, 0);
		break;
	case STAGE_CLOSE:
		finish(p, x);
		break;
	}
}

void injection_stop(struct ptracer *p, struct tracee *x)
{
	struct call_info info;

	/* At its entry, or the filter's stop for it: on to its exit. */
	if (!call_info(x->tid, &info) || info.op != OP_EXIT)
		step(x->tid);
	else
		on_result(p, x, (int64_t)info.nr);
}

void injection_resume(const struct tracee *x)
{
	step(x->tid);
}

static const struct backend call_backend = { .source = "ptrace",
					     .valid = call_valid,
					     .go_on = call_go_on,
					     .answer = call_answer,
					     .inject = call_inject };

void ptracer_on_call(struct ptracer *p, struct tracee *x)
{
	struct command *c = ptracer_command(p, x);
	struct call_info info;
	struct request *q;

	if (!call_info(x->tid, &info) || info.op != OP_SECCOMP) {
		skip_call(x->tid, -EACCES);
		return;
	}
	q = c ? request_new(c, &call_backend) : NULL;
	if (!q) { /* nobody's, or no memory */
		skip_call(x->tid, -EACCES);
		return;
	}
	x->request = q;
	q->tid = x->tid;
	q->pid = x->pid;
	q->nr = (int)info.nr;
	for (int i = 0; i < 6; i++)
		q->args[i] = info.args[i];
	request_dispatch(q);
}

/* --- calls carried out by a worker --- */

struct worker_word {
	int64_t value;
	int32_t error;
	uint8_t has_fd, cloexec, go_on;
};

static void tell(const struct request *q, const struct worker_word *w, int fd)
{
	(void)fd_send(q->worker_fd, w, sizeof(*w), &fd, fd >= 0 ? 1 : 0,
		      MSG_NOSIGNAL);
}

static void worker_go_on(struct request *q)
{
	const struct worker_word w = { .go_on = 1 };

	tell(q, &w, -1);
}

static void worker_answer(struct request *q, int64_t value, int error)
{
	const struct worker_word w = { .value = value, .error = error };

	tell(q, &w, -1);
}

static void worker_inject(struct request *q, int fd, bool cloexec)
{
	const struct worker_word w = { .has_fd = 1, .cloexec = cloexec };

	tell(q, &w, fd);
}

/* Whether the caller is gone is for the tracer to see, which ends us. */
static bool worker_valid(const struct request *q _unused_)
{
	return true;
}

static const struct backend worker_backend = { .source = "ptrace",
					       .valid = worker_valid,
					       .go_on = worker_go_on,
					       .answer = worker_answer,
					       .inject = worker_inject };

static void on_worker(struct loop *loop _unused_, int fd,
		      uint32_t events _unused_, void *arg)
{
	struct request *q = arg;
	struct worker_word w = { .error = EINTR };
	_cleanup_close_ int got = -1;
	size_t n = 1;

	/* It may have been killed: then nothing comes. */
	if (fd_recv(fd, &w, sizeof(w), &got, &n, MSG_DONTWAIT) !=
	    (ssize_t)sizeof(w))
		w = (struct worker_word){ .error = EINTR };
	q->worker_source = loop_remove(q->worker_source);
	(void)close(TAKE_FD(q->worker_fd));
	if (w.has_fd && got >= 0)
		request_inject(q, got, w.cloexec != 0);
	else if (w.go_on)
		request_continue(q);
	else if (w.error || w.has_fd)
		request_fail(q, w.error ? w.error : EACCES);
	else
		request_return(q, w.value);
}

static pid_t call_fork(struct request *q)
{
	int ends[2];
	pid_t pid;
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		(void)close(ends[0]);
		q->worker_fd = ends[1];
		q->backend = &worker_backend;
		return 0;
	}
	r = pid < 0 ? -errno : 0;
	(void)close(ends[1]);
	if (r == 0)
		r = loop_add_io(q->tracer->loop, ends[0], EPOLLIN, on_worker, q,
				&q->worker_source);
	if (r < 0) {
		(void)close(ends[0]);
		if (pid > 0)
			(void)kill(pid, SIGKILL);
		return r;
	}
	q->worker_fd = ends[0];
	return pid;
}

pid_t request_fork(struct request *q)
{
	pid_t pid;

	if (q->backend == &call_backend)
		return call_fork(q);
	pid = fork();
	return pid < 0 ? -errno : pid;
}
