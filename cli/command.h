/* SPDX-License-Identifier: MIT */
/*
 * command.h - a verb of the command line as data
 *
 * The tree below command_root is everything the program can do: dispatch, help
 * and shell completion are all read from it, so that they cannot disagree.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/flags.h"

struct cli;

/* Return: the exit status of the program. Errors were printed. */
typedef int command_fn(struct cli *c);

struct command {
	const char *name;
	const char *args;           /* usage of positionals, e.g. "SESSION" */
	const char *summary;        /* one line */
	const char *description;    /* paragraphs for --help; may be NULL */
	const char *examples;       /* lines for --help; may be NULL */
	command_fn *run;            /* NULL: only a group of sub-commands */
	const struct flag *flags;   /* ends with name == NULL; may be NULL */
	const struct command *subs; /* ends with name == NULL; may be NULL */
	int min_args, max_args;     /* max < 0: any number */
	bool hidden;
	/* Prints what others make, as they make it: --json is not for it... */
	bool streams;
	/* ...or changes nothing: it is JSON already. */
	bool json_lines;
	/* Flags of the group also apply to its sub-commands. */
	bool persistent;
};

#define COMMAND_MAX_DEPTH 4

/* One invocation. */
struct cli {
	const char *argv0;
	/* The verb and the groups above it, outermost (the root) first. */
	const struct command *path[COMMAND_MAX_DEPTH];
	size_t depth;
	struct flag_set flags;
	char **args; /* positionals, borrowed from argv */
	int n_args;
	int dash; /* index in args where "--" stood; -1 = there was none */
};

extern const struct command command_root;

/*
 * Finds the verb, parses its flags, and runs it.
 * Return: the exit status.
 */
int command_dispatch(const struct command *root, int argc, char **argv);
/* "agentsh session create" into out (NUL-terminated, cut if too long). */
void command_full_name(const struct cli *c, char *out, size_t n);
/* Help for the verb c points at, on stdout. */
void command_help(const struct cli *c);
/* The same for programs: it and the verbs below it. Return: the exit status. */
int command_help_json(const struct cli *c);

/* Verbs that main.c's tables name; one file each. */
command_fn cmd_exec, cmd_run, cmd_wrap, cmd_init, cmd_backup, cmd_restore;
command_fn cmd_server;
command_fn cmd_version, cmd_help;
command_fn cmd_completion;
command_fn cmd_session_create, cmd_session_list, cmd_session_info,
	cmd_session_update, cmd_session_destroy, cmd_session_attach,
	cmd_session_logs;
command_fn cmd_kill, cmd_output;
command_fn cmd_events_tail, cmd_events_query;
command_fn cmd_approve_list, cmd_approve_resolve;
command_fn cmd_explain;
command_fn cmd_debug_policy_test, cmd_debug_stats, cmd_debug_pending;
command_fn cmd_policy_list, cmd_policy_show, cmd_policy_validate,
	cmd_policy_reload, cmd_policy_generate, cmd_policy_keygen,
	cmd_policy_sign, cmd_policy_verify;
command_fn cmd_config_show, cmd_config_validate;
command_fn cmd_proxy_status;
command_fn cmd_report;
command_fn cmd_audit_verify, cmd_audit_chain_status, cmd_audit_chain_reset;
command_fn cmd_trash_list, cmd_trash_restore, cmd_trash_purge,
	cmd_trash_history, cmd_trash_show;
command_fn cmd_undo, cmd_redo, cmd_undo_status;
command_fn cmd_checkpoint_create, cmd_checkpoint_list, cmd_checkpoint_show,
	cmd_checkpoint_rollback, cmd_checkpoint_purge;
command_fn cmd_detect, cmd_detect_config;
command_fn cmd_shim_install, cmd_shim_uninstall, cmd_shim_status;

#endif
