/* SPDX-License-Identifier: MIT */
/*
 * classes.c - which classes of system calls a session's supervisor judges
 */
#include "confine/landlock.h"
#include "confine/seccomp.h"
#include "tracer/tracer.h"

bool session_can_trace(const struct tracer *t)
{
	return t->settings.ptrace && t->ptrace_error == 0;
}

/* What ptrace does, it does instead of notifications. */
static uint32_t less_by_ptrace(const struct tracer *t, uint32_t notify)
{
	const struct settings *s = &t->settings;

	/* The image is looked at when it starts, not when it first calls. */
	if (s->ptrace_execve)
		notify &= ~(uint32_t)NOTIFY_POSTEXEC;
	if (!t->by_ptrace)
		return notify;
	notify &= ~(uint32_t)NOTIFY_POSTEXEC;
	notify |= NOTIFY_SIGNAL; /* the holder is in the commands' domain */
	if (!s->ptrace_execve)
		notify &= ~(uint32_t)NOTIFY_EXEC;
	if (!s->ptrace_file)
		notify &=
			~(uint32_t)(NOTIFY_OPEN_READ | NOTIFY_OPEN_WRITE |
				    NOTIFY_MUTATE | NOTIFY_META | NOTIFY_STAT);
	if (!s->ptrace_network)
		notify &= ~(uint32_t)(NOTIFY_NET | NOTIFY_RECVMSG);
	if (!s->ptrace_signal)
		notify &= ~(uint32_t)NOTIFY_SIGNAL;
	return notify;
}

bool session_signals_bounded(const struct tracer *t)
{
	const struct settings *s = &t->settings;

	return !s->notify_signals && s->landlock && landlock_abi() >= 6 &&
	       t->landlock_fd >= 0;
}

uint32_t session_classes(const struct tracer *t)
{
	const struct settings *s = &t->settings;
	uint32_t notify;

	if (t->floor_only || (!s->notify && !t->by_ptrace))
		return 0;
	notify = NOTIFY_EXEC | NOTIFY_POSTEXEC | NOTIFY_META | NOTIFY_DENIED;
	if (s->file_monitor) {
		notify |= NOTIFY_OPEN_WRITE | NOTIFY_MUTATE;
		if (!t->by_ptrace)
			notify |= NOTIFY_CHDIR;
		/* A denial inside what Landlock grants has no other guard. */
		if (!s->write_only_opens || t->reads_on_behalf)
			notify |= NOTIFY_OPEN_READ;
		if (t->trash)
			notify |= NOTIFY_FTRUNCATE;
		/* What is elsewhere must look as if it were here. */
		if (s->intercept_metadata ||
		    policy_redirect_dirs(t->policy, NULL, 0) > 0)
			notify |= NOTIFY_STAT;
	}
	if (s->net_notify)
		notify |= NOTIFY_NET;
	/* a namespace's stub answers from the address that was asked */
	if (s->net_notify && s->dns_port && t->net_ns < 0)
		notify |= NOTIFY_RECVMSG;
	/* Before ABI 6, and without Landlock, nothing else keeps commands from
	 * killing us; with it, launcher and zygotes are in their domain. */
	notify |= NOTIFY_SIGNAL;
	return session_can_trace(t) ? less_by_ptrace(t, notify) : notify;
}
