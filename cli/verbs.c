/* SPDX-License-Identifier: MIT */
/*
 * verbs.c - flags and sub-commands of the verbs that main.c lists
 */
#include "cli/verbs.h"

const struct flag wrap_flags[] = {
	TEXT("session", "ID",
	     "session to make or to go on with (made up if absent)"),
	TEXT_OR("policy", "NAME", "agent-default",
		"policy of a session made here"),
	TEXT("root", "DIR", "workspace (the current directory)"),
	{ .name = "report",
	  .type = FLAG_BOOL,
	  .dflt = "true",
	  .help = "say at the end what happened" },
	{ 0 },
};

static const struct flag session_create_flags[] = {
	TEXT_OR("workspace", "DIR", ".", "directory the session works in"),
	TEXT("policy", "NAME", "policy to enforce (the server's default)"),
	TEXT("profile", "NAME", "policies by directory, of mount_profiles"),
	TEXT("id", "ID", "name of the session (made up if absent)"),
	SWITCH("json", "print JSON"),
	SWITCH("real-paths", "real paths instead of /workspace"),
	{ 0 },
};

static const struct flag session_update_flags[] = {
	TEXT("cwd", "DIR", "new working directory"),
	{ .name = "set-env",
	  .type = FLAG_LIST,
	  .value = "NAME=VALUE",
	  .help = "set a variable (may be repeated)" },
	{ .name = "unset-env",
	  .type = FLAG_LIST,
	  .value = "NAME",
	  .help = "remove a variable (may be repeated)" },
	{ 0 },
};

static const struct flag session_logs_flags[] = {
	TEXT("type", "llm|fs|net|exec", "kind of entries (all of them)"),
	{ 0 },
};

const struct command session_subs[] = {
	{ .name = "create",
	  .summary = "Start a session in a workspace",
	  .run = cmd_session_create,
	  .flags = session_create_flags,
	  .examples = "agentsh session create --workspace ~/src/app\n"
		      "agentsh session create --policy ci-strict --json" },
	{ .name = "list",
	  .summary = "List sessions (JSON)",
	  .run = cmd_session_list },
	{ .name = "info",
	  .args = "SESSION",
	  .summary = "Show one session",
	  .run = cmd_session_info,
	  .min_args = 1,
	  .max_args = 1 },
	{ .name = "update",
	  .args = "SESSION",
	  .summary = "Change a session's directory or environment",
	  .run = cmd_session_update,
	  .flags = session_update_flags,
	  .examples = "agentsh session update demo --set-env CI=1",
	  .min_args = 1,
	  .max_args = 1 },
	{ .name = "destroy",
	  .args = "SESSION",
	  .summary = "End a session and every command in it",
	  .run = cmd_session_destroy,
	  .min_args = 1,
	  .max_args = 1 },
	{ .name = "attach",
	  .args = "SESSION",
	  .summary = "Type commands into a session, one per line",
	  .run = cmd_session_attach,
	  .streams = true,
	  .min_args = 1,
	  .max_args = 1 },
	{ .name = "logs",
	  .args = "SESSION",
	  .summary = "Events of a session, or its LLM requests",
	  .run = cmd_session_logs,
	  .flags = session_logs_flags,
	  .min_args = 1,
	  .max_args = 1 },
	{ 0 },
};

const struct flag output_flags[] = {
	TEXT_OR("stream", "stdout|stderr", "stdout", "which of the two"),
	{ .name = "offset",
	  .type = FLAG_INT,
	  .value = "BYTES",
	  .dflt = "0",
	  .help = "where to start" },
	{ .name = "limit",
	  .type = FLAG_INT,
	  .value = "BYTES",
	  .dflt = "65536",
	  .help = "how much to print" },
	{ 0 },
};

static const struct flag events_query_flags[] = {
	TEXT("session", "SESSION", "events of this session"),
	TEXT("type", "TYPE,...", "events of these types"),
	TEXT("decision", "WORD", "allow, deny, ..."),
	TEXT("since", "TIME", "RFC 3339, or a duration ago (10m)"),
	TEXT("until", "TIME", "likewise"),
	TEXT("path-like", "PATTERN", "path matches (SQL LIKE)"),
	TEXT("domain-like", "PATTERN", "domain matches (SQL LIKE)"),
	TEXT("text-like", "PATTERN", "the event's text matches (SQL LIKE)"),
	{ .name = "limit",
	  .type = FLAG_INT,
	  .value = "N",
	  .dflt = "200",
	  .help = "at most so many" },
	{ .name = "offset",
	  .type = FLAG_INT,
	  .value = "N",
	  .dflt = "0",
	  .help = "skip so many" },
	TEXT_OR("order", "desc|asc", "desc", "newest or oldest first"),
	SWITCH("direct-db", "read the database, without the server"),
	TEXT("db-path", "FILE", "database for --direct-db ($AGENTSH_DB_PATH)"),
	{ 0 },
};

const struct command events_subs[] = {
	{ .name = "tail",
	  .args = "SESSION",
	  .summary = "Follow a session's events, one JSON object per line",
	  .run = cmd_events_tail,
	  .json_lines = true,
	  .min_args = 1,
	  .max_args = 1 },
	{ .name = "query",
	  .summary = "Search recorded events",
	  .run = cmd_events_query,
	  .flags = events_query_flags,
	  .examples = "agentsh events query --session demo --decision deny\n"
		      "agentsh events query --type execve --since 10m\n"
		      "agentsh events query --direct-db --path-like '/etc/%'" },
	{ 0 },
};

static const struct flag approve_flags[] = {
	SWITCH("allow", "let it happen"),
	SWITCH("deny", "refuse it"),
	TEXT("reason", "TEXT", "kept in the record"),
	{ 0 },
};

const struct command approve_subs[] = {
	{ .name = "list",
	  .summary = "Approvals that wait for an answer",
	  .run = cmd_approve_list },
	{ .name = "resolve",
	  .args = "APPROVAL",
	  .summary = "Answer an approval",
	  .run = cmd_approve_resolve,
	  .flags = approve_flags,
	  .min_args = 1,
	  .max_args = 1,
	  .examples = "agentsh approve resolve approval-... --allow" },
	{ 0 },
};

static const struct flag policy_test_flags[] = {
	{ .name = "op",
	  .type = FLAG_STRING,
	  .value = "OPERATION",
	  .required = true,
	  .help = "file_read, file_write, net_connect, exec, ..." },
	{ .name = "path",
	  .type = FLAG_STRING,
	  .value = "OBJECT",
	  .required = true,
	  .help = "path, HOST[:PORT] or command" },
	TEXT("session", "SESSION", "use this session's policy"),
	SWITCH("json", "print JSON"),
	{ 0 },
};

const struct flag explain_flags[] = {
	TEXT("op", "OPERATION",
	     "open, write, delete, ..., connect, exec (else guessed)"),
	TEXT("session", "SESSION",
	     "ask under this session's policy and layers"),
	SWITCH("json", "print JSON"),
	{ 0 },
};

static const struct flag json_flags[] = {
	SWITCH("json", "print JSON"),
	{ 0 },
};

static const struct flag pending_flags[] = {
	TEXT("session", "SESSION", "only of this session"),
	SWITCH("json", "print JSON"),
	{ 0 },
};

const struct command debug_subs[] = {
	{ .name = "policy-test",
	  .summary = "Ask what the policy says of an operation",
	  .run = cmd_debug_policy_test,
	  .flags = policy_test_flags,
	  .examples = "agentsh debug policy-test --op file_write "
		      "--path /etc/passwd\n"
		      "agentsh debug policy-test --op net_connect "
		      "--path example.com:443" },
	{ .name = "stats",
	  .args = "SESSION",
	  .summary = "Count a session's events and decisions",
	  .run = cmd_debug_stats,
	  .flags = json_flags,
	  .min_args = 1,
	  .max_args = 1 },
	{ .name = "pending",
	  .summary = "Table of pending approvals",
	  .run = cmd_debug_pending,
	  .flags = pending_flags },
	{ 0 },
};

const struct command proxy_subs[] = {
	{ .name = "status",
	  .args = "[SESSION|latest]",
	  .summary = "State and counters of a session's proxy",
	  .run = cmd_proxy_status,
	  .flags = json_flags,
	  .max_args = 1 },
	{ 0 },
};
