/* SPDX-License-Identifier: MIT */
/*
 * detect.c - what this host lets agentsh enforce, in agentsh's terms
 */
#include "cli/detect.h"

#include <stdio.h>

static struct detect_backend *add(struct detect_domain *d, const char *name,
				  bool available, const char *description)
{
	struct detect_backend *b = &d->backends[d->n_backends++];

	b->name = name;
	b->description = description;
	b->available = available;
	b->check_method = "probe";
	return b;
}

static void detail(struct detect_backend *b, const char *text)
{
	(void)snprintf(b->detail, sizeof(b->detail), "%s", text);
}

/* A probe's answer: nothing when it worked, else why not. */
static struct detect_backend *add_probe(struct detect_domain *d,
					const char *name,
					const struct probe_item *item,
					const char *description)
{
	struct detect_backend *b = add(d, name, item->works, description);

	if (!item->works)
		detail(b,
		       item->error ? strerror(item->error) : "not available");
	return b;
}

static void set_abi(struct detect_backend *b, int abi)
{
	if (b->available)
		(void)snprintf(b->detail, sizeof(b->detail), "ABI v%d", abi);
	else
		detail(b, "not available");
}

static const char *pick(const struct detect_domain *d, const char *const *order,
			size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < d->n_backends; j++)
			if (d->backends[j].available &&
			    strcmp(d->backends[j].name, order[i]) == 0)
				return order[i];
	return "none";
}

static void file_domain(struct detect *d)
{
	static const char *const order[] = { "landlock", "fuse",
					     "seccomp-notify" };
	struct detect_domain *dom = &d->domains[DETECT_FILE];
	struct detect_backend *b;

	*dom = (struct detect_domain){ .name = "File Protection",
				       .weight = 25 };
	b = add_probe(dom, "fuse", &d->probe.fuse,
		      "file interception, soft-delete, redirect");
	if (b->available)
		detail(b, "direct");
	b = add_probe(dom, "landlock", &d->probe.landlock,
		      "kernel path restrictions");
	set_abi(b, d->probe.landlock_abi);
	(void)add_probe(dom, "seccomp-notify", &d->probe.notify,
			"openat/stat enforcement");
	dom->active = pick(dom, order, ARRAY_LEN(order));
}

static void command_domain(struct detect *d)
{
	static const char *const order[] = { "seccomp-execve", "ptrace" };
	struct detect_domain *dom = &d->domains[DETECT_COMMAND];
	struct detect_backend *b;

	*dom = (struct detect_domain){ .name = "Command Control",
				       .weight = 25 };
	(void)add_probe(dom, "seccomp-execve", &d->probe.notify,
			"execve interception");
	b = add(dom, "ptrace", false, "syscall tracing");
	if (d->probe.ptrace.works)
		detail(b, "available, not active (enable ptrace mode)");
	else
		detail(b, strerror(d->probe.ptrace.error));
	dom->active = pick(dom, order, ARRAY_LEN(order));
}

static void network_domain(struct detect *d)
{
	static const char *const order[] = { "ebpf", "landlock-network" };
	struct detect_domain *dom = &d->domains[DETECT_NETWORK];
	struct detect_backend *b;

	*dom = (struct detect_domain){ .name = "Network", .weight = 20 };
	detail(add(dom, "ebpf", false, "network monitoring"),
	       "not used by this agentsh");
	b = add(dom, "landlock-network",
		d->probe.landlock.works && d->probe.landlock_abi >= 4,
		"TCP bind/connect filtering");
	if (b->available)
		set_abi(b, d->probe.landlock_abi);
	else
		detail(b, "needs ABI v4");
	dom->active = pick(dom, order, ARRAY_LEN(order));
}

static void resource_domain(struct detect *d)
{
	static const char *const order[] = { "cgroups-v2", "cgroups-v1",
					     "rlimits" };
	struct detect_domain *dom = &d->domains[DETECT_RESOURCES];
	const struct cgroup_root_info *c = &d->cgroup;
	bool v2 = c->memory == CGROUP_V2 || c->pids == CGROUP_V2 ||
		  c->cpu == CGROUP_V2;
	bool v1 = c->memory == CGROUP_V1 || c->pids == CGROUP_V1 ||
		  c->cpu == CGROUP_V1;
	struct detect_backend *b;

	*dom = (struct detect_domain){ .name = "Resource Limits",
				       .weight = 15 };
	b = add(dom, "cgroups-v2", v2, "CPU/memory/process limits");
	detail(b, v2 ? d->cgroup_text : "not available");
	if (v1) {
		b = add(dom, "cgroups-v1", true, "CPU/memory/process limits");
		detail(b, d->cgroup_text);
	}
	dom->active = pick(dom, order, ARRAY_LEN(order));
}

static void isolation_domain(struct detect *d)
{
	static const char *const order[] = { "pid-namespace",
					     "capability-drop" };
	struct detect_domain *dom = &d->domains[DETECT_ISOLATION];

	*dom = (struct detect_domain){ .name = "Isolation", .weight = 15 };
	(void)add_probe(dom, "pid-namespace", &d->probe.pid_ns,
			"process isolation");
	(void)add_probe(dom, "capability-drop", &d->probe.caps_drop,
			"privilege reduction");
	dom->active = pick(dom, order, ARRAY_LEN(order));
}

/* From the strongest to the weakest. */
static const char *mode_of(const struct probe *p)
{
	bool network = (p->landlock.works && p->landlock_abi >= 4) ||
		       p->net_ns.works;

	if (p->notify.works && p->landlock.works && p->fuse.works && network)
		return "full";
	if (p->landlock.works && p->fuse.works)
		return "landlock";
	return p->landlock.works ? "landlock-only" : "minimal";
}

void detect_evaluate(struct detect *d)
{
	file_domain(d);
	command_domain(d);
	network_domain(d);
	resource_domain(d);
	isolation_domain(d);
	d->mode = mode_of(&d->probe);
	d->score = 0;
	for (size_t i = 0; i < DETECT_DOMAINS; i++) {
		struct detect_domain *dom = &d->domains[i];

		for (size_t j = 0; j < dom->n_backends; j++)
			if (dom->backends[j].available)
				dom->score = dom->weight;
		d->score += dom->score;
	}
}

void detect_run(struct detect *d)
{
	struct cgroup_root *root = NULL;

	*d = (struct detect){ 0 };
	probe_run(&d->probe);
	if (cgroup_root_open(NULL, &root) == 0) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		cgroup_root_info(root, &d->cgroup);
		cgroup_root_describe(root, &b);
		(void)snprintf(d->cgroup_text, sizeof(d->cgroup_text), "%s",
			       buf_cstr(&b));
		(void)cgroup_root_close(root);
	}
	detect_evaluate(d);
}
