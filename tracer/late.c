/* SPDX-License-Identifier: MIT */
/*
 * late.c - limits for a command that is running already
 *
 *	exec ──5 ms──▶ cgroup made, every process of the command moved in
 *	  │ before
 *	  ▼
 *	 end: no cgroup was ever made
 *
 * On v1 a process enters a cgroup by being moved, and the kernel waits for all
 * CPUs at that (10 to 20 ms); finding out what the host's hierarchies allow,
 * making the directories and removing them costs as much CPU as starting three
 * programs. `agentsh run` has one command, most are short, and limits are not
 * for what takes 5 ms. What is given up is said in decision 0011: in this time
 * the number of processes and the CPU are not limited, memory per process and
 * by RLIMIT_DATA alone, and what was touched is not charged afterwards.
 *
 * Whoever forks while the members are moved one by one is found in the next
 * round; who was born of a member is one. With as many processes as a fork
 * bomb has after 5 ms the rounds are still faster than the forks unless they
 * take our CPU, so before it comes to that they get the lowest priority. What
 * is still ahead of us then is killed, which is what the limit would end in.
 *
 * Not with a low limit of processes, and not where v2 is all there is: entering
 * is cheaper there, and to use its controllers may need that nobody but us is in
 * our cgroup.
 */
#include "tracer/late.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/log.h"
#include "confine/rlimit.h"
#include "tracer/command.h"
#include "tracer/launch.h"
#include "tracer/tracer.h"

#define LATE_NS     (5ULL * 1000000)
#define ROUNDS_MAX  32
#define ROUNDS_KIND 2 /* without touching priorities */
#define LOWEST      19
#define MEMBERS_MAX 1024
/* A smaller limit of processes may be reached by what is no fork bomb. */
#define PIDS_MIN 256

struct members {
	struct command *c;
	pid_t pids[MEMBERS_MAX];
	size_t n;
	bool slow; /* they get the lowest priority */
	int error; /* of moving one */
};

bool late_is_wanted(const struct tracer *t)
{
	struct statfs fs;

	return t->direct && t->settings.cgroups && !t->no_cgroup &&
	       (t->pids_limit == 0 || t->pids_limit >= PIDS_MIN) &&
	       statfs("/sys/fs/cgroup", &fs) == 0 &&
	       (unsigned long)fs.f_type != CGROUP2_SUPER_MAGIC;
}

int late_plan_rlimits(struct launch *l, const struct proto_limits *p)
{
	const struct cgroup_limits memory = { .memory_bytes = p->memory_bytes };
	int r = rlimit_fallback(&memory, NULL, &l->plan, NULL, NULL);

	/* Only the soft one: it shall be as it was once the cgroup holds. */
	for (unsigned int i = 0; i < l->plan.n_rlimits; i++)
		if (l->plan.rlimits[i].resource == RLIMIT_DATA)
			l->plan.rlimits[i].hard = RLIM_INFINITY;
	return r;
}

static bool is_worker(const struct command *c, pid_t pid)
{
	for (size_t i = 0; i < COMMAND_MAX_WORKERS; i++)
		if (c->workers[i] == pid)
			return true;
	return false;
}

/* Return: false to look no further. */
static bool move(void *arg, pid_t pid)
{
	struct members *m = arg;
	int r;

	for (size_t i = 0; i < m->n; i++)
		if (m->pids[i] == pid)
			return true;
	if (is_worker(m->c, pid))
		return true;
	if (m->n == MEMBERS_MAX) {
		m->error = -E2BIG;
		return false;
	}
	if (m->slow)
		(void)setpriority(PRIO_PROCESS, (id_t)pid, LOWEST);
	r = cgroup_set_attach(m->c->cgroup, pid);
	if (r < 0 && r != -ESRCH) {
		m->error = r;
		return false;
	}
	m->pids[m->n++] = pid;
	return true;
}

/* Return: 0 when every process of the command is in its cgroup. */
static int move_all(struct members *m)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		size_t before = m->n;
		int r;

		m->slow = round >= ROUNDS_KIND;
		r = survivors_each(m->c, move, m);
		if (r < 0 || m->error)
			return r < 0 ? r : m->error;
		if (m->n == before)
			return m->c->limits.pids && m->n > m->c->limits.pids
				       ? -EDQUOT
				       : 0;
	}
	return -EBUSY;
}

static void limit_process(const struct command *c, pid_t pid,
			  const struct confine_plan *p)
{
	bool data = false;
	struct rlimit now, own;

	for (unsigned int i = 0; i < p->n_rlimits; i++) {
		const struct confine_rlimit *l = &p->rlimits[i];
		struct rlimit to = { (rlim_t)l->soft, (rlim_t)l->hard };

		data |= l->resource == RLIMIT_DATA;
		(void)prlimit(pid, (__rlimit_resource_t)l->resource, &to, NULL);
	}
	/* as it was, unless the process has chosen another meanwhile */
	if (!data && c->limits.memory_bytes &&
	    getrlimit(RLIMIT_DATA, &own) == 0 &&
	    prlimit(pid, RLIMIT_DATA, NULL, &now) == 0 &&
	    now.rlim_cur == (rlim_t)c->limits.memory_bytes) {
		now.rlim_cur = MIN(own.rlim_cur, now.rlim_max);
		(void)prlimit(pid, RLIMIT_DATA, &now, NULL);
	}
}

struct settling {
	const struct command *c;
	struct confine_plan plan;
};

static bool settle_one(void *arg, pid_t pid)
{
	const struct settling *s = arg;

	if (!is_worker(s->c, pid))
		limit_process(s->c, pid, &s->plan);
	return true;
}

/* What the host's cgroups do not limit is limited per process from here on,
 * and what they do no longer is. */
static void settle_rlimits(struct command *c)
{
	const struct cgroup_limits limits = {
		.memory_bytes = c->limits.memory_bytes, .pids = c->limits.pids
	};
	struct cgroup_root_info have = { 0 };
	struct settling s = { .c = c };

	if (c->cgroup)
		cgroup_root_info(c->tracer->cgroups, &have);
	if (rlimit_fallback(&limits, &have, &s.plan, NULL, NULL) == 0)
		(void)survivors_each(c, settle_one, &s);
}

static int limit_all(struct command *c)
{
	struct tracer *t = c->tracer;
	_cleanup_free_ struct members *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	if (!t->cgroups &&
	    cgroup_root_open(t->settings.cgroup_base, &t->cgroups) < 0)
		t->cgroups = NULL;
	m->c = c;
	c->cgroup =
		command_make_cgroup(t, c->id, &c->limits, &c->limits_missing);
	return c->cgroup ? move_all(m) : 0;
}

static void limit(struct command *c)
{
	int r = limit_all(c);

	if (r == 0) {
		settle_rlimits(c);
		return;
	}
	(void)log_error_errno(r, "the command cannot be limited: killed");
	c->leftovers += survivors_kill(c);
	if (c->cgroup)
		(void)cgroup_set_kill(c->cgroup, NULL);
}

static void on_timer(struct loop *loop _unused_, void *arg)
{
	struct command *c = arg;

	c->late = loop_remove(c->late);
	limit(c);
}

void late_start(struct command *c)
{
	if (c->tracer->late &&
	    loop_add_timer(c->tracer->loop, LATE_NS, on_timer, c, &c->late) < 0)
		limit(c);
}
