/* SPDX-License-Identifier: MIT */
/*
 * decode_signal.c - kill, tkill, tgkill, pidfd_send_signal and the queue
 * forms: only the sandbox's own processes can be hit
 *
 * Arguments are scalars, so what is judged is what the kernel uses; only a pid
 * may come to mean another process in between, and Landlock's signal scope
 * (ABI 6) is the floor for that.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/proc.h"
#include "tracer/notify.h"

static void on_judged(void *arg, struct verdict v)
{
	if (v.kind == VERDICT_ALLOW || v.kind == VERDICT_AUDIT)
		request_continue(arg);
	else
		request_fail(arg, EPERM);
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

/* In the command: below its first process, or one that made itself known. */
static bool in_command(const struct request *q, pid_t pid)
{
	const struct proc_entry *e = proctab_find(&q->command->procs, pid);
	struct proc_stat st;

	if (proc_stat_read(pid, &st) < 0)
		return false;
	if (e && st.start_ticks == e->start_ticks)
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

static unsigned int relation_to(const struct request *q, pid_t target)
{
	struct proc_stat st;
	unsigned int rel = 0;

	if (target <= 2)
		return SIGREL_SYSTEM | SIGREL_EXTERNAL;
	if (target == q->pid || target == q->tid)
		rel |= SIGREL_SELF;
	if (proc_stat_read(target, &st) == 0 && st.parent == q->pid)
		rel |= SIGREL_CHILD | SIGREL_DESCENDANT;
	else if (descends(target, q->pid))
		rel |= SIGREL_DESCENDANT;
	if (proc_stat_read(q->pid, &st) == 0 && st.parent == target)
		rel |= SIGREL_PARENT;
	rel |= in_command(q, target) ? SIGREL_SESSION
				     : SIGREL_EXTERNAL | SIGREL_USER;
	return rel;
}

/* The process behind the caller's pidfd: "Pid:" of its fdinfo. */
static pid_t pid_of_pidfd(const struct request *q, int fd)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char path[64];
	ptrdiff_t at;
	struct str rest, line;
	int64_t pid;

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
	return pid > 0 ? (pid_t)pid : 0;
}

struct signal_call {
	int64_t target; /* as the call has it: 0, -1 and -pgrp too */
	int signo;
};

static struct signal_call arguments(const struct request *q)
{
	const uint64_t *a = q->args;

	switch (q->nr) {
	case SYS_tgkill:
	case SYS_rt_tgsigqueueinfo:
		return (struct signal_call){ (int)a[0], (int)a[2] };
	case SYS_pidfd_send_signal:
		return (struct signal_call){ pid_of_pidfd(q, (int)a[0]),
					     (int)a[1] };
	default:
		return (struct signal_call){ (int)a[0], (int)a[1] };
	}
}

/* 0: the caller's own group; -1: everyone; else the group named. */
static unsigned int group_relation(const struct request *q, int64_t target)
{
	if (target == 0)
		return SIGREL_SESSION | SIGREL_SELF;
	/* Everyone is the sandbox only where the floor's scope makes it so. */
	if (target == -1 && q->tracer->landlock.scope_signal)
		return SIGREL_SESSION;
	if (target == -1)
		return SIGREL_EXTERNAL;
	return group_in_command(q, (pid_t)-target)
		       ? SIGREL_SESSION
		       : SIGREL_EXTERNAL | SIGREL_USER;
}

void decode_kill(struct request *q)
{
	struct signal_call c = arguments(q);
	_cleanup_buf_ struct buf comm = BUF_INIT;
	struct op op = { .kind = OP_SIGNAL };
	struct event e = EVENT_INIT("signal_sent");
	bool ours;

	op.sig.signo = c.signo;
	op.sig.target = (pid_t)c.target;
	op.sig.relation = c.target > 0 ? relation_to(q, (pid_t)c.target)
				       : group_relation(q, c.target);
	if (c.target > 0 && proc_comm((pid_t)c.target, &comm) == 0)
		op.sig.comm = buf_str(&comm);
	ours = (op.sig.relation & SIGREL_SESSION) != 0;
	if (!request_valid(q)) {
		request_fail(q, EPERM);
		return;
	}
	if (ours && !policy_has_signal_rules(guard_policy(q->tracer->guard))) {
		request_continue(q);
		return;
	}
	if (!ours && !policy_has_signal_rules(guard_policy(q->tracer->guard)))
		op.kind = OP_NONE;
	request_event(q, &e);
	e.operation = str_from(q->name);
	event_add_int(&e, "signal", c.signo);
	event_add_int(&e, "target_pid", c.target);
	request_ask(q, &op, NULL, &e, on_judged);
}
