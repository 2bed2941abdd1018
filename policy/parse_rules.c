/* SPDX-License-Identifier: MIT */
/*
 * parse_rules.c - file, command, network and unix socket rules
 */
#include <errno.h>

#include "core/op.h"
#include "policy/parse.h"

#define FILE_AT(field) offsetof(struct file_rule, field)
static const struct bind_field file_fields[] = {
	PARSE_COMMON(struct file_rule),
	{ "paths", BIND_FN, FILE_AT(paths), bind_rule_list },
	{ "operations", BIND_FN, FILE_AT(operations), bind_rule_list },
	{ "redirect_to", BIND_STR, FILE_AT(redirect_to), NULL },
	{ "preserve_tree", BIND_BOOL, FILE_AT(preserve_tree), NULL },
};
static const struct bind_table file_table = BIND_TABLE_INIT(file_fields);

/* A word that no operation has would make the rule quietly useless. */
static void warn_operation(const struct yreader *r, const struct ypath *at,
			   struct rule_text word, const char *const *known,
			   size_t n_known)
{
	struct ynode place = { .line = word.pos.line,
			       .column = word.pos.column };
	const char *near = NULL;

	/* A suggestion costs; past the last message kept nobody reads it. */
	if (r->diag && r->diag->n_warnings < DIAG_MAX_ITEMS)
		near = diag_suggest(word.s, known, n_known);
	yread_warn(r, at, &place,
		   "operation \"%.60s\" is not known and never matches%s%s%s",
		   word.s.p, near ? "; did you mean \"" : "", near ? near : "",
		   near ? "\"?" : "");
}

static int file_rule(const struct yreader *r, const struct ypath *at,
		     const struct ynode *node, void *slot)
{
	struct file_rule *rule = slot;
	const char *known[FILE_VERB_MAX];
	int e = parse_rule(r, at, node, &file_table, rule, &rule->c);

	if (e < 0)
		return e;
	for (unsigned int i = 0; i < FILE_VERB_MAX; i++)
		known[i] = file_verb_to_string((enum file_verb)i);
	for (size_t i = 0; i < rule->operations.n; i++) {
		struct rule_text word = rule->operations.v[i];
		enum file_verb verb = FILE_OPEN;

		if (!str_eq_c(word.s, "*") &&
		    file_verb_from_string(word.s, &verb) < 0)
			warn_operation(r, at, word, known, FILE_VERB_MAX);
	}
	if (rule->paths.n == 0)
		yread_warn(r, at, node, "no paths: the rule never matches");
	return 0;
}

int parse_file_rules(const struct yreader *r, const struct ypath *at,
		     const struct ynode *node, void *slot)
{
	struct policy_rules *p = slot;
	void *v = NULL;
	int e = bind_array(r, at, node,
			   (struct bind_elem){ sizeof(*p->files), file_rule },
			   &v, &p->n_files);

	p->files = v;
	return e;
}

#define CMD(field) offsetof(struct command_rule, field)
static const struct bind_field redirect_fields[] = {
	{ "command", BIND_STR, CMD(redirect_command), NULL },
	{ "args", BIND_FN, CMD(redirect_args), bind_rule_list },
	{ "args_append", BIND_FN, CMD(redirect_args_append), bind_rule_list },
	{ "environment", BIND_FN, CMD(redirect_environment), bind_rule_pairs },
};
static const struct bind_table redirect_table =
	BIND_TABLE_INIT(redirect_fields);

static int command_redirect(const struct yreader *r, const struct ypath *at,
			    const struct ynode *node, void *slot)
{
	struct command_rule *rule = slot;

	if (node->type == YNODE_NULL)
		return 0;
	rule->has_redirect = true;
	return bind_mapping(r, at, node, &redirect_table, rule);
}

struct depth_range {
	int64_t min, max;
};

static int depth_value(const struct yreader *r, const struct ypath *at,
		       const struct ynode *node, void *slot)
{
	/* -1 as a maximum: no limit. */
	return yread_int(r, at, node, -1, UINT32_MAX, slot);
}

static const struct bind_field depth_fields[] = {
	{ "min_depth", BIND_FN, offsetof(struct depth_range, min),
	  depth_value },
	{ "max_depth", BIND_FN, offsetof(struct depth_range, max),
	  depth_value },
};
static const struct bind_table depth_table = BIND_TABLE_INIT(depth_fields);

static int context_range(const struct yreader *r, const struct ypath *at,
			 const struct ynode *node, struct command_rule *rule)
{
	struct depth_range d = { 0, -1 };
	int e = bind_mapping(r, at, node, &depth_table, &d);

	if (e < 0)
		return e;
	if (d.max < 0)
		d.max = UINT32_MAX;
	if (d.min < 0 || d.min > d.max)
		return yread_error(r, at, node,
				   "min_depth must lie between 0 and "
				   "max_depth");
	rule->min_depth = (uint32_t)d.min;
	rule->max_depth = (uint32_t)d.max;
	return 0;
}

/* [direct], [nested], both (= everything), or {min_depth:, max_depth:}. */
static int command_context(const struct yreader *r, const struct ypath *at,
			   const struct ynode *node, void *slot)
{
	static const char *const words[] = { "direct", "nested" };
	struct command_rule *rule = slot;
	bool seen[2] = { false, false };
	size_t i = 0;

	if (node->type == YNODE_NULL)
		return 0;
	if (node->type == YNODE_MAPPING)
		return context_range(r, at, node, rule);
	if (node->type != YNODE_SEQUENCE)
		return yread_mismatch(r, at, node,
				      "[direct], [nested] or {min_depth: N, "
				      "max_depth: N}");
	ynode_foreach(it, node)
	{
		struct ypath here = { .up = at, .index = i++ };
		unsigned int word = 0;
		int e = it->value->type == YNODE_NULL
				? yread_mismatch(r, &here, it->value,
						 "direct or nested")
				: bind_word(r, &here, it->value, words, 2,
					    &word);

		if (e < 0)
			return e;
		seen[word] = true;
	}
	if (seen[0] && !seen[1])
		rule->max_depth = 0;
	if (seen[1] && !seen[0])
		rule->min_depth = 1;
	return 0;
}

static int block_iteration(const struct yreader *r, const struct ypath *at,
			   const struct ynode *node, void *slot)
{
	struct command_rule *rule = slot;

	rule->has_env_block_iteration = node->type != YNODE_NULL;
	return yread_bool(r, at, node, &rule->env_block_iteration);
}

static const struct bind_field command_fields[] = {
	PARSE_COMMON(struct command_rule),
	{ "commands", BIND_FN, CMD(commands), bind_rule_list },
	{ "args_patterns", BIND_FN, CMD(args_patterns), bind_rule_list },
	{ "redirect_to", BIND_FN, 0, command_redirect },
	{ "context", BIND_FN, 0, command_context },
	{ "env_allow", BIND_FN, CMD(env_allow), bind_rule_list },
	{ "env_deny", BIND_FN, CMD(env_deny), bind_rule_list },
	{ "env_max_bytes", BIND_U64, CMD(env_max_bytes), NULL },
	{ "env_max_keys", BIND_U64, CMD(env_max_keys), NULL },
	{ "env_block_iteration", BIND_FN, 0, block_iteration },
};
static const struct bind_table command_table = BIND_TABLE_INIT(command_fields);

static int command_rule(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, void *slot)
{
	struct command_rule *rule = slot;
	int e = 0;

	rule->max_depth = UINT32_MAX;
	e = parse_rule(r, at, node, &command_table, rule, &rule->c);
	if (e < 0)
		return e;
	if (rule->c.decision == VERDICT_REDIRECT &&
	    rule->redirect_command.n == 0) {
		yread_warn(r, at, node,
			   "redirect without redirect_to.command: when it "
			   "matches, the rule denies "
			   "(invalid-policy-decision)");
		rule->c.decision = VERDICT_DENY;
		rule->c.decision_valid = false;
	}
	return 0;
}

int parse_command_rules(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, void *slot)
{
	struct policy_rules *p = slot;
	void *v = NULL;
	int e = bind_array(r, at, node,
			   (struct bind_elem){ sizeof(*p->commands),
					       command_rule },
			   &v, &p->n_commands);

	p->commands = v;
	return e;
}

static int network_ports(const struct yreader *r, const struct ypath *at,
			 const struct ynode *node, void *slot)
{
	struct network_rule *rule = slot;
	int e = 0;

	if (node->type == YNODE_NULL)
		return 0;
	if (node->type != YNODE_SEQUENCE)
		return yread_mismatch(r, at, node,
				      "a list of ports such as [80, 443]");
	rule->ports =
		arena_alloc(r->arena, (node->n + 1) * sizeof(*rule->ports));
	if (!rule->ports)
		return -ENOMEM;
	ynode_foreach(it, node)
	{
		struct ypath here = { .up = at, .index = rule->n_ports };
		int64_t port = 0;
		int one = it->value->type == YNODE_NULL
				  ? yread_mismatch(r, &here, it->value,
						   "a port (1 to 65535)")
				  : yread_int(r, &here, it->value, 1, 65535,
					      &port);

		e = bind_worse(e, one);
		rule->ports[rule->n_ports++] = (uint16_t)port;
	}
	return e;
}

#define NET(field) offsetof(struct network_rule, field)
static const struct bind_field network_fields[] = {
	PARSE_COMMON(struct network_rule),
	{ "domains", BIND_FN, NET(domains), bind_rule_list },
	{ "ports", BIND_FN, 0, network_ports },
	{ "cidrs", BIND_FN, NET(cidrs), bind_rule_list },
};
static const struct bind_table network_table = BIND_TABLE_INIT(network_fields);

static int network_rule(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, void *slot)
{
	struct network_rule *rule = slot;

	return parse_rule(r, at, node, &network_table, rule, &rule->c);
}

int parse_network_rules(const struct yreader *r, const struct ypath *at,
			const struct ynode *node, void *slot)
{
	struct policy_rules *p = slot;
	void *v = NULL;
	int e = bind_array(r, at, node,
			   (struct bind_elem){ sizeof(*p->networks),
					       network_rule },
			   &v, &p->n_networks);

	p->networks = v;
	return e;
}

struct unix_reading {
	struct unix_rule rule;
	struct rule_list operations;
};

static const struct bind_field unix_fields[] = {
	PARSE_COMMON(struct unix_rule),
	{ "paths", BIND_FN, offsetof(struct unix_rule, paths), bind_rule_list },
	{ "operations", BIND_FN, offsetof(struct unix_reading, operations),
	  bind_rule_list },
};
static const struct bind_table unix_table = BIND_TABLE_INIT(unix_fields);

static int unix_rule(const struct yreader *r, const struct ypath *at,
		     const struct ynode *node, void *slot)
{
	struct unix_reading in = { 0 };
	const char *known[UNIX_VERB_MAX];
	int e = parse_rule(r, at, node, &unix_table, &in, &in.rule.c);

	if (e < 0)
		return e;
	for (unsigned int i = 0; i < UNIX_VERB_MAX; i++)
		known[i] = unix_verb_to_string((enum unix_verb)i);
	if (in.operations.n == 0)
		in.rule.operations = UINT32_MAX;
	for (size_t i = 0; i < in.operations.n; i++) {
		struct rule_text word = in.operations.v[i];
		enum unix_verb verb = UNIX_CONNECT;

		if (str_eq_c(word.s, "*"))
			in.rule.operations = UINT32_MAX;
		else if (unix_verb_from_string(word.s, &verb) < 0)
			warn_operation(r, at, word, known, UNIX_VERB_MAX);
		else
			in.rule.operations |= 1U << verb;
	}
	*(struct unix_rule *)slot = in.rule;
	return 0;
}

int parse_unix_rules(const struct yreader *r, const struct ypath *at,
		     const struct ynode *node, void *slot)
{
	struct policy_rules *p = slot;
	void *v = NULL;
	int e = bind_array(r, at, node,
			   (struct bind_elem){ sizeof(*p->unixes), unix_rule },
			   &v, &p->n_unixes);

	p->unixes = v;
	return e;
}
