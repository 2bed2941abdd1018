/* SPDX-License-Identifier: MIT */
/*
 * detect.c - what this host lets agentsh enforce, in agentsh's terms
 */
#include "cli/detect.h"

#include <stdio.h>

#include "cli/detect_trial.h"

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

/* What works may still be unused, or may have been got past: no points. */
static void demand(const struct detect *d, struct detect_backend *b,
		   const char *layer, const char *const canaries[3])
{
	struct str why = detect_layer_detail(d, layer);

	/* The layers around us are in the way of trying them once more. */
	if (d->trial && d->inside && !b->available && detect_layer(d, layer)) {
		b->available = true;
		detail(b, "in force around this process");
	}
	if (!d->trial || !b->available)
		return;
	if (!detect_layer(d, layer)) {
		b->available = false;
		(void)snprintf(b->detail, sizeof(b->detail),
			       "works here, but not in a session%s" STR_FMT,
			       why.n ? ": " : "", STR_ARG(why));
		return;
	}
	for (size_t i = 0; i < 3 && canaries[i]; i++) {
		if (!detect_past(d, canaries[i]))
			continue;
		b->available = false;
		(void)snprintf(b->detail, sizeof(b->detail),
			       "in force, but got past (%s)", canaries[i]);
		return;
	}
}

#define CANARIES(...) ((const char *const[3]){ __VA_ARGS__ })

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
	demand(d, b, "fuse", CANARIES(NULL));
	b = add_probe(dom, "landlock", &d->probe.landlock,
		      "kernel path restrictions");
	set_abi(b, d->probe.landlock_abi);
	demand(d, b, "landlock", CANARIES("secret", "create"));
	b = add_probe(dom, "seccomp-notify", &d->probe.notify,
		      "openat/stat enforcement");
	demand(d, b, "notify", CANARIES("secret", "create"));
	dom->active = pick(dom, order, ARRAY_LEN(order));
}

static void command_domain(struct detect *d)
{
	static const char *const order[] = { "seccomp-execve", "ptrace" };
	struct detect_domain *dom = &d->domains[DETECT_COMMAND];
	struct detect_backend *b;

	*dom = (struct detect_domain){ .name = "Command Control",
				       .weight = 25 };
	b = add_probe(dom, "seccomp-execve", &d->probe.notify,
		      "execve interception");
	demand(d, b, "notify", CANARIES("program", "alias"));
	b = add(dom, "ptrace", d->trial && detect_layer(d, "ptrace"),
		"syscall tracing");
	if (b->available)
		(void)snprintf(b->detail, sizeof(b->detail), STR_FMT,
			       STR_ARG(detect_layer_detail(d, "ptrace")));
	else if (d->probe.ptrace.works)
		detail(b, "available, not active (enable ptrace mode)");
	else
		detail(b, strerror(d->probe.ptrace.error));
	dom->active = pick(dom, order, ARRAY_LEN(order));
}

static void network_domain(struct detect *d)
{
	static const char *const order[] = { "ebpf", "seccomp-connect",
					     "landlock-network" };
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
	demand(d, b, "landlock", CANARIES("connect"));
	if (d->trial) {
		b = add_probe(dom, "seccomp-connect", &d->probe.notify,
			      "connect/send enforcement");
		demand(d, b, "notify", CANARIES("connect", "datagram"));
	}
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

	if (d->inside &&
	    str_find(detect_layer_detail(d, "cgroup"), STR("v1:")) >= 0)
		v1 = true;
	*dom = (struct detect_domain){ .name = "Resource Limits",
				       .weight = 15 };
	b = add(dom, "cgroups-v2", v2, "CPU/memory/process limits");
	detail(b, v2 ? d->cgroup_text : "not available");
	if (!(d->inside && v1))
		demand(d, b, "cgroup",
		       CANARIES("processes", "memory", "survivor"));
	if (v1) {
		b = add(dom, "cgroups-v1", true, "CPU/memory/process limits");
		detail(b, d->cgroup_text);
		demand(d, b, "cgroup",
		       CANARIES("processes", "memory", "survivor"));
	}
	dom->active = pick(dom, order, ARRAY_LEN(order));
}

static void isolation_domain(struct detect *d)
{
	static const char *const order[] = { "pid-namespace",
					     "capability-drop" };
	struct detect_domain *dom = &d->domains[DETECT_ISOLATION];
	struct detect_backend *b;

	*dom = (struct detect_domain){ .name = "Isolation", .weight = 15 };
	b = add_probe(dom, "pid-namespace", &d->probe.pid_ns,
		      "process isolation");
	demand(d, b, "pid_namespace", CANARIES(NULL));
	b = add_probe(dom, "capability-drop", &d->probe.caps_drop,
		      "privilege reduction");
	demand(d, b, "capabilities", CANARIES("capabilities", "setuid"));
	dom->active = pick(dom, order, ARRAY_LEN(order));
}

static bool works(const struct detect *d, enum detect_domain_id domain,
		  const char *name)
{
	const struct detect_domain *dom = &d->domains[domain];

	for (size_t i = 0; i < dom->n_backends; i++)
		if (strcmp(dom->backends[i].name, name) == 0)
			return dom->backends[i].available;
	return false;
}

/* From the strongest to the weakest. */
static const char *mode_of(const struct detect *d)
{
	bool landlock = works(d, DETECT_FILE, "landlock");
	bool fuse = works(d, DETECT_FILE, "fuse");

	if (works(d, DETECT_COMMAND, "seccomp-execve") && landlock && fuse &&
	    strcmp(d->domains[DETECT_NETWORK].active, "none") != 0)
		return "full";
	if (landlock && fuse)
		return "landlock";
	return landlock ? "landlock-only" : "minimal";
}

void detect_evaluate(struct detect *d)
{
	file_domain(d);
	command_domain(d);
	network_domain(d);
	resource_domain(d);
	isolation_domain(d);
	d->mode = mode_of(d);
	d->score = 0;
	for (size_t i = 0; i < DETECT_DOMAINS; i++) {
		struct detect_domain *dom = &d->domains[i];

		for (size_t j = 0; j < dom->n_backends; j++)
			if (dom->backends[j].available)
				dom->score = dom->weight;
		d->score += dom->score;
	}
}

void detect_done(struct detect *d)
{
	arena_done(&d->arena);
	d->trial = NULL;
}

void detect_run(struct detect *d, const char *config,
		const struct str *session_json)
{
	struct cgroup_root *root = NULL;

	*d = (struct detect){ .arena = ARENA_INIT(4U << 20),
			      .inside = session_json };
	probe_run(&d->probe);
	if (cgroup_root_open(NULL, &root) == 0) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		cgroup_root_info(root, &d->cgroup);
		cgroup_root_describe(root, &b);
		(void)snprintf(d->cgroup_text, sizeof(d->cgroup_text), "%s",
			       buf_cstr(&b));
		(void)cgroup_root_close(root);
	}
	/* Without a trial the report says what the kernel can, no more. */
	(void)detect_try(d, config, session_json ? *session_json : STR_NONE);
	detect_evaluate(d);
}
