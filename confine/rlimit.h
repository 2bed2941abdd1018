/* SPDX-License-Identifier: MIT */
/*
 * rlimit.h - resource limits for hosts whose cgroups we may not use
 */
#ifndef CONFINE_RLIMIT_H
#define CONFINE_RLIMIT_H

#include "base/str.h"
#include "confine/cgroup.h"
#include "confine/plan.h"

/*
 * Adds to plan->rlimits what stands in for the limits that `have` (what the
 * host's cgroups do; NULL = nothing) cannot set, and no core files:
 *
 *	memory  RLIMIT_DATA, per process. Not RLIMIT_AS: runtimes reserve far
 *		more than they use, and java does not start under it.
 *	pids    RLIMIT_NPROC, counted per user: what this user runs now is
 *		added. Means nothing to uid 0.
 *	cpu     nothing: a rate has no rlimit.
 *
 * What remains unlimited is named in unmet ("pids cpu"; may be NULL), what is
 * only approximated in `weaker`. Return: 0 or -ENOSPC (plan->rlimits full).
 */
int rlimit_fallback(const struct cgroup_limits *limits,
		    const struct cgroup_root_info *have,
		    struct confine_plan *plan, struct buf *unmet,
		    struct buf *weaker);

#endif
