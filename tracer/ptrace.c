/* SPDX-License-Identifier: MIT */
/*
 * ptrace.c - the second layer: commands are traced
 *
 * Theory of operation
 *
 *	tracer            launcher              command           its child
 *	  | SEIZE             |                     |                 |
 *	  |------------------>| clone               |                 |
 *	  |<-- EVENT_VFORK ---|-------------------->|                 |
 *	  |<-- first stop, CONT --------------------|                 |
 *	  |                                  execve | notified, judged, CONTINUE
 *	  |<-- EVENT_EXEC: what really runs? -------|                 |
 *	  |    CONT or SIGKILL                 fork |                 |
 *	  |<-- EVENT_FORK --------------------------|---------------->|
 *	  |<-- first stop, CONT --------------------------------------|
 *
 * The launcher is seized once, before it makes anything. From then on the
 * kernel attaches us to whatever is made by those we trace, before it has run
 * an instruction, so there is no moment at which a process is ours to lose:
 * clone(CLONE_UNTRACED), CLONE_PARENT and clone3 are refused by the filter,
 * and a notification from a thread that is not in our table is an escape,
 * which is recorded and ends in SIGKILL. EXITKILL ends all of them with us.
 *
 * Exec. The pre-check (decode_exec.c) gives the friendly EACCES. Between it
 * and the kernel's own look at the arguments another thread may change them;
 * EVENT_EXEC stops the process in its new image, before its first
 * instruction, when the memory is private and has one thread. What
 * /proc/PID/exe and cmdline say there is what runs, and an image that was not
 * judged is judged then, and killed if it is denied. This stands in for the
 * notification of the C library's start (NOTIFY_POSTEXEC).
 *
 * Stops. A tracee is always restarted by PTRACE_CONT, never left in
 * single-step or system call mode (strace's trap with posix_spawn), except
 * while ptrace_call.c makes calls in its place. A group stop is kept by
 * PTRACE_LISTEN, so that job control works. No event for exits: wait4() tells
 * them to us anyway, and a process that stops once more while it is being
 * killed would have to be waited for by whoever kills it.
 *
 * Two orders are possible for a new thread: its maker's event first, or its
 * own first stop. In the second case it waits, stopped, until the event says
 * whose it is. If its maker is killed in between, the event never comes, and
 * nothing says so: once wait4() has nothing more to tell, those that wait are
 * looked up in /proc and go on. An event that comes after all corrects what
 * was found there (the maker, if the true one is gone).
 *
 * Threads may be killed at any moment: then ptrace() says ESRCH, which is no
 * error here; wait4() tells the end of the thread. An execve by a thread that
 * is not the leader makes it take over the leader's id; the old id is in the
 * event's message.
 *
 * We are woken by SIGCHLD (signalfd) and take all that wait4() has, each thread
 * in its turn (waits.h); there is no timer and no polling.
 */
#include "tracer/ptrace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/proc.h"
#include "tracer/command.h"
#include "tracer/notify.h"
#include "tracer/ptrace_call.h"
#include "tracer/ptrace_inject.h"

/* One cast for all: the pid-sized and pointer-sized arguments of ptrace(). */
static long call(enum __ptrace_request request, pid_t tid, unsigned long data)
{
	return ptrace(request, tid, NULL, data);
}

#define FOLLOW                                                            \
	(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | \
	 PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACESECCOMP)

#define SYSCALL_STOP 0x80 /* PTRACE_O_TRACESYSGOOD */

void ptracer_cont(pid_t tid, int signo)
{
	/* ESRCH: killed meanwhile */
	if (call(PTRACE_CONT, tid, (unsigned long)signo) < 0 && errno != ESRCH)
		log_warn_errno(-errno, "cannot restart thread %d", tid);
}

static int look(pid_t pid)
{
	int status = 0;

	if (call(PTRACE_SEIZE, pid, FOLLOW) < 0 ||
	    call(PTRACE_INTERRUPT, pid, 0) < 0)
		return -errno;
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		return -EIO;
	return call(PTRACE_DETACH, pid, 0) < 0 ? -errno : 0;
}

int ptracer_probe(void)
{
	int ends[2], r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		char none;

		(void)close(ends[1]);
		/* until the other end is closed */
		_exit(read(ends[0], &none, 1) == 0 ? 0 : 1);
	}
	r = pid < 0 ? -errno : look(pid);
	(void)close(ends[0]);
	(void)close(ends[1]);
	if (pid > 0)
		(void)kill(pid, SIGKILL);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return r;
}

int ptracer_new(struct tracer *t, pid_t root, int holder, struct ptracer **ret)
{
	struct ptracer *p = calloc(1, sizeof(*p));
	struct tracee *x;
	int r = 0;

	if (!p) {
		if (holder >= 0)
			(void)close(holder);
		return -ENOMEM;
	}
	p->tracer = t;
	p->root = root;
	p->holder.sock = -1;
	/* Before anything can stop: the holder is not traced. */
	if (holder >= 0)
		r = holder_connect(&p->holder, holder);
	if (r == 0 && holder >= 0)
		r = injection_prepare();
	x = tracees_get(&p->tracees, root);
	if (r == 0 && !x)
		r = -ENOMEM;
	else if (r == 0 && call(PTRACE_SEIZE, root, FOLLOW) < 0)
		r = -errno;
	if (r < 0) {
		(void)ptracer_free(p);
		return r;
	}
	x->pid = root;
	x->started = true;
	*ret = p;
	return 0;
}

struct ptracer *ptracer_free(struct ptracer *p)
{
	if (!p)
		return NULL;
	tracees_done(&p->tracees);
	holder_done(&p->holder);
	free(p);
	return NULL;
}

bool ptracer_follows(const struct ptracer *p, pid_t tid)
{
	const struct tracee *x = tracees_find(&p->tracees, tid);

	return x && !x->parked;
}

const struct proc_entry *ptracer_origin(const struct ptracer *p, pid_t pid)
{
	const struct tracee *x = tracees_find(&p->tracees, pid);

	return x && x->origin.pid ? &x->origin : NULL;
}

bool ptracer_listed(const struct ptracer *p, pid_t pid)
{
	const struct tracee *x = tracees_find(&p->tracees, pid);

	return x && x->listed;
}

void ptracer_list(struct ptracer *p, pid_t pid)
{
	struct tracee *x = tracees_find(&p->tracees, pid);

	if (x)
		x->listed = true;
}

static struct command *led_by(struct tracer *t, pid_t pid)
{
	for (struct command *c = t->commands; c; c = c->next)
		if (c->pid == pid && !c->ended)
			return c;
	return NULL;
}

struct command *ptracer_command(struct ptracer *p, struct tracee *x)
{
	if (x->command || x->pid == 0 || x->tid == p->root)
		return x->command;
	/* The first process of a command: the launcher's message names it. */
	command_read_launcher(p->tracer);
	x->command = led_by(p->tracer, x->pid);
	return x->command;
}

/* --- who was made by whom --- */

static void inherit(struct ptracer *p, struct tracee *x,
		    const struct tracee *maker)
{
	const struct proc_entry *e;

	x->command = maker->command;
	x->parent = maker->pid;
	if (!x->command || x->pid == maker->pid)
		return; /* a thread, or the first process of a command */
	e = proctab_find(&x->command->procs, maker->pid);
	x->origin = e ? *e : maker->origin;
	(void)p;
}

/* Signal 0 to thread tid of process tid: only a leader is there. */
static bool is_leader(pid_t tid)
{
	return syscall(SYS_tgkill, tid, tid, 0) == 0 || errno == EPERM;
}

/*
 * Above max_tracees: the layer beneath has to do for a new thread and for what
 * it makes, or it is killed where that must not be (fail_closed). Return:
 * false when it is not traced any more.
 */
static bool too_many(struct ptracer *p, struct tracee *x)
{
	const struct settings *s = &p->tracer->settings;
	struct event e = EVENT_INIT("ptrace_limit");

	e.session_id = str_from(p->tracer->session_id);
	e.command_id = x->command ? str_from(x->command->id) : STR_NONE;
	e.source = STR("ptrace");
	e.pid = x->pid;
	event_add_int(&e, "max_tracees", (int64_t)s->ptrace_max);
	event_add_str(&e, "outcome",
		      s->ptrace_strict ? STR("killed") : STR("not traced"));
	if (s->ptrace_strict)
		(void)kill(x->tid, SIGKILL);
	if (s->ptrace_strict || !p->partial)
		(void)sink_emit(&p->tracer->sink, &e);
	if (s->ptrace_strict)
		return true;
	p->partial = true;
	(void)call(PTRACE_DETACH, x->tid, 0);
	return false;
}

/* It is stopped for the first time, and we know whose it is. */
static void start(struct ptracer *p, struct tracee *x)
{
	pid_t tid = x->tid;

	x->started = true;
	if (p->tracees.n > p->tracer->settings.ptrace_max && !too_many(p, x)) {
		tracees_remove(&p->tracees, tid);
		return;
	}
	ptracer_cont(tid, 0);
}

static void unpark(struct ptracer *p, struct tracee *x)
{
	if (!x->parked)
		return;
	x->parked = false;
	p->n_parked--;
	start(p, x);
}

static void on_made(struct ptracer *p, struct tracee *maker, int event)
{
	unsigned long msg = 0;
	struct tracee *x;
	pid_t tid;

	if (ptrace(PTRACE_GETEVENTMSG, maker->tid, NULL, &msg) < 0 || !msg)
		return;
	tid = (pid_t)msg;
	x = tracees_get(&p->tracees, tid);
	if (!x) {
		(void)kill(tid, SIGKILL);
		return;
	}
	x->pid = event != PTRACE_EVENT_CLONE || is_leader(tid) ? tid
							       : maker->pid;
	(void)ptracer_command(p, maker);
	inherit(p, x, maker);
	unpark(p, x);
}

/* Its maker has told nothing (yet): what does /proc say? */
static void look_up(struct tracee *x, void *arg)
{
	struct ptracer *p = arg;
	const struct tracee *maker;
	struct proc_stat st;
	pid_t pid;

	if (!x->parked || proc_tgid(x->tid, &pid) < 0)
		return;
	x->pid = pid;
	maker = tracees_find(&p->tracees, pid);
	if (pid == x->tid && proc_stat_read(pid, &st) == 0)
		maker = tracees_find(&p->tracees, st.parent);
	if (maker && maker != x && !maker->parked) {
		inherit(p, x, maker);
		unpark(p, x);
		return;
	}
	/* A child that its dead parent left to us. Whose it was cannot be
	 * told for sure, and it has not run yet. */
	(void)kill(x->tid, SIGKILL);
	unpark(p, x);
}

void ptracer_settle(struct ptracer *p)
{
	if (p->n_parked)
		tracees_each(&p->tracees, look_up, p);
}

/* It has ended, or its id has. */
static void drop(struct ptracer *p, pid_t tid)
{
	struct tracee *x = tracees_find(&p->tracees, tid);

	if (x && x->parked)
		p->n_parked--;
	if (x)
		injection_drop(p, x);
	tracees_remove(&p->tracees, tid);
}

/* --- exec --- */

static bool stopped_valid(const struct request *q _unused_)
{
	return true; /* a tracee's id is not free before we reap it */
}

static void exec_go_on(struct request *q)
{
	ptracer_cont(q->tid, 0);
}

/* The old image is gone; there is nobody to give an error to. */
static void exec_answer(struct request *q, int64_t value _unused_,
			int error _unused_)
{
	(void)kill(q->pid, SIGKILL);
	ptracer_cont(q->tid, 0);
}

static void exec_inject(struct request *q, int fd _unused_,
			bool cloexec _unused_)
{
	exec_answer(q, 0, 0);
}

static const struct backend exec_backend = { .source = "ptrace",
					     .valid = stopped_valid,
					     .go_on = exec_go_on,
					     .answer = exec_answer,
					     .inject = exec_inject };

/* tid is the process' id: whoever called execve has it now. */
static void on_exec(struct ptracer *p, struct tracee *x)
{
	unsigned long old = 0;
	struct command *c;
	struct request *q;

	if (ptrace(PTRACE_GETEVENTMSG, x->tid, NULL, &old) == 0 &&
	    (pid_t)old != x->tid)
		drop(p, (pid_t)old);
	/* What the leader was held in died with it. */
	x->request = NULL;
	injection_drop(p, x);
	c = ptracer_command(p, x);
	q = c ? request_new(c, &exec_backend) : NULL;
	if (!q) { /* nobody's, or no memory: nobody would judge it */
		(void)kill(x->tid, SIGKILL);
		ptracer_cont(x->tid, 0);
		return;
	}
	q->tid = q->pid = x->tid;
	q->nr = SYS_execve;
	q->name = "execve";
	if (!p->tracer->settings.ptrace_execve || exec_image(q))
		request_continue(q);
}

/* --- stops --- */

static bool is_stop_signal(int signo)
{
	return signo == SIGSTOP || signo == SIGTSTP || signo == SIGTTIN ||
	       signo == SIGTTOU;
}

static void on_event_stop(struct ptracer *p, struct tracee *x, int signo)
{
	if (is_stop_signal(signo)) {
		(void)call(PTRACE_LISTEN, x->tid, 0);
		return;
	}
	if (x->pid == 0) { /* its maker's event is still to come */
		x->parked = true;
		p->n_parked++;
		return;
	}
	if (!x->started)
		start(p, x);
	else if (x->injection)
		injection_resume(x, 0);
	else
		ptracer_cont(x->tid, 0);
}

void ptracer_stopped(struct ptracer *p, struct tracee *x, int status)
{
	int event = status >> 16, signo = WSTOPSIG(status);

	if (x->injection && (signo == (SIGTRAP | SYSCALL_STOP) ||
			     event == PTRACE_EVENT_SECCOMP)) {
		injection_stop(p, x);
		return;
	}
	switch (event) {
	case PTRACE_EVENT_SECCOMP:
		ptracer_on_call(p, x);
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		on_made(p, x, event);
		ptracer_cont(x->tid, 0);
		break;
	case PTRACE_EVENT_EXEC:
		on_exec(p, x);
		break;
	case PTRACE_EVENT_STOP:
		on_event_stop(p, x, signo);
		break;
	case 0: /* a signal is about to be delivered */
		/* SIGSTOP, that may come to nothing when SIGCONT follows */
		if (x->injection)
			injection_resume(x, signo);
		else
			ptracer_cont(x->tid, signo & SYSCALL_STOP ? 0 : signo);
		break;
	default:
		ptracer_cont(x->tid, 0);
		break;
	}
}

bool ptracer_waited(struct ptracer *p, pid_t pid, int status)
{
	struct tracee *x;

	if (!WIFSTOPPED(status)) {
		drop(p, pid);
		return false;
	}
	x = tracees_get(&p->tracees, pid);
	if (!x) { /* without memory nothing can be followed */
		(void)kill(pid, SIGKILL);
		ptracer_cont(pid, 0);
		return true;
	}
	ptracer_stopped(p, x, status);
	return true;
}

struct forgetting {
	const struct command *command;
};

static void forget(struct tracee *x, void *arg)
{
	if (x->command == ((struct forgetting *)arg)->command)
		x->command = NULL;
}

void ptracer_forget(struct ptracer *p, const struct command *c)
{
	struct forgetting f = { c };

	tracees_each(&p->tracees, forget, &f);
}

void ptracer_escaped(struct request *q)
{
	struct event e = EVENT_INIT("ptrace_escape");

	request_event(q, &e);
	e.action = EVENT_BLOCKED;
	e.operation = STR("a process that is not traced");
	event_add_str(&e, "syscall", str_from(q->name));
	event_add_str(&e, "outcome", STR("killed"));
	(void)sink_emit(&q->tracer->sink, &e); /* killed in any case */
	request_kill(q);
}
