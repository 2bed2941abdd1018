/* SPDX-License-Identifier: MIT */
/*
 * guidance.c - telling the agent why, and what it could do instead
 *
 * Clients look for the phrases "command denied by policy" and "blocked by
 * policy"; a command that succeeded in spite of some denied probe must not
 * show them, so denials of files and programs speak only when it failed.
 * The rule is in policy_rule alone: the client appends it to the reason.
 */
#include "server/exec.h"

struct advice {
	const char *status, *reason;
	bool blocked, retryable;
	struct str rule, operation, target;
	const char *action[3], *command[3], *why[3];
	size_t n;
};

static void suggest(struct advice *a, const char *action, const char *command,
		    const char *why)
{
	a->action[a->n] = action;
	a->command[a->n] = command;
	a->why[a->n++] = why;
}

static bool is_code(const struct command *c, const char *prefix)
{
	return c->error.code &&
	       str_starts(str_from(c->error.code), str_from(prefix));
}

static void advise_denied(const struct command *c, struct advice *a)
{
	a->status = "blocked";
	a->blocked = true;
	a->reason = c->error.message;
	a->rule = c->rule;
	a->operation = STR("command_precheck");
	a->target = c->rq.command;
	if (is_code(c, "E_APPROVAL"))
		suggest(a, "request_approval", "",
			"the command needs the approval of a person");
	else
		suggest(a, "adjust_policy", "",
			"operation denied by policy; adjust policy or change "
			"command");
}

static void advise_blocked(const struct command *c, struct advice *a)
{
	a->status = "blocked";
	a->blocked = true;
	a->reason = "blocked by policy";
	a->rule = c->seen.rule;
	a->operation = c->seen.operation;
	a->target = c->seen.target;
	suggest(a, "inspect_events", "",
		"query the event log for full details (rule, operation, and "
		"target)");
	suggest(a, "adjust_policy", "",
		"allow the required operation (or enable approvals where "
		"appropriate)");
}

static void advise_failed(const struct command *c, struct advice *a)
{
	a->status = "failed";
	a->reason = "command failed";
	if (c->timed_out) {
		a->reason = "command timed out";
		a->retryable = true;
		suggest(a, "increase_timeout", "agentsh exec --timeout 2m ...",
			"give the command more time");
	} else if (c->exit_code == EXEC_EXIT_NOT_RUN && !c->not_executable) {
		suggest(a, "use_absolute_exe", "",
			"use an absolute executable path (or install the "
			"missing tool if allowed)");
	} else if (c->exit_code == EXEC_EXIT_DENIED || c->not_executable) {
		suggest(a, "fix_permissions", "",
			"make the file executable, or run it with its "
			"interpreter");
	}
}

static void advise(const struct command *c, struct advice *a)
{
	bool failed = c->exit_code != 0;

	*a = (struct advice){ 0 };
	if (is_code(c, "E_POLICY") || is_code(c, "E_APPROVAL"))
		advise_denied(c, a);
	else if (c->seen.n_blocked && !c->timed_out &&
		 (failed || c->seen.network_blocked))
		advise_blocked(c, a);
	else if (failed)
		advise_failed(c, a);
	else if (c->redirected)
		a->status = "ok";
}

static void put_suggestion(struct json_writer *w, const char *action,
			   struct str command, struct str reason)
{
	json_begin_object(w);
	json_kv_cstr(w, "action", action);
	json_kv_str(w, "command", command);
	json_kv_str(w, "reason", reason);
	json_end_object(w);
}

static void put_suggestions(const struct advice *a, struct json_writer *w)
{
	json_key(w, "suggestions");
	json_begin_array(w);
	for (size_t i = 0; i < a->n; i++)
		put_suggestion(w, a->action[i], str_from(a->command[i]),
			       str_from(a->why[i]));
	json_end_array(w);
}

void suggestions_to_json(const struct command *c, struct json_writer *w)
{
	struct advice a;

	advise(c, &a);
	if (a.n)
		put_suggestions(&a, w);
}

static void put_redirect(const struct command *c, struct json_writer *w)
{
	_cleanup_buf_ struct buf line = BUF_INIT;

	buf_put_str(&line, c->command);
	for (size_t i = 0; i < c->n_args; i++)
		buf_printf(&line, " " STR_FMT, STR_ARG(c->args[i]));
	json_key(w, "substitutions");
	json_begin_array(w);
	put_suggestion(w, "redirected", buf_str(&line), c->message);
	json_end_array(w);
}

void guidance_to_json(const struct command *c, struct json_writer *w)
{
	struct advice a;

	advise(c, &a);
	if (!a.status)
		return;
	json_key(w, "guidance");
	json_begin_object(w);
	json_kv_cstr(w, "status", a.status);
	json_kv_bool_opt(w, "blocked", a.blocked);
	json_kv_bool_opt(w, "retryable", a.retryable);
	json_kv_str_opt(w, "reason", str_from(a.reason));
	json_kv_str_opt(w, "policy_rule", a.rule);
	json_kv_str_opt(w, "blocked_operation", a.operation);
	json_kv_str_opt(w, "blocked_target", a.target);
	if (c->redirected)
		put_redirect(c, w);
	if (a.n)
		put_suggestions(&a, w);
	json_end_object(w);
}
