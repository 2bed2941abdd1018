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
 * A descriptor for the caller, and another program in the place of the one that
 * it asks for: ptrace_inject.c.
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
#include "tracer/ptrace_inject.h"

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

static void call_go_on(struct request *q)
{
	struct tracee *x = take_caller(q);

	if (x && x->injection)
		injection_begin(tracer_of(q), x);
	else if (x)
		ptracer_cont(q->tid, 0);
}

static void call_answer(struct request *q, int64_t value, int error)
{
	struct tracee *x = take_caller(q);

	if (!x)
		return;
	injection_drop(tracer_of(q), x);
	ptracer_skip_call(q->tid, error ? -(int64_t)error : value);
}

static void call_inject(struct request *q, int fd, bool cloexec)
{
	struct tracee *x = take_caller(q);

	if (x)
		injection_give(tracer_of(q), x, q, fd, cloexec);
}

static int call_divert(struct request *q, int program, int orders,
		       uint64_t empty)
{
	struct ptracer *p = tracer_of(q);
	struct tracee *x = p ? tracees_find(&p->tracees, q->tid) : NULL;

	return x && x->request == q
		       ? injection_prepare_exec(p, x, q, program, orders, empty)
		       : -ESRCH;
}

static const struct backend call_backend = { .source = "ptrace",
					     .valid = call_valid,
					     .go_on = call_go_on,
					     .answer = call_answer,
					     .inject = call_inject,
					     .divert = call_divert };

void ptracer_on_call(struct ptracer *p, struct tracee *x)
{
	struct command *c = ptracer_command(p, x);
	struct call_info info;
	struct request *q;

	if (!ptracer_call_info(x->tid, &info) || info.op != CALL_OP_SECCOMP) {
		ptracer_skip_call(x->tid, -EACCES);
		return;
	}
	q = c ? request_new(c, &call_backend) : NULL;
	if (!q) { /* nobody's, or no memory */
		ptracer_skip_call(x->tid, -EACCES);
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
