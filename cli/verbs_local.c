/* SPDX-License-Identifier: MIT */
/*
 * verbs_local.c - flags and sub-commands of the verbs that need no server
 */
#include "cli/verbs.h"

const struct flag policy_flags[] = {
	{ .name = "config",
	  .type = FLAG_STRING,
	  .value = "FILE",
	  .help = "configuration that names the policy directory" },
	{ .name = "dir",
	  .type = FLAG_STRING,
	  .value = "DIR",
	  .help = "policy directory" },
	{ 0 },
};

const struct command policy_subs[] = {
	{ .name = "list",
	  .summary = "Names of the policy files (JSON)",
	  .run = cmd_policy_list },
	{ .name = "validate",
	  .args = "POLICY",
	  .summary = "Check a policy file",
	  .run = cmd_policy_validate,
	  .min_args = 1,
	  .max_args = 1,
	  .examples = "agentsh policy validate ./my-policy.yaml" },
	{ 0 },
};

const struct flag config_flags[] = {
	{ .name = "path",
	  .type = FLAG_STRING,
	  .value = "FILE",
	  .help = "configuration file (else the usual places)" },
	{ 0 },
};

const struct command config_subs[] = {
	{ .name = "show",
	  .summary = "The configuration in effect (JSON)",
	  .run = cmd_config_show },
	{ .name = "validate",
	  .summary = "Check a configuration; fails on what is not honoured",
	  .run = cmd_config_validate },
	{ 0 },
};

const struct flag report_flags[] = {
	{ .name = "level",
	  .type = FLAG_STRING,
	  .value = "summary|detailed",
	  .required = true,
	  .help = "how much" },
	{ .name = "output",
	  .type = FLAG_STRING,
	  .value = "FILE",
	  .help = "write here instead of to standard output" },
	{ .name = "direct-db",
	  .type = FLAG_BOOL,
	  .help = "read the database, without the server" },
	{ .name = "db-path",
	  .type = FLAG_STRING,
	  .value = "FILE",
	  .help = "database for --direct-db ($AGENTSH_DB_PATH)" },
	{ .name = "sessions-dir",
	  .type = FLAG_STRING,
	  .value = "DIR",
	  .help = "where LLM request logs are ($AGENTSH_SESSIONS_DIR)" },
	{ 0 },
};
