/* SPDX-License-Identifier: MIT */
/*
 * exec_render.c - exec: what is printed, and the exit status
 *
 * The words "command denied by policy" and "blocked by policy" are what
 * callers search for: they must appear for a denial and must not appear when
 * a command merely looked at something denied and succeeded anyway.
 */
#include <inttypes.h>

#include "cli/exec.h"
#include "cli/output.h"
#include "core/receipt.h"

bool exec_is_response(const struct json *v)
{
	return v && v->type == JSON_OBJECT &&
	       json_get_str(v, "command_id").n > 0 &&
	       json_get_str(v, "session_id").n > 0;
}

int exec_status(const struct json *response)
{
	/* -1: killed by a signal; the shell then sees 255, as in agentsh. */
	return (int)(json_get_i64(json_get(response, "result"), "exit_code",
				  0) &
		     0xff);
}

/*
 * A command that looked at something denied and succeeded anyway is no news;
 * a connection it did not get is: the peer's answer came from the proxy.
 */
static bool worth_telling(const struct json *guidance, int status)
{
	static const char *const probes[] = { "file_", "dir_",   "symlink_",
					      "exec",  "open",   "read",
					      "stat",  "access", "list" };
	struct str op = json_get_str(guidance, "blocked_operation");

	if (status != 0)
		return true;
	if (!json_get_bool(guidance, "blocked", false))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(probes); i++)
		if (str_starts(op, str_from(probes[i])))
			return false;
	return true;
}

static void put_rule(struct buf *out, struct str text, struct str rule)
{
	_cleanup_buf_ struct buf mark = BUF_INIT;

	if (rule.n == 0)
		return;
	buf_printf(&mark, "(rule=" STR_FMT ")", STR_ARG(rule));
	/* A reason that names its rule needs no second mention. */
	if (str_find(text, buf_str(&mark)) < 0)
		buf_printf(out, " %s", buf_cstr(&mark));
}

static void put_advice(struct buf *out, const struct json *guidance)
{
	json_foreach(it, json_get(guidance, "substitutions"))
	{
		struct str command = json_get_str(it, "command");

		if (command.n)
			buf_printf(out, "agentsh: try: " STR_FMT "\n",
				   STR_ARG(command));
	}
	json_foreach(it, json_get(guidance, "suggestions"))
	{
		struct str command = json_get_str(it, "command");
		struct str reason = json_get_str(it, "reason");

		if (command.n)
			buf_printf(out, "agentsh: try: " STR_FMT "\n",
				   STR_ARG(command));
		else if (reason.n)
			buf_printf(out, "agentsh: hint: " STR_FMT "\n",
				   STR_ARG(reason));
	}
}

/* What an event was about. */
static struct str event_target(const struct json *e)
{
	static const char *const keys[] = { "path", "domain", "remote",
					    "filename", "operation" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct str s = json_get_str(e, keys[i]);

		if (s.n)
			return s;
	}
	return json_get_str(e, "type");
}

/* For `curl URL`: another program that the policy may know. */
static void put_curl_advice(struct buf *out, const struct json *request)
{
	struct str command = json_get_str(request, "command");

	if (!str_eq(str_basename(command), STR("curl")))
		return;
	json_foreach(it, json_get(request, "args"))
	{
		if (it->type == JSON_STRING &&
		    str_find(it->text, STR("://")) > 0) {
			buf_printf(out, "agentsh: try: wget -qO- " STR_FMT "\n",
				   STR_ARG(it->text));
			return;
		}
	}
}

/* Servers that send no guidance, and denials of a stream. */
static void put_fallback(struct buf *out, const struct json *response)
{
	const struct json *error =
		json_get(json_get(response, "result"), "error");
	const struct json *blocked =
		json_get(json_get(response, "events"), "blocked_operations");
	struct str rule = json_get_str(error, "policy_rule"), what;

	if (rule.n) {
		what = json_get_str(error, "message");
	} else if (blocked && blocked->child) {
		rule = json_get_str(json_get(blocked->child, "policy"), "rule");
		what = event_target(blocked->child);
	} else {
		return;
	}
	buf_puts(out, "agentsh: blocked by policy");
	put_rule(out, STR_NONE, rule);
	buf_puts(out, ": ");
	buf_put_name(out, what);
	buf_putc(out, '\n');
	put_curl_advice(out, json_get(response, "request"));
}

void exec_guidance(const struct json *response, struct buf *out)
{
	const struct json *guidance = json_get(response, "guidance");
	struct str reason = json_get_str(guidance, "reason");
	int status = exec_status(response);

	if (!guidance || guidance->type != JSON_OBJECT) {
		if (status != 0)
			put_fallback(out, response);
		return;
	}
	if (reason.n == 0 || !worth_telling(guidance, status))
		return;
	buf_printf(out, "agentsh: " STR_FMT, STR_ARG(reason));
	put_rule(out, reason, json_get_str(guidance, "policy_rule"));
	buf_putc(out, '\n');
	put_advice(out, guidance);
}

void exec_receipt(const struct json *response, struct buf *out)
{
	const struct json *j = json_get(response, "receipt");
	const struct receipt r = {
		.removed = json_get_i64(j, "removed", 0),
		.changed = json_get_i64(j, "changed", 0),
		.not_kept = json_get_i64(j, "not_kept", 0),
	};
	struct str undo = json_get_str(j, "undo");

	if (undo.n > 0)
		receipt_text(&r, undo, out);
}

int exec_render(const struct exec_call *x, const struct json *response)
{
	const struct json *result = json_get(response, "result");
	_cleanup_buf_ struct buf b = BUF_INIT, plain = BUF_INIT;

	if (x->output_json) {
		(void)out_json_tree(response);
		return exec_status(response);
	}
	(void)out_write(STDOUT_FILENO, json_get_str(result, "stdout"));
	(void)out_write(STDERR_FILENO, json_get_str(result, "stderr"));
	if (!x->quiet)
		exec_guidance(response, &b);
	if (!x->quiet)
		exec_receipt(response, &b);
	/* Paths and commands in it were named by the agent. */
	buf_put_plain(&plain, buf_str(&b));
	(void)out_write(STDERR_FILENO, buf_str(&plain));
	return exec_status(response);
}
