/* SPDX-License-Identifier: MIT */
/*
 * detect_text.c - detect's table, JSON and configuration
 */
#include <ctype.h>

#include "cli/detect.h"
#include "cli/detect_trial.h"
#include "cli/output.h"

#define YES "\xe2\x9c\x93"

enum cap_type {
	CAP_BOOL = 0,
	CAP_ABI,
	CAP_TEXT
};

struct cap {
	const char *key;
	enum cap_type type;
	int number;
	const char *text;
};

#define CAPS_MAX 24

/* Sorted by key, as the map of the Go program prints. */
static size_t list_caps(const struct detect *d, struct cap out[CAPS_MAX])
{
	const struct probe *p = &d->probe;
	bool v2 = d->cgroup.memory == CGROUP_V2 || d->cgroup.pids == CGROUP_V2;
	const struct cap caps[] = {
		{ "capabilities_drop", CAP_BOOL, p->caps_drop.works, NULL },
		{ "cgroups", CAP_TEXT, 0,
		  d->cgroup_text[0] ? d->cgroup_text : "none" },
		{ "cgroups_v2", CAP_BOOL, v2, NULL },
		{ "ebpf", CAP_BOOL, false, NULL },
		{ "file_enforcement", CAP_TEXT, 0,
		  d->domains[DETECT_FILE].active },
		{ "fuse", CAP_BOOL, p->fuse.works, NULL },
		{ "landlock", CAP_BOOL, p->landlock.works, NULL },
		{ "landlock_abi", CAP_ABI, p->landlock_abi, NULL },
		{ "landlock_network", CAP_BOOL,
		  p->landlock.works && p->landlock_abi >= 4, NULL },
		{ "mount_namespace", CAP_BOOL, p->mount_ns.works, NULL },
		{ "network_namespace", CAP_BOOL, p->net_ns.works, NULL },
		{ "pid_namespace", CAP_BOOL, p->pid_ns.works, NULL },
		{ "ptrace", CAP_BOOL, p->ptrace.works, NULL },
		{ "seccomp", CAP_BOOL, p->seccomp_filter.works, NULL },
		{ "seccomp_basic", CAP_BOOL, p->seccomp_filter.works, NULL },
		{ "seccomp_user_notify", CAP_BOOL, p->notify.works, NULL },
		{ "seccomp_user_notify_kernel", CAP_BOOL,
		  p->notify.works || p->notify_addfd_send.works, NULL },
		{ "user_namespace", CAP_BOOL, p->user_ns.works, NULL },
	};

	memcpy(out, caps, sizeof(caps));
	return ARRAY_LEN(caps);
}

static const char *action_for(const char *backend)
{
	static const struct {
		const char *name, *action;
	} table[] = {
		{ "fuse",
		  "expose /dev/fuse to the container and allow mounts" },
		{ "landlock", "use a kernel with Landlock enabled (5.13)" },
		{ "landlock-network", "use a kernel of 6.7 or newer" },
		{ "seccomp-connect", "allow seccomp(2) user notification" },
		{ "seccomp-notify", "allow seccomp(2) user notification" },
		{ "seccomp-execve", "allow seccomp(2) user notification" },
		{ "ptrace", "allow ptrace of child processes" },
		{ "ebpf", "not used by this agentsh" },
		{ "cgroups-v2", "delegate a cgroup (systemd: Delegate=yes)" },
		{ "pid-namespace", "allow CLONE_NEWPID" },
		{ "capability-drop", "allow capset(2) and prctl(2)" },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].name, backend) == 0)
			return table[i].action;
	return "";
}

static void put_upper(struct buf *out, const char *s)
{
	for (; *s; s++)
		buf_putc(out, (char)toupper((unsigned char)*s));
}

static void put_domain(struct buf *out, const struct detect_domain *dom)
{
	_cleanup_buf_ struct buf name = BUF_INIT;

	put_upper(&name, dom->name);
	buf_printf(out, "%-40s %u/%u\n", buf_cstr(&name), dom->score,
		   dom->weight);
	for (size_t i = 0; i < dom->n_backends; i++) {
		const struct detect_backend *b = &dom->backends[i];

		buf_printf(out, "  %-20s %s%s%s  %-16s %s\n", b->name,
			   colour(b->available ? COLOUR_GREEN : COLOUR_DIM),
			   b->available ? YES : "-", colour(COLOUR_OFF),
			   b->detail, b->description);
	}
	buf_printf(out, "  active backend:    %s\n\n", dom->active);
}

static void put_caps(struct buf *out, const struct detect *d)
{
	struct cap caps[CAPS_MAX];
	size_t n = list_caps(d, caps);

	buf_puts(out, "CAPABILITIES\n");
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "  %-24s ", caps[i].key);
		if (caps[i].type == CAP_TEXT)
			buf_puts(out, caps[i].text);
		else if (caps[i].number == 0)
			buf_putc(out, '-');
		else if (caps[i].type == CAP_BOOL)
			buf_puts(out, YES);
		else
			buf_printf(out, YES " (v%d)", caps[i].number);
		buf_putc(out, '\n');
	}
	buf_putc(out, '\n');
}

typedef void tip_fn(void *arg, const struct detect_domain *dom,
		    const struct detect_backend *b);

/* One per backend of a domain in which nothing works. */
static size_t each_tip(const struct detect *d, tip_fn *fn, void *arg)
{
	size_t n = 0;

	for (size_t i = 0; i < DETECT_DOMAINS; i++) {
		const struct detect_domain *dom = &d->domains[i];

		for (size_t j = 0; dom->score == 0 && j < dom->n_backends;
		     j++, n++)
			if (fn)
				fn(arg, dom, &dom->backends[j]);
	}
	return n;
}

static void tip_text(void *arg, const struct detect_domain *dom,
		     const struct detect_backend *b)
{
	buf_printf(arg, "  %s: %s not enforced (+%u pts)\n    -> %s\n", b->name,
		   b->description, dom->weight, action_for(b->name));
}

void detect_table(const struct detect *d, struct buf *out)
{
	buf_printf(out,
		   "Platform:         linux\nSecurity Mode:    %s\n"
		   "Protection Score: %u/100\n\n",
		   d->mode, d->score);
	for (size_t i = 0; i < DETECT_DOMAINS; i++)
		put_domain(out, &d->domains[i]);
	put_caps(out, d);
	if (each_tip(d, NULL, NULL)) {
		buf_puts(out, "TIPS\n");
		(void)each_tip(d, tip_text, out);
		buf_putc(out, '\n');
	}
	detect_trial_text(d, out);
	if (!d->trial)
		buf_puts(out, "Each mark is the result of using the mechanism "
			      "in a throw-away process just now;\nwhat a "
			      "session really enforces was not tried.\n");
	buf_puts(out, "\nRun 'agentsh detect config' to generate an optimized "
		      "configuration.\n");
}

static void json_domain(struct json_writer *w, const struct detect_domain *dom)
{
	json_begin_object(w);
	json_kv_cstr(w, "name", dom->name);
	json_kv_i64(w, "weight", dom->weight);
	json_kv_i64(w, "score", dom->score);
	json_key(w, "backends");
	json_begin_array(w);
	for (size_t i = 0; i < dom->n_backends; i++) {
		const struct detect_backend *b = &dom->backends[i];

		json_begin_object(w);
		json_kv_cstr(w, "name", b->name);
		json_kv_bool(w, "available", b->available);
		json_kv_cstr(w, "detail", b->detail);
		json_kv_cstr(w, "description", b->description);
		json_kv_cstr(w, "check_method", b->check_method);
		json_end_object(w);
	}
	json_end_array(w);
	json_kv_cstr(w, "active", dom->active);
	json_end_object(w);
}

static void json_caps(struct json_writer *w, const struct detect *d)
{
	struct cap caps[CAPS_MAX];
	size_t n = list_caps(d, caps);

	json_key(w, "capabilities");
	json_begin_object(w);
	for (size_t i = 0; i < n; i++) {
		if (caps[i].type == CAP_TEXT)
			json_kv_cstr(w, caps[i].key, caps[i].text);
		else if (caps[i].type == CAP_ABI)
			json_kv_i64(w, caps[i].key, caps[i].number);
		else
			json_kv_bool(w, caps[i].key, caps[i].number != 0);
	}
	json_end_object(w);
}

static void json_names(struct json_writer *w, const struct detect *d,
		       const char *key, bool available)
{
	json_key(w, key);
	json_begin_array(w);
	for (size_t i = 0; i < DETECT_DOMAINS; i++) {
		const struct detect_domain *dom = &d->domains[i];

		for (size_t j = 0; j < dom->n_backends; j++)
			if (dom->backends[j].available == available)
				json_cstr(w, dom->backends[j].name);
	}
	json_end_array(w);
}

static void tip_json(void *arg, const struct detect_domain *dom,
		     const struct detect_backend *b)
{
	struct json_writer *w = arg;
	_cleanup_buf_ struct buf impact = BUF_INIT;

	buf_printf(&impact, "%s not enforced (+%u pts)", b->description,
		   dom->weight);
	json_begin_object(w);
	json_kv_cstr(w, "feature", b->name);
	json_kv_cstr(w, "status", "unavailable");
	json_kv_str(w, "impact", buf_str(&impact));
	json_kv_cstr(w, "action", action_for(b->name));
	json_end_object(w);
}

void detect_json(const struct detect *d, struct json_writer *w)
{
	json_begin_object(w);
	json_kv_cstr(w, "platform", "linux");
	json_kv_cstr(w, "security_mode", d->mode);
	json_kv_i64(w, "protection_score", d->score);
	json_key(w, "domains");
	json_begin_array(w);
	for (size_t i = 0; i < DETECT_DOMAINS; i++)
		json_domain(w, &d->domains[i]);
	json_end_array(w);
	json_caps(w, d);
	json_key(w, "summary");
	json_begin_object(w);
	json_names(w, d, "available", true);
	json_names(w, d, "unavailable", false);
	json_end_object(w);
	json_key(w, "tips");
	if (each_tip(d, NULL, NULL)) {
		json_begin_array(w);
		(void)each_tip(d, tip_json, w);
		json_end_array(w);
	} else {
		json_null(w);
	}
	detect_trial_json(d, w);
	json_end_object(w);
}

/* What holds becomes a condition: a host that lost it says so at once. */
static void put_require(const struct detect *d, struct buf *out)
{
	static const char *const NAMES[] = { "commands", "files",  "undo",
					     "network",  "limits", "isolation",
					     "audit" };
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		if (!str_eq_c(detect_state(d, NAMES[i]), "held"))
			continue;
		buf_puts(out, any ? ", " : "\nsandbox:\n  require: [");
		buf_puts(out, NAMES[i]);
		any = true;
	}
	buf_puts(out, any ? "]\n" : "");
}

/* Only keys that the server honours: what it would warn of stays out. */
void detect_config(const struct detect *d, struct buf *out)
{
	buf_printf(out,
		   "# Generated by: agentsh detect config\n"
		   "# Platform: linux\n"
		   "# Security mode: %s\n"
		   "# Protection score: %u/100\n",
		   d->mode, d->score);
	if (d->probe.landlock.works)
		buf_puts(out, "\nlandlock:\n  enabled: true\n"
			      "  allow_execute:\n    - /usr/bin\n    - /bin\n"
			      "    - /usr/local/bin\n"
			      "  allow_read:\n    - /etc\n    - /lib\n"
			      "    - /lib64\n    - /usr/lib\n"
			      "  deny_paths:\n    - /var/run/docker.sock\n"
			      "    - /run/docker.sock\n"
			      "    - /run/containerd/containerd.sock\n");
	buf_puts(out, "\ncapabilities:\n  allow: []\n");
	put_require(d, out);
}
