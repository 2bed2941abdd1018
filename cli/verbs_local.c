/* SPDX-License-Identifier: MIT */
/*
 * verbs_local.c - flags and sub-commands of the verbs that need no server
 */
#include "cli/verbs.h"

const struct flag policy_flags[] = {
	TEXT("config", "FILE", "configuration that names the policy directory"),
	TEXT("dir", "DIR", "policy directory"),
	{ 0 },
};

const struct flag backup_flags[] = {
	{ .name = "output",
	  .shorthand = 'o',
	  .type = FLAG_STRING,
	  .value = "FILE",
	  .help = "archive to make (agentsh-backup-TIME.tar.gz)" },
	SWITCH("verify", "read it back and check it"),
	TEXT("config", "FILE",
	     "configuration to back up (else the usual places)"),
	{ 0 },
};

const struct flag restore_flags[] = {
	{ .name = "input",
	  .shorthand = 'i',
	  .type = FLAG_STRING,
	  .value = "FILE",
	  .required = true,
	  .help = "archive made by backup" },
	SWITCH("dry-run", "say what would be restored"),
	SWITCH("verify", "check the whole archive first"),
	TEXT_OR("root", "DIR", "/", "restore below this directory"),
	{ 0 },
};

const struct flag init_flags[] = {
	TEXT("config", "FILE", "configuration that names the policy directory"),
	TEXT("dir", "DIR", "policy directory"),
	TEXT_OR("base", "POLICY", "default", "policy to begin with"),
	TEXT("name", "NAME", "name of the new policy (that of the directory)"),
	TEXT("output", "FILE",
	     "write here instead of into the policy directory"),
	SWITCH("open-network", "keep the hosts that the base allows"),
	SWITCH("force", "write over a file that exists"),
	{ 0 },
};

static const struct flag generate_flags[] = {
	TEXT("output", "FILE", "write here instead of to standard output"),
	TEXT("name", "NAME", "name of the policy (generated-SESSION)"),
	{ .name = "threshold",
	  .type = FLAG_INT,
	  .value = "N",
	  .dflt = "5",
	  .help = "entries below one directory that become a pattern" },
	{ .name = "include-blocked",
	  .type = FLAG_BOOL,
	  .dflt = "true",
	  .help = "list what was denied, commented out" },
	{ .name = "arg-patterns",
	  .type = FLAG_BOOL,
	  .dflt = "true",
	  .help = "allow only the sub-commands seen (git, npm, ...)" },
	SWITCH("direct-db", "read the database, without the server"),
	TEXT("db-path", "FILE",
	     "database ($AGENTSH_DB_PATH, ./data/events.db)"),
	{ 0 },
};

static const struct flag keygen_flags[] = {
	TEXT_OR("output", "DIR", ".", "where the two key files go"),
	TEXT("label", "TEXT", "whose key it is"),
	{ 0 },
};

static const struct flag sign_flags[] = {
	{ .name = "key",
	  .type = FLAG_STRING,
	  .value = "FILE",
	  .required = true,
	  .help = "private key (private.key.json)" },
	TEXT("output", "FILE", "signature file (POLICY.sig)"),
	TEXT("signer", "TEXT", "who signs, for the record"),
	{ 0 },
};

static const struct flag verify_flags[] = {
	{ .name = "key-dir",
	  .type = FLAG_STRING,
	  .value = "DIR",
	  .required = true,
	  .help = "directory of trusted public keys" },
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
	{ .name = "generate",
	  .args = "SESSION|latest",
	  .summary = "A policy that allows what a session did",
	  .description = "Run the work once under a wide policy, then lock it "
			 "down to what it needed.",
	  .run = cmd_policy_generate,
	  .flags = generate_flags,
	  .min_args = 1,
	  .max_args = 1,
	  .examples = "agentsh policy generate latest --output ci.yaml" },
	{ .name = "keygen",
	  .summary = "Make a key pair to sign policies with",
	  .run = cmd_policy_keygen,
	  .flags = keygen_flags,
	  .examples = "agentsh policy keygen --output keys --label ops" },
	{ .name = "sign",
	  .args = "FILE",
	  .summary = "Sign a policy file",
	  .run = cmd_policy_sign,
	  .flags = sign_flags,
	  .min_args = 1,
	  .max_args = 1,
	  .examples = "agentsh policy sign default.yaml --key "
		      "keys/private.key.json" },
	{ .name = "verify",
	  .args = "FILE",
	  .summary = "Check a policy file's signature",
	  .run = cmd_policy_verify,
	  .flags = verify_flags,
	  .min_args = 1,
	  .max_args = 1 },
	{ 0 },
};

const struct flag config_flags[] = {
	TEXT("path", "FILE", "configuration file (else the usual places)"),
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
	TEXT("output", "FILE", "write here instead of to standard output"),
	SWITCH("direct-db", "read the database, without the server"),
	TEXT("db-path", "FILE", "database for --direct-db ($AGENTSH_DB_PATH)"),
	TEXT("sessions-dir", "DIR",
	     "where LLM request logs are ($AGENTSH_SESSIONS_DIR)"),
	{ 0 },
};

const struct flag detect_flags[] = {
	{ .name = "output",
	  .shorthand = 'o',
	  .type = FLAG_STRING,
	  .value = "table|json|yaml",
	  .dflt = "table",
	  .help = "format" },
	TEXT("config", "FILE",
	     "configuration whose sessions are tried ($AGENTSH_CONFIG)"),
	SWITCH("strict", "status 1 unless every guarantee holds"),
	{ 0 },
};

static const struct flag detect_config_flags[] = {
	TEXT("config", "FILE",
	     "configuration whose sessions are tried ($AGENTSH_CONFIG)"),
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
	TEXT("config", "FILE", "configuration that names the log and its key"),
	SWITCH("tolerate-unsigned",
	       "JSON lines: leave out lines without integrity"),
	SWITCH("tolerate-truncation", "JSON lines: the end may be missing"),
	{ .name = "from-sequence",
	  .type = FLAG_INT,
	  .value = "N",
	  .dflt = "0",
	  .help = "JSON lines: begin with the entry of this number" },
	{ 0 },
};

static const struct flag chain_status_flags[] = {
	TEXT("config", "FILE", "configuration that names the log and its key"),
	{ 0 },
};

static const struct flag chain_reset_flags[] = {
	TEXT("config", "FILE", "configuration that names the log and its key"),
	{ .name = "reason",
	  .type = FLAG_STRING,
	  .value = "TEXT",
	  .required = true,
	  .help = "why, for the record" },
	TEXT_OR("reason-code", "CODE", "manual_reset",
		"manual_reset, key_rotated, post_tamper_recovery, ..."),
	{ .name = "legacy-archive",
	  .type = FLAG_BOOL,
	  .dflt = "true",
	  .help = "the old log is always kept",
	  .hidden = true },
	SWITCH("force", "do not ask"),
	{ 0 },
};

static const struct command chain_subs[] = {
	{ .name = "verify",
	  .args = "[LOG]",
	  .summary = "The same as audit verify",
	  .run = cmd_audit_verify,
	  .flags = audit_verify_flags,
	  .max_args = 1 },
	{ .name = "status",
	  .summary = "State of the chain of the JSON lines log",
	  .run = cmd_audit_chain_status,
	  .flags = chain_status_flags },
	{ .name = "reset",
	  .summary = "Put the JSON lines log aside and begin a new chain",
	  .run = cmd_audit_chain_reset,
	  .flags = chain_reset_flags,
	  .examples = "agentsh audit chain reset --reason 'new key' "
		      "--reason-code key_rotated" },
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
	{ .name = "chain",
	  .summary = "Check, show and begin anew the keyed chain",
	  .subs = chain_subs },
	{ 0 },
};

const struct flag trash_flags[] = {
	TEXT_OR("trash-path", "DIR", ".agentsh_trash", "the workspace's trash"),
	TEXT("root", "DIR", "the workspace (default: found from here upwards)"),
	{ 0 },
};

static const struct flag trash_list_flags[] = {
	TEXT("session", "SESSION", "only what this session deleted"),
	SWITCH("all", "every kept version on a line of its own"),
	SWITCH("json", "print JSON"),
	{ 0 },
};

static const struct flag trash_restore_flags[] = {
	TEXT("dest", "PATH", "put it there instead of where it was"),
	SWITCH("force", "replace what is in the way (which is kept)"),
	SWITCH("dry-run", "say what would be restored"),
	{ 0 },
};

static const struct flag trash_purge_flags[] = {
	TEXT("ttl", "DURATION", "drop what is older, e.g. 7d"),
	TEXT("quota", "SIZE",
	     "then the oldest until so much is left, e.g. 5GB"),
	TEXT("session", "SESSION", "only this session's; alone: all of it"),
	SWITCH("all", "drop everything"),
	SWITCH("dry-run", "say how much would go"),
	{ 0 },
};

static const struct flag trash_history_flags[] = {
	SWITCH("json", "print JSON"),
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

/* The first is for undo alone: REDO_FLAGS begin after it. */
const struct flag undo_flags[] = {
	SWITCH("redo", "take back an undo"),
	TEXT("command", "ID", "this command; the beginning of its id will do"),
	SWITCH("json", "print JSON"),
	TEXT_OR("trash-path", "DIR", ".agentsh_trash", "the workspace's trash"),
	TEXT("root", "DIR", "the workspace (default: found from here upwards)"),
	TEXT("session", "SESSION", "every command of this session"),
	TEXT("since", "TIME", "everything since then (RFC 3339, or 10m ago)"),
	SWITCH("dry-run", "say what would be done"),
	SWITCH("force", "replace what was changed since (which is kept)"),
	SWITCH("verbose", "name every file"),
	{ 0 },
};

const struct flag undo_view_flags[] = {
	TEXT_OR("trash-path", "DIR", ".agentsh_trash", "the workspace's trash"),
	TEXT("root", "DIR", "the workspace (default: found from here upwards)"),
	SWITCH("json", "print JSON"),
	{ 0 },
};

const struct flag undo_show_flags[] = {
	TEXT_OR("trash-path", "DIR", ".agentsh_trash", "the workspace's trash"),
	TEXT("root", "DIR", "the workspace (default: found from here upwards)"),
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
	  .flags = undo_show_flags,
	  .min_args = 1,
	  .max_args = 1,
	  .examples = "agentsh undo show src/main.c@cmd-1b4e" },
	{ 0 },
};

const struct flag checkpoint_flags[] = {
	TEXT("session", "SESSION", "session the checkpoint belongs to"),
	TEXT_OR("workspace", "DIR", ".", "workspace"),
	{ .name = "storage-dir",
	  .type = FLAG_STRING,
	  .value = "DIR",
	  .help = "accepted for compatibility, not used",
	  .hidden = true },
	{ 0 },
};

static const struct flag checkpoint_create_flags[] = {
	TEXT_OR("reason", "TEXT", "manual checkpoint", "why"),
	{ 0 },
};

static const struct flag checkpoint_list_flags[] = {
	SWITCH("json", "print JSON"),
	{ 0 },
};

static const struct flag checkpoint_show_flags[] = {
	SWITCH("diff", "the files that differ, and how"),
	{ 0 },
};

static const struct flag checkpoint_rollback_flags[] = {
	SWITCH("dry-run", "say what would be restored"),
	SWITCH("force", "replace what others changed (which is kept)"),
	{ 0 },
};

static const struct flag checkpoint_purge_flags[] = {
	TEXT("older-than", "DURATION", "only those older than this"),
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
