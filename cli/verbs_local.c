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
	{ .name = "show",
	  .args = "POLICY",
	  .summary = "A policy as it was understood (JSON)",
	  .run = cmd_policy_show,
	  .min_args = 1,
	  .max_args = 1 },
	{ .name = "validate",
	  .args = "POLICY",
	  .summary = "Check a policy file",
	  .run = cmd_policy_validate,
	  .min_args = 1,
	  .max_args = 1,
	  .examples = "agentsh policy validate ./my-policy.yaml" },
	{ .name = "reload",
	  .summary = "Have running sessions follow changed policy files",
	  .run = cmd_policy_reload },
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

const struct flag detect_flags[] = {
	{ .name = "output",
	  .shorthand = 'o',
	  .type = FLAG_STRING,
	  .value = "table|json|yaml",
	  .dflt = "table",
	  .help = "format" },
	{ .name = "config",
	  .type = FLAG_STRING,
	  .value = "FILE",
	  .help = "configuration whose sessions are tried ($AGENTSH_CONFIG)" },
	{ .name = "strict",
	  .type = FLAG_BOOL,
	  .help = "status 1 unless every guarantee holds" },
	{ 0 },
};

static const struct flag detect_config_flags[] = {
	{ .name = "config",
	  .type = FLAG_STRING,
	  .value = "FILE",
	  .help = "configuration whose sessions are tried ($AGENTSH_CONFIG)" },
	{ .name = "output",
	  .shorthand = 'o',
	  .type = FLAG_STRING,
	  .value = "FILE",
	  .help = "write here instead of to standard output" },
	{ 0 },
};

const struct command detect_subs[] = {
	{ .name = "config",
	  .summary = "Write a configuration that fits this host",
	  .run = cmd_detect_config,
	  .flags = detect_config_flags },
	{ 0 },
};

static const struct flag audit_verify_flags[] = {
	{ .name = "config",
	  .type = FLAG_STRING,
	  .value = "FILE",
	  .help = "configuration that names the log and its key" },
	{ 0 },
};

const struct command audit_subs[] = {
	{ .name = "verify",
	  .args = "[LOG]",
	  .summary = "Check the chain of a database or of JSON lines",
	  .run = cmd_audit_verify,
	  .flags = audit_verify_flags,
	  .max_args = 1,
	  .examples = "agentsh audit verify /var/lib/agentsh/events.db" },
	{ 0 },
};

const struct flag trash_flags[] = {
	{ .name = "trash-path",
	  .type = FLAG_STRING,
	  .value = "DIR",
	  .dflt = ".agentsh_trash",
	  .help = "the workspace's trash" },
	{ .name = "root",
	  .type = FLAG_STRING,
	  .value = "DIR",
	  .help = "the workspace (default: found from here upwards)" },
	{ 0 },
};

static const struct flag trash_list_flags[] = {
	{ .name = "session",
	  .type = FLAG_STRING,
	  .value = "SESSION",
	  .help = "only what this session deleted" },
	{ .name = "all",
	  .type = FLAG_BOOL,
	  .help = "every kept version on a line of its own" },
	{ .name = "json", .type = FLAG_BOOL, .help = "print JSON" },
	{ 0 },
};

static const struct flag trash_restore_flags[] = {
	{ .name = "dest",
	  .type = FLAG_STRING,
	  .value = "PATH",
	  .help = "put it there instead of where it was" },
	{ .name = "force",
	  .type = FLAG_BOOL,
	  .help = "replace what is in the way (which is kept)" },
	{ .name = "dry-run",
	  .type = FLAG_BOOL,
	  .help = "say what would be restored" },
	{ 0 },
};

static const struct flag trash_purge_flags[] = {
	{ .name = "ttl",
	  .type = FLAG_STRING,
	  .value = "DURATION",
	  .help = "drop what is older, e.g. 7d" },
	{ .name = "quota",
	  .type = FLAG_STRING,
	  .value = "SIZE",
	  .help = "then the oldest until so much is left, e.g. 5GB" },
	{ .name = "session",
	  .type = FLAG_STRING,
	  .value = "SESSION",
	  .help = "only this session's; alone: all of it" },
	{ .name = "all", .type = FLAG_BOOL, .help = "drop everything" },
	{ .name = "dry-run",
	  .type = FLAG_BOOL,
	  .help = "say how much would go" },
	{ 0 },
};

static const struct flag trash_history_flags[] = {
	{ .name = "json", .type = FLAG_BOOL, .help = "print JSON" },
	{ 0 },
};

const struct command trash_subs[] = {
	{ .name = "list",
	  .summary = "What is kept: token, path, size, age",
	  .run = cmd_trash_list,
	  .flags = trash_list_flags },
	{ .name = "restore",
	  .args = "TOKEN|PATH",
	  .summary = "Bring back a file or a removed directory",
	  .run = cmd_trash_restore,
	  .flags = trash_restore_flags,
	  .min_args = 1,
	  .max_args = 1,
	  .examples = "agentsh trash restore 1767225600000000000\n"
		      "agentsh trash restore src/main.c --dest /tmp/old.c" },
	{ .name = "purge",
	  .summary = "Drop kept files for good",
	  .run = cmd_trash_purge,
	  .flags = trash_purge_flags,
	  .examples = "agentsh trash purge --ttl 7d --quota 5GB" },
	{ .name = "history",
	  .args = "PATH",
	  .summary = "What happened to a path, and which versions are kept",
	  .run = cmd_trash_history,
	  .flags = trash_history_flags,
	  .min_args = 1,
	  .max_args = 1 },
	{ .name = "show",
	  .args = "TOKEN|PATH",
	  .summary = "Print a kept version",
	  .run = cmd_trash_show,
	  .min_args = 1,
	  .max_args = 1 },
	{ 0 },
};

const struct flag undo_flags[] = {
	{ .name = "command",
	  .type = FLAG_STRING,
	  .value = "ID",
	  .help = "this command; the beginning of its id will do" },
	{ .name = "json", .type = FLAG_BOOL, .help = "print JSON" },
	{ .name = "trash-path",
	  .type = FLAG_STRING,
	  .value = "DIR",
	  .dflt = ".agentsh_trash",
	  .help = "the workspace's trash" },
	{ .name = "root",
	  .type = FLAG_STRING,
	  .value = "DIR",
	  .help = "the workspace (default: found from here upwards)" },
	{ .name = "session",
	  .type = FLAG_STRING,
	  .value = "SESSION",
	  .help = "every command of this session" },
	{ .name = "since",
	  .type = FLAG_STRING,
	  .value = "TIME",
	  .help = "everything since then (RFC 3339, or 10m ago)" },
	{ .name = "dry-run",
	  .type = FLAG_BOOL,
	  .help = "say what would be done" },
	{ .name = "force",
	  .type = FLAG_BOOL,
	  .help = "replace what was changed since (which is kept)" },
	{ .name = "redo", .type = FLAG_BOOL, .help = "take back an undo" },
	{ .name = "verbose", .type = FLAG_BOOL, .help = "name every file" },
	{ 0 },
};

static const struct flag undo_view_flags[] = {
	{ .name = "trash-path",
	  .type = FLAG_STRING,
	  .value = "DIR",
	  .dflt = ".agentsh_trash",
	  .help = "the workspace's trash" },
	{ .name = "root",
	  .type = FLAG_STRING,
	  .value = "DIR",
	  .help = "the workspace (default: found from here upwards)" },
	{ .name = "json", .type = FLAG_BOOL, .help = "print JSON" },
	{ 0 },
};

const struct command undo_subs[] = {
	{ .name = "status",
	  .summary = "What can be undone, and what could not be kept",
	  .run = cmd_undo_status,
	  .flags = undo_view_flags },
	{ .name = "history",
	  .args = "PATH",
	  .summary = "What happened to a path, and which versions are kept",
	  .run = cmd_trash_history,
	  .flags = undo_view_flags,
	  .min_args = 1,
	  .max_args = 1 },
	{ .name = "show",
	  .args = "PATH[@ID]",
	  .summary = "Print a kept version; ID: its token or command",
	  .run = cmd_trash_show,
	  .flags = undo_view_flags,
	  .min_args = 1,
	  .max_args = 1,
	  .examples = "agentsh undo show src/main.c@cmd-1b4e" },
	{ 0 },
};

const struct flag checkpoint_flags[] = {
	{ .name = "session",
	  .type = FLAG_STRING,
	  .value = "SESSION",
	  .help = "session the checkpoint belongs to" },
	{ .name = "workspace",
	  .type = FLAG_STRING,
	  .value = "DIR",
	  .dflt = ".",
	  .help = "workspace" },
	{ .name = "storage-dir",
	  .type = FLAG_STRING,
	  .value = "DIR",
	  .help = "accepted for compatibility, not used",
	  .hidden = true },
	{ 0 },
};

static const struct flag checkpoint_create_flags[] = {
	{ .name = "reason",
	  .type = FLAG_STRING,
	  .value = "TEXT",
	  .dflt = "manual checkpoint",
	  .help = "why" },
	{ 0 },
};

static const struct flag checkpoint_list_flags[] = {
	{ .name = "json", .type = FLAG_BOOL, .help = "print JSON" },
	{ 0 },
};

static const struct flag checkpoint_show_flags[] = {
	{ .name = "diff",
	  .type = FLAG_BOOL,
	  .help = "name the files that differ" },
	{ 0 },
};

static const struct flag checkpoint_rollback_flags[] = {
	{ .name = "dry-run",
	  .type = FLAG_BOOL,
	  .help = "say what would be restored" },
	{ .name = "force",
	  .type = FLAG_BOOL,
	  .help = "replace what others changed (which is kept)" },
	{ 0 },
};

static const struct flag checkpoint_purge_flags[] = {
	{ .name = "older-than",
	  .type = FLAG_STRING,
	  .value = "DURATION",
	  .help = "only those older than this" },
	{ .name = "keep",
	  .type = FLAG_INT,
	  .value = "N",
	  .help = "keep the newest N" },
	{ 0 },
};

const struct command checkpoint_subs[] = {
	{ .name = "create",
	  .summary = "Mark the present state",
	  .run = cmd_checkpoint_create,
	  .flags = checkpoint_create_flags },
	{ .name = "list",
	  .summary = "List the marks",
	  .run = cmd_checkpoint_list,
	  .flags = checkpoint_list_flags },
	{ .name = "show",
	  .args = "CHECKPOINT",
	  .summary = "Show a mark and what changed since",
	  .run = cmd_checkpoint_show,
	  .flags = checkpoint_show_flags,
	  .min_args = 1,
	  .max_args = 1 },
	{ .name = "rollback",
	  .args = "CHECKPOINT",
	  .summary = "Put the workspace back to a mark",
	  .run = cmd_checkpoint_rollback,
	  .flags = checkpoint_rollback_flags,
	  .min_args = 1,
	  .max_args = 1 },
	{ .name = "purge",
	  .summary = "Forget old marks",
	  .run = cmd_checkpoint_purge,
	  .flags = checkpoint_purge_flags },
	{ 0 },
};
