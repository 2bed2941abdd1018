/* SPDX-License-Identifier: MIT */
/*
 * parse.h - what the files of the policy parser share
 */
#ifndef POLICY_PARSE_H
#define POLICY_PARSE_H

#include "policy/bind.h"

/* Keys every rule has; type: the rule's struct. */
#define PARSE_COMMON(type)                                                   \
	{ "name", BIND_STR, offsetof(type, c.name), NULL },                  \
		{ "description", BIND_STR, offsetof(type, c.description),    \
		  NULL },                                                    \
		{ "message", BIND_STR, offsetof(type, c.message), NULL },    \
		{ "decision", BIND_STR, offsetof(type, c.decision_text),     \
		  NULL },                                                    \
	{                                                                    \
		"timeout", BIND_DURATION, offsetof(type, c.timeout_ns), NULL \
	}

/*
 * Reads one rule: its keys by the table, then position and decision. A word
 * that is no decision gets a warning and stays in decision_text.
 */
int parse_rule(const struct yreader *r, const struct ypath *at,
	       const struct ynode *node, const struct bind_table *table,
	       void *rule, struct rule_common *c);

/* The families, each for its top-level key; slot: struct policy_rules. */
bind_fn parse_file_rules, parse_command_rules, parse_network_rules,
	parse_unix_rules, parse_signal_rules, parse_http_services,
	parse_dns_redirects, parse_connect_redirects;

#endif
