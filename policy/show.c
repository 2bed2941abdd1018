/* SPDX-License-Identifier: MIT */
/*
 * show.c - a compiled policy as JSON (`policy show`)
 *
 * Names are PascalCase and what a rule does not say is left out, as agentsh's
 * users expect. Paths and domains are shown with their variables filled in:
 * that is what is enforced.
 */
#include <string.h>

#include "base/addr.h"
#include "base/json.h"
#include "base/num.h"
#include "core/op.h"
#include "policy/decide.h"
#include "policy/policy.h"
#include "policy/rules.h"

static void put_list(const struct policy *p, struct json_writer *w,
		     const char *key, struct img_span strs)
{
	if (strs.n == 0)
		return;
	json_key(w, key);
	json_begin_array(w);
	for (uint32_t i = 0; i < strs.n; i++)
		json_str(w, img_str_at(p, strs, i));
	json_end_array(w);
}

static void put_duration(struct json_writer *w, const char *key, uint64_t ns)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (ns == 0)
		return;
	num_format_duration(&b, (int64_t)(ns & INT64_MAX));
	json_kv_str(w, key, buf_str(&b));
}

static void put_u64(struct json_writer *w, const char *key, uint64_t v)
{
	if (v == 0)
		return;
	json_key(w, key);
	json_u64(w, v);
}

static void put_common(const struct policy *p, struct json_writer *w,
		       const struct img_rule *r)
{
	json_kv_str(w, "Name", img_str(p, r->name));
	json_kv_str_opt(w, "Description", img_str(p, r->description));
	json_kv_cstr(w, "Decision",
		     verdict_kind_to_string((enum verdict_kind)r->kind));
	json_kv_str_opt(w, "Message", img_str(p, r->message));
	put_duration(w, "Timeout", r->timeout_ns);
}

static void put_verbs(struct json_writer *w, uint32_t mask)
{
	uint32_t all = (1U << FILE_VERB_MAX) - 1;

	json_key(w, "Operations");
	json_begin_array(w);
	if ((mask & all) == all)
		json_cstr(w, "*");
	/* the verbs of policy files; the finer ones follow from them */
	for (unsigned int v = 0; v < FILE_TRUNCATE; v++) {
		if ((mask & all) != all && (mask & 1U << v))
			json_cstr(w, file_verb_to_string((enum file_verb)v));
	}
	json_end_array(w);
}

static void put_file(const struct policy *p, struct json_writer *w,
		     const struct img_rule *r)
{
	put_list(p, w, "Paths", r->sources);
	put_verbs(w, r->mask);
	json_kv_str_opt(w, "RedirectTo", img_str(p, r->redirect_to));
	json_kv_bool_opt(w, "PreserveTree", r->flags & RULE_PRESERVE_TREE);
}

static void put_command(const struct policy *p, struct json_writer *w,
			const struct img_rule *r)
{
	const struct img_command *c =
		IMG_TABLE(p, SEC_COMMANDS, struct img_command) + r->extra;

	put_list(p, w, "Commands", r->sources);
	put_list(p, w, "ArgsPatterns", c->args_sources);
	if (r->flags & RULE_REDIRECTS) {
		json_key(w, "RedirectTo");
		json_begin_object(w);
		json_kv_str(w, "Command", img_str(p, r->redirect_to));
		put_list(p, w, "Args", c->redirect_args);
		put_list(p, w, "Environment", c->redirect_env);
		json_end_object(w);
	}
	put_u64(w, "MinDepth", c->min_depth);
	if (c->max_depth != UINT32_MAX) {
		json_key(w, "MaxDepth");
		json_u64(w, c->max_depth);
	}
	put_u64(w, "EnvMaxBytes", c->env_max_bytes);
	put_u64(w, "EnvMaxKeys", c->env_max_keys);
	json_kv_bool_opt(w, "EnvBlockIteration",
			 r->flags & RULE_BLOCK_ITERATION);
}

static void put_net(const struct policy *p, struct json_writer *w,
		    const struct img_rule *r)
{
	const struct img_net *n =
		IMG_TABLE(p, SEC_NETS, struct img_net) + r->extra;
	const struct img_cidr *cidrs =
		IMG_TABLE(p, SEC_CIDRS, struct img_cidr) + n->cidrs.first;
	const uint32_t *ports =
		IMG_TABLE(p, SEC_NUMBERS, uint32_t) + n->ports.first;

	put_list(p, w, "Domains", r->sources);
	if (n->ports.n > 0) {
		json_key(w, "Ports");
		json_begin_array(w);
		for (uint32_t i = 0; i < n->ports.n; i++)
			json_u64(w, ports[i]);
		json_end_array(w);
	}
	if (n->cidrs.n == 0)
		return;
	json_key(w, "CIDRs");
	json_begin_array(w);
	for (uint32_t i = 0; i < n->cidrs.n; i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		struct addr a;

		memcpy(a.b, cidrs[i].net, sizeof(a.b));
		addr_format(&a, &b);
		buf_printf(&b, "/%u",
			   cidrs[i].bits - (addr_is_v4(&a) ? 96U : 0U));
		json_str(w, buf_str(&b));
	}
	json_end_array(w);
}

static void put_unix(const struct policy *p, struct json_writer *w,
		     const struct img_rule *r)
{
	put_list(p, w, "Paths", r->sources);
	json_key(w, "Operations");
	json_begin_array(w);
	for (unsigned int v = 0; v < UNIX_VERB_MAX; v++) {
		if (r->mask & 1U << v)
			json_cstr(w, unix_verb_to_string((enum unix_verb)v));
	}
	json_end_array(w);
}

static void put_signal(const struct policy *p, struct json_writer *w,
		       const struct img_rule *r)
{
	const struct img_signal *s =
		IMG_TABLE(p, SEC_SIGNALS, struct img_signal) + r->extra;

	json_key(w, "Signals");
	json_begin_array(w);
	for (unsigned int i = 0; i < 64; i++) {
		if (s->signals & 1ULL << i)
			json_u64(w, i + 1);
	}
	json_end_array(w);
	json_kv_bool_opt(w, "Absorb", r->flags & RULE_ABSORB);
}

typedef void put_rule_fn(const struct policy *p, struct json_writer *w,
			 const struct img_rule *r);

static void put_family(const struct policy *p, struct json_writer *w,
		       const char *key, enum img_family family,
		       put_rule_fn *put)
{
	const struct img_rule *rules = img_rules(p, family);

	json_key(w, key);
	json_begin_array(w);
	for (uint32_t i = 0; i < p->h->family[family].n; i++) {
		json_begin_object(w);
		put_common(p, w, &rules[i]);
		put(p, w, &rules[i]);
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_limits(const struct policy *p, struct json_writer *w)
{
	const struct img_limits *l = &p->h->limits;

	json_key(w, "ResourceLimits");
	json_begin_object(w);
	put_u64(w, "MaxMemoryMB", l->memory_mb);
	if (l->has_swap) {
		json_key(w, "MemorySwapMaxMB");
		json_u64(w, l->swap_max_mb);
	}
	put_u64(w, "CPUQuotaPercent", l->cpu_percent);
	put_u64(w, "DiskReadBpsMax", l->disk_read_bps);
	put_u64(w, "DiskWriteBpsMax", l->disk_write_bps);
	put_u64(w, "NetBandwidthMbps", l->net_bandwidth_mbps);
	put_u64(w, "PidsMax", l->pids);
	put_duration(w, "CommandTimeout", l->command_timeout_ns);
	put_duration(w, "SessionTimeout", l->session_timeout_ns);
	put_duration(w, "IdleTimeout", l->idle_timeout_ns);
	json_end_object(w);
}

static void put_services(const struct policy *p, struct json_writer *w)
{
	const struct img_service *s =
		IMG_TABLE(p, SEC_SERVICES, struct img_service);

	json_key(w, "HTTPServices");
	json_begin_array(w);
	for (uint32_t i = 0; i < p->h->sec[SEC_SERVICES].n; i++) {
		json_begin_object(w);
		json_kv_str(w, "Name", img_str(p, s[i].name));
		json_kv_str(w, "Upstream", img_str(p, s[i].upstream));
		json_kv_str_opt(w, "ExposeAs", img_str(p, s[i].expose_as));
		json_kv_cstr(w, "Default",
			     s[i].default_allow ? "allow" : "deny");
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_inject(const struct policy *p, struct json_writer *w)
{
	struct img_span pairs = p->h->env_inject;

	if (pairs.n == 0)
		return;
	json_key(w, "EnvInject");
	json_begin_object(w);
	for (uint32_t i = 0; i + 1 < pairs.n; i += 2) {
		json_key_str(w, img_str_at(p, pairs, i));
		json_str(w, img_str_at(p, pairs, i + 1));
	}
	json_end_object(w);
}

int policy_to_json(const struct policy *p, struct json_writer *w)
{
	json_begin_object(w);
	json_kv_i64(w, "Version", p->h->policy_version);
	json_kv_str(w, "Name", img_str(p, p->h->name));
	json_kv_str(w, "Description", img_str(p, p->h->description));
	put_family(p, w, "FileRules", FAMILY_FILE, put_file);
	put_family(p, w, "CommandRules", FAMILY_COMMAND, put_command);
	put_family(p, w, "NetworkRules", FAMILY_NET, put_net);
	put_family(p, w, "UnixRules", FAMILY_UNIX, put_unix);
	put_family(p, w, "SignalRules", FAMILY_SIGNAL, put_signal);
	put_services(p, w);
	put_limits(p, w);
	put_inject(p, w);
	json_end_object(w);
	return w->out->error;
}
