/* SPDX-License-Identifier: MIT */
/*
 * main.c - agentsh: the table of verbs
 *
 * To add a verb: a row here, its function in a cmd_*.c, its paragraph in
 * docs/man/agentsh.1 (docs/howto/add-a-subcommand.md).
 */
#include <signal.h>

#include "cli/command.h"
#include "cli/detect_trial.h"
#include "cli/verbs.h"
#ifdef HAVE_SERVER
#	include "server/server.h"
#endif

#ifdef HAVE_SERVER
int cmd_server(struct cli *c)
{
	const char *config = flag_text(&c->flags, "config");

	/* A word ("start") is accepted and means nothing. */
	return server_main(config[0] ? config : NULL);
}
#endif

static const struct flag root_flags[] = {
	TEXT("server", "URL",
	     "server to talk to: http[s]://HOST:PORT or unix:///PATH "
	     "($AGENTSH_SERVER)"),
	TEXT("transport", "NAME", "http is the only one ($AGENTSH_TRANSPORT)"),
	{ .name = "grpc-addr",
	  .type = FLAG_STRING,
	  .value = "ADDR",
	  .help = "accepted for compatibility, not used",
	  .hidden = true },
	TEXT("api-key", "KEY", "sent as X-API-Key ($AGENTSH_API_KEY)"),
	TEXT("client-timeout", "DURATION",
	     "give up after this long, 30s by default "
	     "($AGENTSH_CLIENT_TIMEOUT)"),
	SWITCH("json", "print one JSON document, whatever the verb"),
	SWITCH("quiet", "no progress bar on a terminal"),
	SWITCH("version", "print the version"),
	{ 0 },
};

#define SESSION_EXAMPLES                         \
	"agentsh session create --workspace .\n" \
	"agentsh session list\n"                 \
	"agentsh session destroy demo"

#ifdef HAVE_SERVER
static const struct flag run_flags[] = {
	TEXT("policy", "NAME", "policy (the configured one)"),
	TEXT("root", "DIR", "workspace (the current directory)"),
	TEXT("config", "FILE", "configuration file ($AGENTSH_CONFIG)"),
	TEXT("timeout", "DURATION",
	     "end the command after this long (at most the policy's "
	     "limit)"),
	TEXT("argv0", "NAME", "what the command sees as its own name"),
	SWITCH("quiet", "no line about what can be undone"),
	{ 0 },
};
#endif

static const struct flag exec_flags[] = {
	TEXT("timeout", "DURATION",
	     "end the command after this long (at most the policy's "
	     "limit)"),
	TEXT("json", "REQUEST", "the whole request as JSON instead of COMMAND"),
	SWITCH("stream",
	       "show output as it comes, and keep it for agentsh output"),
	SWITCH("pty", "give the command a terminal even when ours is none"),
	TEXT("argv0", "NAME", "what the command sees as its own name"),
	TEXT("output", "shell|json",
	     "plain output, or the response as JSON "
	     "($AGENTSH_OUTPUT; shell)"),
	TEXT("events", "all|summary|blocked|none",
	     "events in the JSON response ($AGENTSH_EVENTS)"),
	TEXT("root", "DIR",
	     "workspace of a session made on the way "
	     "($AGENTSH_SESSION_ROOT, else the current directory)"),
	TEXT("cwd", "DIR", "working directory of the command (the session's)"),
	SWITCH("no-detect-root",
	       "new session: do not look for the project's root"),
	TEXT("project-root", "DIR", "new session: the project's root"),
	TEXT("session-file", "FILE", "remove FILE when the session is gone"),
	SWITCH("real-paths", "new session: real paths instead of /workspace"),
	SWITCH("quiet", "no explaining lines on standard error"),
	{ 0 },
};

#ifdef HAVE_SERVER
static const struct flag server_flags[] = {
	TEXT("config", "FILE", "configuration file ($AGENTSH_CONFIG)"),
	{ .name = "daemon",
	  .type = FLAG_BOOL,
	  .help = "accepted for compatibility, not used",
	  .hidden = true },
	{ 0 },
};
#endif

static const struct command root_subs[] = {
	{ .name = "exec",
	  .args = "[SESSION] -- COMMAND [ARG...]",
	  .summary = "Run a command under the session's policy",
	  .description =
		  "Starts the server and makes the session if need be. The "
		  "exit status is the\ncommand's; 124: time-out, 126: denied "
		  "by policy, 127: could not be started.",
	  .examples = "agentsh exec demo -- make test\n"
		      "agentsh exec --timeout 2m demo -- sh -c 'ls | wc -l'\n"
		      "agentsh exec --output json --events all demo -- id\n"
		      "AGENTSH_SESSION_ID=demo agentsh exec -- git status",
	  .run = cmd_exec,
	  .flags = exec_flags,
	  .max_args = -1 },
#ifdef HAVE_SERVER
	{ .name = "run",
	  .args = "-- COMMAND [ARG...]",
	  .summary = "Run one command under the policy, without a server",
	  .description =
		  "Judged, confined, recorded and undoable like exec, in one "
		  "process. What needs a server\nis missing: approvals "
		  "(refused), the network proxy (names are not known, only "
		  "addresses),\nsandbox.require (refused). The record is taken "
		  "over by the next server.",
	  .examples = "agentsh run -- make test\n"
		      "agentsh run --policy dev-safe --timeout 5m -- npm test",
	  .run = cmd_run,
	  .flags = run_flags,
	  .streams = true,
	  .max_args = -1 },
#endif
	{ .name = "wrap",
	  .args = "-- AGENT [ARG...]",
	  .summary = "Run a whole agent program inside a session",
	  .description = "It gets this terminal, working directory and, as far "
			 "as the policy allows,\nenvironment. At its end a "
			 "line says what was denied and kept.",
	  .examples = "agentsh wrap -- claude\n"
		      "agentsh wrap --policy dev-safe --root ~/src/app -- "
		      "codex",
	  .run = cmd_wrap,
	  .flags = wrap_flags,
	  .streams = true,
	  .max_args = -1 },
	{ .name = "init",
	  .args = "[PROJECT]",
	  .summary = "Write a policy for a project",
	  .description =
		  "Looks at what the project is built with. The policy "
		  "is a shipped one with the\nnetwork narrowed to code "
		  "hosts and the package sources of that, and with files "
		  "\nprotected that others run later (git hooks, editor "
		  "tasks).",
	  .run = cmd_init,
	  .flags = init_flags,
	  .max_args = 1,
	  .examples = "agentsh init\n"
		      "agentsh init ~/src/app --output app.yaml" },
#ifdef HAVE_SERVER
	{ .name = "server",
	  .args = "[start]",
	  .summary = "Run the server in the foreground",
	  .run = cmd_server,
	  .flags = server_flags,
	  .streams = true,
	  .max_args = -1,
	  .examples = "agentsh server --config /etc/agentsh/config.yaml" },
#endif
	{ .name = "session",
	  .summary = "Make, list, change and end sessions",
	  .subs = session_subs,
	  .examples = SESSION_EXAMPLES },
	{ .name = "kill",
	  .args = "SESSION COMMAND_ID",
	  .summary = "End a running command and all it started",
	  .run = cmd_kill,
	  .min_args = 2,
	  .max_args = 2 },
	{ .name = "output",
	  .args = "SESSION COMMAND_ID",
	  .summary = "Print the stored output of a command",
	  .run = cmd_output,
	  .flags = output_flags,
	  .min_args = 2,
	  .max_args = 2,
	  .examples = "agentsh output demo cmd-... --stream stderr" },
	{ .name = "events",
	  .summary = "Follow or search the audit record",
	  .subs = events_subs },
	{ .name = "audit",
	  .summary = "Check that the record was not tampered with",
	  .subs = audit_subs },
	{ .name = "approve",
	  .summary = "List and answer approvals",
	  .subs = approve_subs },
	{ .name = "policy",
	  .summary = "List, show and check policies",
	  .subs = policy_subs,
	  .flags = policy_flags,
	  .persistent = true },
	{ .name = "config",
	  .summary = "Show and check the configuration",
	  .subs = config_subs,
	  .flags = config_flags,
	  .persistent = true },
	{ .name = "proxy",
	  .summary = "State of the network proxy",
	  .subs = proxy_subs },
	{ .name = "undo",
	  .args = "[COMMAND_ID | PATH...]",
	  .summary = "Take back what commands did to files",
	  .description =
		  "Without words: the newest command that changed something. "
		  "What was changed again\nsince is left alone and named. "
		  "Undoing is itself on record and can be taken back.",
	  .examples = "agentsh undo --dry-run\n"
		      "agentsh undo cmd-1b4e28ba-...\n"
		      "agentsh undo --since 10m src/\n"
		      "agentsh undo --session demo\n"
		      "agentsh undo --redo",
	  .run = cmd_undo,
	  .subs = undo_subs,
	  .flags = undo_flags,
	  .max_args = -1 },
	{ .name = "redo",
	  .args = "[COMMAND_ID | PATH...]",
	  .summary = "Take back the newest undo, or the one named",
	  .description = "Each redo goes one undo further back: two undos are "
			 "taken back by two.",
	  .examples = "agentsh redo --dry-run\nagentsh redo undo-1b4e28ba",
	  .run = cmd_redo,
	  .flags = REDO_FLAGS,
	  .max_args = -1 },
	{ .name = "history",
	  .args = "PATH",
	  .summary = "What happened to a path, and which versions are kept",
	  .run = cmd_trash_history,
	  .flags = undo_view_flags,
	  .min_args = 1,
	  .max_args = 1,
	  .examples = "agentsh history src/main.c" },
	{ .name = "show",
	  .args = "PATH[@ID]",
	  .summary = "Print a kept version; ID: its token or command",
	  .run = cmd_trash_show,
	  .flags = undo_show_flags,
	  .min_args = 1,
	  .max_args = 1,
	  .examples = "agentsh show src/main.c@cmd-1b4e" },
	{ .name = "trash",
	  .summary = "List, bring back and drop what was deleted",
	  .subs = trash_subs,
	  .flags = trash_flags,
	  .persistent = true },
	{ .name = "checkpoint",
	  .summary = "Marks to roll a workspace back to",
	  .subs = checkpoint_subs,
	  .flags = checkpoint_flags,
	  .persistent = true },
	{ .name = "report",
	  .args = "SESSION|latest",
	  .summary = "What a session did, as Markdown",
	  .run = cmd_report,
	  .flags = report_flags,
	  .min_args = 1,
	  .max_args = 1,
	  .examples = "agentsh report latest --level detailed "
		      "--output report.md" },
	{ .name = "backup",
	  .summary = "Configuration, policies and audit log into one file",
	  .run = cmd_backup,
	  .flags = backup_flags,
	  .examples = "agentsh backup -o agentsh.tar.gz --verify" },
	{ .name = "restore",
	  .summary = "Put a backup back",
	  .run = cmd_restore,
	  .flags = restore_flags,
	  .examples = "agentsh restore -i agentsh.tar.gz --dry-run" },
	{ .name = "detect",
	  .summary = "What this host lets agentsh enforce",
	  .run = cmd_detect,
	  .subs = detect_subs,
	  .flags = detect_flags,
	  .examples = "agentsh detect\nagentsh detect -o json" },
	{ .name = "shim",
	  .summary = "Let sh and bash run in sessions",
	  .subs = shim_subs },
	{ .name = "explain",
	  .args = "PATH | HOST[:PORT] | COMMAND [ARG...]",
	  .summary = "Which rule decides, and what would change it",
	  .run = cmd_explain,
	  .flags = explain_flags,
	  .min_args = 1,
	  .max_args = -1,
	  .examples = "agentsh explain /etc/passwd --op write\n"
		      "agentsh explain example.com:443\n"
		      "agentsh explain --session demo -- rm -rf build" },
	{ .name = "debug",
	  .summary = "Look into policy and sessions",
	  .subs = debug_subs },
	{ .name = "completion",
	  .args = "bash|zsh|fish",
	  .summary = "Print a shell completion script",
	  .run = cmd_completion,
	  .min_args = 1,
	  .max_args = 1,
	  .examples = "source <(agentsh completion bash)" },
	{ .name = "help",
	  .args = "[COMMAND...]",
	  .summary = "Help for a command",
	  .run = cmd_help,
	  .max_args = -1 },
	{ 0 },
};

const struct command command_root = {
	.name = "agentsh",
	.args = "COMMAND",
	.summary = "Run an AI agent's commands under a policy, on record, "
		   "with undo.",
	.flags = root_flags,
	.subs = root_subs,
};

int main(int argc, char **argv)
{
	/* A reader that went away shows as EPIPE where it is written. */
	(void)signal(SIGPIPE, SIG_IGN);
#ifdef HAVE_SERVER
	detect_trial = server_trial;
	detect_judge = server_judge;
#endif
	return command_dispatch(&command_root, argc, argv);
}
