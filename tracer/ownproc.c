/* SPDX-License-Identifier: MIT */
/*
 * ownproc.c - what procfs would show us of ourselves, and no caller
 *
 * The kernel asks whether the reader could trace a process before it shows its
 * memory or follows one of its links (cwd, fd/N). Commands may not trace us.
 * But when we look for them it is we who are asked about, and everybody may
 * trace themselves: /proc/OURS/fd/4 would be the memory that we share with the
 * server. So such links are not followed, whoever's descriptor they lead
 * through, and the files beside them are closed (file_is_ours()).
 */
#include "tracer/ownproc.h"

#include <stdint.h>
#include <unistd.h>

#include "base/num.h"
#include "tracer/command.h"
#include "tracer/launcher.h"
#include "tracer/slot.h"
#include "tracer/tracer.h"

static bool is_worker(const struct tracer *t, pid_t pid)
{
	for (const struct command *c = t->commands; c; c = c->next)
		for (size_t i = 0; i < COMMAND_MAX_WORKERS; i++)
			if (c->workers[i] == pid)
				return true;
	return false;
}

/* What the launcher started is none of the commands, which are our children;
 * nor is a child of ours that never left our session: commands have one each,
 * unless they share it with us (`run`). */
static bool is_helper(const struct tracer *t, pid_t pid)
{
	struct proc_stat st;

	if (proc_stat_read(pid, &st) < 0)
		return false;
	return (t->launcher && st.parent == launcher_pid(t->launcher)) ||
	       (!t->same_group && st.parent == getpid() &&
		st.session == getsid(0));
}

bool ownproc_is(const struct tracer *t, pid_t pid)
{
	if (pid <= 0)
		return false;
	return pid == getpid() ||
	       (t->launcher && pid == launcher_pid(t->launcher)) ||
	       slot_is_zygote(t, pid) || is_worker(t, pid) || is_helper(t, pid);
}

bool ownproc_may_follow(const struct tracer *t, struct str dir)
{
	struct str rest = str_skip(dir, 6), part;
	uint64_t pid;

	if (!t)
		return true;
	if (!str_starts(dir, STR("/proc/")))
		return false;
	if (!str_split(&rest, '/', &part) || num_parse_u64(part, &pid) < 0)
		return true; /* no process's */
	return pid <= INT32_MAX && !ownproc_is(t, (pid_t)pid);
}
