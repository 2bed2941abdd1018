/* SPDX-License-Identifier: MIT */
/*
 * parse.c - a policy document: top level, limits, environment
 */
#include "policy/parse.h"

#include <errno.h>

#include "core/limits.h"

int parse_rule(const struct yreader *r, const struct ypath *at,
	       const struct ynode *node, const struct bind_table *table,
	       void *rule, struct rule_common *c)
{
	int e = 0;

	c->pos = (struct rule_pos){ node->line, node->column };
	e = bind_mapping(r, at, node, table, rule);
	if (e < 0)
		return e;
	c->decision_valid =
		verdict_kind_from_string(c->decision_text, &c->decision) == 0;
	if (c->decision_valid)
		return 0;
	c->decision = VERDICT_DENY;
	if (c->decision_text.n == 0)
		yread_warn(r, at, node,
			   "no decision: when it matches, the rule denies "
			   "(invalid-policy-decision)");
	else
		yread_warn(r, at, node,
			   "\"%.60s\" is no decision (allow, deny, approve, "
			   "redirect, audit, soft_delete): when it matches, "
			   "the rule denies (invalid-policy-decision)",
			   c->decision_text.p);
	return 0;
}

static int services_moved(const struct yreader *r, const struct ypath *at,
			  const struct ynode *node, void *slot)
{
	(void)slot;
	return yread_error(r, at, node,
			   "this key no longer exists; use http_services");
}

static int swap_given(const struct yreader *r, const struct ypath *at,
		      const struct ynode *node, void *slot)
{
	struct resource_rules *res = slot;
	int64_t v = 0;
	int e = yread_int(r, at, node, 0, INT64_MAX >> 20, &v);

	if (e == 0 && node->type != YNODE_NULL) {
		res->memory_swap_max_mb = (uint64_t)v;
		res->has_swap = true;
	}
	return e;
}

static int memory_given(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, void *slot)
{
	struct resource_rules *res = slot;
	int64_t v = 0;
	int e = yread_int(r, at, node, 0, INT64_MAX >> 20, &v);

	if (e == 0)
		res->max_memory_mb = (uint64_t)v;
	return e;
}

#define RES(field) offsetof(struct resource_rules, field)
static const struct bind_field resource_fields[] = {
	{ "max_memory_mb", BIND_FN, 0, memory_given },
	{ "memory_swap_max_mb", BIND_FN, 0, swap_given },
	{ "cpu_quota_percent", BIND_U32, RES(cpu_quota_percent), NULL },
	{ "disk_read_bps_max", BIND_U64, RES(disk_read_bps_max), NULL },
	{ "disk_write_bps_max", BIND_U64, RES(disk_write_bps_max), NULL },
	{ "net_bandwidth_mbps", BIND_U32, RES(net_bandwidth_mbps), NULL },
	{ "pids_max", BIND_U32, RES(pids_max), NULL },
	{ "command_timeout", BIND_DURATION, RES(command_timeout_ns), NULL },
	{ "session_timeout", BIND_DURATION, RES(session_timeout_ns), NULL },
	{ "idle_timeout", BIND_DURATION, RES(idle_timeout_ns), NULL },
};
static const struct bind_table resource_table =
	BIND_TABLE_INIT(resource_fields);

static int parse_resources(const struct yreader *r, const struct ypath *at,
			   const struct ynode *node, void *slot)
{
	struct policy_rules *p = slot;

	return bind_mapping(r, at, node, &resource_table, &p->resources);
}

#define ENV(field) offsetof(struct env_rules, field)
static const struct bind_field env_fields[] = {
	{ "allow", BIND_FN, ENV(allow), bind_rule_list },
	{ "deny", BIND_FN, ENV(deny), bind_rule_list },
	{ "max_bytes", BIND_U64, ENV(max_bytes), NULL },
	{ "max_keys", BIND_U64, ENV(max_keys), NULL },
	{ "block_iteration", BIND_BOOL, ENV(block_iteration), NULL },
};
static const struct bind_table env_table = BIND_TABLE_INIT(env_fields);

static int parse_env_policy(const struct yreader *r, const struct ypath *at,
			    const struct ynode *node, void *slot)
{
	struct policy_rules *p = slot;

	return bind_mapping(r, at, node, &env_table, &p->env);
}

static const struct bind_field transparent_fields[] = {
	{ "add", BIND_FN, offsetof(struct policy_rules, transparent_add),
	  bind_rule_list },
	{ "remove", BIND_FN, offsetof(struct policy_rules, transparent_remove),
	  bind_rule_list },
};
static const struct bind_table transparent_table =
	BIND_TABLE_INIT(transparent_fields);

static int parse_transparent(const struct yreader *r, const struct ypath *at,
			     const struct ynode *node, void *slot)
{
	return bind_mapping(r, at, node, &transparent_table, slot);
}

#define TOP(field) offsetof(struct policy_rules, field)
static const struct bind_field top_fields[] = {
	{ "version", BIND_I64, TOP(version), NULL },
	{ "name", BIND_STR, TOP(name), NULL },
	{ "description", BIND_STR, TOP(description), NULL },
	{ "file_rules", BIND_FN, 0, parse_file_rules },
	{ "network_rules", BIND_FN, 0, parse_network_rules },
	{ "command_rules", BIND_FN, 0, parse_command_rules },
	{ "unix_socket_rules", BIND_FN, 0, parse_unix_rules },
	{ "signal_rules", BIND_FN, 0, parse_signal_rules },
	{ "dns_redirects", BIND_FN, 0, parse_dns_redirects },
	{ "connect_redirects", BIND_FN, 0, parse_connect_redirects },
	{ "resource_limits", BIND_FN, 0, parse_resources },
	{ "env_policy", BIND_FN, 0, parse_env_policy },
	{ "env_inject", BIND_FN, TOP(env_inject), bind_rule_pairs },
	{ "http_services", BIND_FN, 0, parse_http_services },
	{ "services", BIND_FN, 0, services_moved },
	{ "transparent_commands", BIND_FN, 0, parse_transparent },
	{ "audit", BIND_IGNORED, 0, NULL },
	{ "providers", BIND_IGNORED, 0, NULL },
	{ "package_rules", BIND_IGNORED, 0, NULL },
	{ "mcp_rules", BIND_IGNORED, 0, NULL },
	{ "registry_rules", BIND_IGNORED, 0, NULL },
	{ "process_contexts", BIND_IGNORED, 0, NULL },
	{ "process_identities", BIND_IGNORED, 0, NULL },
	{ "metadata", BIND_IGNORED, 0, NULL },
	{ "db_services", BIND_IGNORED, 0, NULL },
	{ "database_rules", BIND_IGNORED, 0, NULL },
	{ "database_connection_rules", BIND_IGNORED, 0, NULL },
	{ "policies", BIND_IGNORED, 0, NULL },
};
static const struct bind_table top_table = BIND_TABLE_INIT(top_fields);

/* Only once the document reads well: the words are the interface's. */
static int check_top(const struct yreader *r, const struct ynode *root,
		     const struct policy_rules *p)
{
	const struct ynode *version = ynode_get(root, "version");
	const struct ynode *name = ynode_get(root, "name");

	if (p->version <= 0)
		return yread_error(r, NULL, version ? version : root,
				   "version must be > 0");
	if (p->name.n == 0)
		return yread_error(r, NULL, name ? name : root,
				   "name is required");
	return 0;
}

int policy_parse(const char *file, struct str yaml, struct arena *arena,
		 struct policy_rules *ret, struct diag *diag)
{
	static const struct yamldoc_caps caps = {
		.bytes = LIMIT_POLICY_BYTES,
		.nodes = LIMIT_YAML_NODES,
		.depth = LIMIT_YAML_DEPTH,
	};
	const struct yreader r = { file, diag, arena };
	const struct ynode *root = NULL;
	struct policy_rules out = { 0 };
	int e = yamldoc_parse(arena, file, yaml, &caps, &root, diag);

	if (e < 0)
		return e;
	e = bind_mapping(&r, NULL, root, &top_table, &out);
	if (e == 0)
		e = check_top(&r, root, &out);
	if (e < 0)
		return e;
	*ret = out;
	return 0;
}
