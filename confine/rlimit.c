/* SPDX-License-Identifier: MIT */
/*
 * rlimit.c - resource limits for hosts whose cgroups we may not use
 */
#include "confine/rlimit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macro.h"

static int add(struct confine_plan *plan, int resource, uint64_t value)
{
	if (plan->n_rlimits >= ARRAY_LEN(plan->rlimits))
		return -ENOSPC;
	plan->rlimits[plan->n_rlimits++] = (struct confine_rlimit){
		.resource = resource, .soft = value, .hard = value
	};
	return 0;
}

static void name(struct buf *b, const char *word)
{
	if (b)
		buf_printf(b, "%s%s", b->len ? " " : "", word);
}

/*
 * Threads this user runs now. The kernel keeps that number but does not show
 * it; a task directory has two links more than it has threads.
 */
static uint64_t threads_of_user(void)
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	const struct dirent *e;
	uint64_t n = 0;

	while (proc && (e = readdir(proc))) {
		char path[300];
		struct stat st;

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/task", e->d_name);
		if (stat(path, &st) == 0 && st.st_uid == getuid())
			n += st.st_nlink > 2 ? st.st_nlink - 2 : 1;
	}
	return n;
}

int rlimit_fallback(const struct cgroup_limits *limits,
		    const struct cgroup_root_info *have,
		    struct confine_plan *plan, struct buf *unmet,
		    struct buf *weaker)
{
	static const struct cgroup_root_info nothing = { 0 };
	int r = add(plan, RLIMIT_CORE, 0);

	if (!have)
		have = &nothing;
	if (r == 0 && limits->memory_bytes && have->memory == CGROUP_NONE) {
		r = add(plan, RLIMIT_DATA, limits->memory_bytes);
		name(weaker, "memory");
	}
	if (r == 0 && limits->pids && have->pids == CGROUP_NONE) {
		if (getuid() == 0) {
			name(unmet, "pids");
		} else {
			r = add(plan, RLIMIT_NPROC,
				threads_of_user() + limits->pids);
			name(weaker, "pids");
		}
	}
	if (limits->cpu_percent && have->cpu == CGROUP_NONE)
		name(unmet, "cpu");
	return r;
}
