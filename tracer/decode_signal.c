/* SPDX-License-Identifier: MIT */
/*
 * decode_signal.c - kill, tkill, tgkill, pidfd_send_signal and the queue
 * forms: only the sandbox's own processes can be hit
 *
 * Arguments are scalars, so what is judged is what the kernel uses; only a pid
 * may come to mean another process in between, and Landlock's signal scope
 * (ABI 6) is the floor for that. What a pidfd's number means any thread can
 * change: such a signal is sent here (pidfd_signal.c).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/proc.h"
#include "tracer/identity.h"
#include "tracer/notify.h"
#include "tracer/pidfd_signal.h"
#include "tracer/slot.h"

/* Instead of a pidfd: the calling thread, its process (6.14). */
#define SELF_THREAD  (-10000) /* PIDFD_SELF_THREAD */
#define SELF_PROCESS (-10001) /* PIDFD_SELF_THREAD_GROUP */

/* One signal that is to be sent. */
struct signal_call {
	int64_t target; /* pid, 0 (own group) or -pgrp */
	int signo;
	pid_t thread;   /* tgkill, tkill; 0 = the process */
	int pidfd;      /* owned: of the process judged; -1 for groups */
	pid_t of_pidfd; /* whom the caller's pidfd is for, process or thread */
	bool bad;       /* cannot be told whom it is for */
	bool gone;      /* a pidfd of a process that has ended */
};

static void signal_free(void *data)
{
	struct signal_call *c = data;

	if (c->pidfd >= 0)
		(void)close(c->pidfd);
	free(c);
}

/* Another signal than the one asked for, sent here, to what was judged. */
static int send_instead(const struct request *q, const struct signal_call *c,
			int signo)
{
	pid_t own = 0;
	int r;

	if (c->pidfd >= 0 && c->thread > 0)
		r = (int)syscall(SYS_tgkill, c->target, c->thread, signo);
	else if (c->pidfd >= 0)
		r = (int)syscall(SYS_pidfd_send_signal, c->pidfd, signo, NULL,
				 0);
	else {
		struct proc_stat st;

		if (c->target == 0 && proc_stat_read(q->pid, &st) == 0)
			own = st.pgrp;
		/* never 0 or 1: that would be our own group, or everyone */
		own = c->target < -1 ? (pid_t)-c->target : own;
		r = own > 1 ? kill(-own, signo) : (errno = EPERM, -1);
	}
	return r < 0 ? errno : 0;
}

/* The process judged may have ended while a person was asked. */
static bool is_over(const struct signal_call *c)
{
	struct pollfd p = { .fd = c->pidfd, .events = POLLIN };

	return c->pidfd >= 0 && poll(&p, 1, 0) == 1;
}

static bool is_of_session(const struct request *q, pid_t pid);

/* It may be sent: goes on, or is sent here, to whom it was judged for. */
static void deliver(struct request *q, const struct signal_call *c)
{
	int fd = (int)q->args[0], r;

	if (q->nr != SYS_pidfd_send_signal || fd == SELF_THREAD ||
	    fd == SELF_PROCESS) {
		request_continue(q);
		return;
	}
	/* As Landlock has it, which does not bound us. */
	if (session_signals_bounded(q->tracer) && !c->gone &&
	    !is_of_session(q, c->of_pidfd))
		r = -EPERM;
	else if (c->gone)
		r = -ESRCH;
	else
		r = pidfd_signal(q, c->of_pidfd, c->pidfd, (pid_t)-c->target);
	if (r < 0)
		request_fail(q, -r);
	else
		request_return(q, 0);
}

static void on_judged(void *arg, struct verdict v)
{
	struct request *q = arg;
	const struct signal_call *c = q->data;
	struct policy_signal s =
		policy_rule_signal(guard_policy(q->tracer->guard), v);
	int r;

	switch (v.kind) {
	case VERDICT_ALLOW:
	case VERDICT_AUDIT:
		if (is_over(c))
			request_fail(q, ESRCH);
		else
			deliver(q, c);
		return;
	case VERDICT_REDIRECT:
		r = s.redirect ? send_instead(q, c, s.redirect) : EPERM;
		if (r)
			request_fail(q, r);
		else
			request_return(q, 0);
		return;
	case VERDICT_DENY:
		if (s.absorb) {
			request_return(q, 0);
			return;
		}
		break;
	case VERDICT_APPROVE:
	case VERDICT_SOFT_DELETE:
	case VERDICT_KIND_MAX:
		break;
	}
	request_fail(q, EPERM);
}

static bool descends(pid_t pid, pid_t from)
{
	struct proc_stat st;

	for (int i = 0; i < 64 && pid > 1; i++) {
		if (pid == from)
			return true;
		if (proc_stat_read(pid, &st) < 0)
			return false;
		pid = st.parent;
	}
	return false;
}

/*
 * Launcher and zygotes are in the commands' Landlock domain and cgroups, but not
 * in sessions that commands made.
 */
static bool is_helper(const struct request *q, const struct proc_stat *st)
{
	return !q->tracer->same_group &&
	       (st->session == getsid(0) ||
		slot_is_zygote(q->tracer, st->session));
}

/* In the command: below its first process, or one that made itself known. */
static bool in_command(const struct request *q, pid_t pid)
{
	const struct proc_entry *e = proctab_find(&q->command->procs, pid);
	struct proc_stat st;

	if (proc_stat_read(pid, &st) < 0 || is_helper(q, &st))
		return false;
	if (e && proctab_is_same(e))
		return true;
	if (q->command->cgroup)
		return cgroup_set_contains(q->command->cgroup, pid);
	/* Sessions are made inside: nobody can join one from elsewhere. */
	return st.session == q->command->pid ||
	       descends(pid, q->command->pid) ||
	       (st.session != pid &&
		proctab_find(&q->command->procs, st.session) != NULL);
}

/* All of a process group, whose leader may have gone. */
static bool group_in_command(const struct request *q, pid_t pgrp)
{
	_cleanup_closedir_ DIR *d = opendir("/proc");
	const struct dirent *e;
	bool any = false;

	while (d && (e = readdir(d))) {
		struct proc_stat st;
		uint64_t pid;

		if (num_parse_u64(str_from(e->d_name), &pid) < 0 ||
		    proc_stat_read((pid_t)pid, &st) < 0 || st.pgrp != pgrp)
			continue;
		if (!in_command(q, (pid_t)pid))
			return false;
		any = true;
	}
	return any;
}

/* The owner of /proc/PID is its effective uid, or root where it hides. */
static bool same_user(pid_t a, pid_t b)
{
	struct stat sa, sb;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d", a);
	if (stat(path, &sa) < 0)
		return true; /* the rule that says more */
	(void)snprintf(path, sizeof(path), "/proc/%d", b);
	return stat(path, &sb) < 0 || sa.st_uid == sb.st_uid;
}

static unsigned int relation_to(const struct request *q, pid_t target)
{
	struct proc_stat st, own = { 0 };
	unsigned int rel = 0;

	if (target <= 2)
		return SIGREL_SYSTEM | SIGREL_EXTERNAL;
	if (target == q->pid || target == q->tid)
		rel |= SIGREL_SELF;
	if (proc_stat_read(target, &st) == 0 && st.parent == q->pid)
		rel |= SIGREL_CHILD | SIGREL_DESCENDANT;
	else if (target != q->pid && descends(target, q->pid))
		rel |= SIGREL_DESCENDANT;
	if (proc_stat_read(q->pid, &own) == 0 && own.parent == target)
		rel |= SIGREL_PARENT;
	else if (target != q->pid && own.parent > 0 &&
		 proc_stat_read(target, &st) == 0 && st.parent == own.parent)
		rel |= SIGREL_SIBLING;
	if (in_command(q, target))
		return rel | SIGREL_SESSION;
	return rel | SIGREL_EXTERNAL |
	       (same_user(q->pid, target) ? SIGREL_USER : 0);
}

/* The process behind the caller's pidfd: "Pid:" of its fdinfo; 0: none. */
static pid_t pid_of_pidfd(const struct request *q, int fd)
{
	_cleanup_identity_ struct identity *was = identity_look();
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[64];
	ptrdiff_t at;
	struct str rest, line;
	int64_t pid;

	if (fd == SELF_THREAD || fd == SELF_PROCESS)
		return q->pid;
	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", q->tid, fd);
	if (fd_read_file(AT_FDCWD, path, 4096, &text) < 0)
		return 0;
	at = str_find(buf_str(&text), STR("\nPid:"));
	if (at < 0)
		return 0;
	rest = str_skip(buf_str(&text), (size_t)at + 5);
	if (!str_split(&rest, '\n', &line) ||
	    num_parse_i64(str_trim(line), &pid) < 0)
		return 0;
	return pid > 0 ? (pid_t)pid : pid < 0 ? -1 : 0; /* -1: it has ended */
}

/* Adds what a signal call names. */
static void arguments(const struct request *q, struct signal_call *c)
{
	const uint64_t *a = q->args;
	struct proc_stat st;

	c->target = (int)a[0];
	c->signo = (int)a[1];
	switch (q->nr) {
	case SYS_tgkill:
	case SYS_rt_tgsigqueueinfo:
		c->thread = (int)a[1];
		c->signo = (int)a[2];
		break;
	case SYS_tkill:
		c->thread = (int)a[0];
		break;
	case SYS_pidfd_send_signal:
		c->target = pid_of_pidfd(q, (int)a[0]);
		c->gone = c->target < 0;
		c->bad = c->target <= 0;
		c->of_pidfd = (pid_t)c->target;
		/* PIDFD_SIGNAL_PROCESS_GROUP (6.9) */
		if (!c->bad && ((uint32_t)a[3] & 4)) {
			c->bad = proc_stat_read((pid_t)c->target, &st) < 0;
			c->target = c->bad ? 0 : -(int64_t)st.pgrp;
		}
		break;
	default:
		break;
	}
	c->pidfd = c->target > 0 && !c->bad
			   ? (int)syscall(SYS_pidfd_open, c->target, 0)
			   : -1;
}

/* The strictest of what the rules say of each process that would be hit. */
struct judged {
	const struct request *q;
	struct op op; /* of the strictest */
	struct buf comm;
	struct verdict v;
	bool any;
};

/* The server, its workers, and what helps us: no rule opens these. */
static bool is_supervision(const struct request *q, pid_t pid)
{
	pid_t parent;

	if (in_command(q, pid))
		return false;
	if (pid == getpid() || pid == getppid())
		return true;
	return proc_parent(pid, &parent) == 0 && parent > 1 &&
	       (parent == getpid() || parent == getppid());
}

static void judge_one(struct judged *j, int signo, pid_t pid)
{
	const struct policy *p = guard_policy(j->q->tracer->guard);
	_cleanup_buf_ struct buf comm = BUF_INIT;
	struct op op = { .kind = OP_SIGNAL };
	struct verdict v;

	op.sig.signo = signo;
	op.sig.target = pid;
	op.sig.relation = relation_to(j->q, pid);
	if (proc_comm(pid, &comm) == 0)
		op.sig.comm = buf_str(&comm);
	if (is_supervision(j->q, pid))
		op.kind = OP_NONE;
	v = policy_decide(p, &op);
	if (j->any && verdict_stricter(j->v, v).rule == j->v.rule &&
	    verdict_stricter(j->v, v).kind == j->v.kind)
		return;
	j->v = v;
	j->op = op;
	buf_reset(&j->comm);
	buf_put_str(&j->comm, op.sig.comm);
	j->op.sig.comm = buf_str(&j->comm);
	j->any = true;
}

/* Of a group each member is judged: it may be a child of the sender, or a
 * program that a rule names, where the sender itself is not. */
static void judge_group(struct judged *j, const struct signal_call *c)
{
	_cleanup_closedir_ DIR *d = opendir("/proc");
	const struct dirent *e;
	struct proc_stat own;
	pid_t pgrp = (pid_t)-c->target;

	if (c->target == 0)
		pgrp = proc_stat_read(j->q->pid, &own) == 0 ? own.pgrp : -1;
	while (d && (e = readdir(d))) {
		struct proc_stat st;
		uint64_t pid;

		if (num_parse_u64(str_from(e->d_name), &pid) == 0 &&
		    proc_stat_read((pid_t)pid, &st) == 0 && st.pgrp == pgrp)
			judge_one(j, c->signo, (pid_t)pid);
	}
}

/* What a command of this session started, be it another one; or nobody. */
static bool is_of_session(const struct request *q, pid_t pid)
{
	struct proc_stat st;

	if (pid == getpid())
		return false;
	if (proc_stat_read(pid, &st) < 0)
		return true;
	return descends(pid, getpid()) && !is_helper(q, &st);
}

static bool group_of_session(const struct request *q, pid_t pgrp)
{
	_cleanup_closedir_ DIR *d = opendir("/proc");
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		struct proc_stat st;
		uint64_t pid;

		if (num_parse_u64(str_from(e->d_name), &pid) == 0 &&
		    proc_stat_read((pid_t)pid, &st) == 0 && st.pgrp == pgrp &&
		    !is_of_session(q, (pid_t)pid))
			return false;
	}
	return d != NULL;
}

/*
 * Without rules: the command's own processes, and nobody else's; where Landlock
 * bounds signals, all of the session's, as it would have it.
 */
static bool all_ours(const struct request *q, const struct signal_call *c)
{
	if (session_signals_bounded(q->tracer) && !c->bad && c->target != -1) {
		if (c->target == 0)
			return true;
		return c->target > 0 ? is_of_session(q, (pid_t)c->target)
				     : group_of_session(q, (pid_t)-c->target);
	}
	if (c->bad || c->target == -1)
		return false;
	if (c->target == 0)
		return true;
	return c->target > 0 ? in_command(q, (pid_t)c->target)
			     : group_in_command(q, (pid_t)-c->target);
}

static void judge(struct request *q, const struct signal_call *c)
{
	bool rules = policy_has_signal_rules(guard_policy(q->tracer->guard));
	bool ours = all_ours(q, c);
	struct judged j = { .q = q, .comm = BUF_INIT };
	struct event e = EVENT_INIT("signal_sent");

	if (!request_valid(q)) {
		request_fail(q, EPERM);
		return;
	}
	if (c->gone || (ours && !rules)) {
		deliver(q, c);
		return;
	}
	if (rules && !c->bad && c->target > 0)
		judge_one(&j, c->signo, (pid_t)c->target);
	else if (rules && !c->bad)
		judge_group(&j, c);
	/* Nobody is there, or it cannot be told who: as outside. */
	if (!j.any)
		j.op = (struct op){ .kind = OP_NONE };
	request_event(q, &e);
	e.operation = str_from(q->name);
	event_add_int(&e, "signal", c->signo);
	event_add_int(&e, "target_pid", c->target);
	request_ask(q, &j.op, NULL, &e, on_judged);
	buf_done(&j.comm);
}

void decode_kill(struct request *q)
{
	struct signal_call *c = calloc(1, sizeof(*c));

	if (!c) {
		request_fail(q, ENOMEM);
		return;
	}
	c->pidfd = -1;
	q->data = c;
	q->free_data = signal_free;
	arguments(q, c);
	judge(q, c);
}
