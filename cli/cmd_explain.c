/* SPDX-License-Identifier: MIT */
/*
 * cmd_explain.c - explain: which rule decides, and what would change it
 */
#include <ctype.h>

#include "cli/client.h"
#include "cli/output.h"

static void put_list(struct buf *b, const char *label, const struct json *list)
{
	const char *comma = "";

	if (!list || list->n == 0)
		return;
	buf_puts(b, label);
	json_foreach(v, list)
	{
		buf_puts(b, comma);
		buf_put_str(b, v->text);
		comma = ", ";
	}
	buf_putc(b, '\n');
}

static void put_line(struct buf *b, const struct json *v)
{
	long long line = (long long)json_get_i64(v, "line", 0);

	if (line)
		buf_printf(b, " (line %lld)", line);
}

static void put_change(struct buf *b, const struct json *change)
{
	struct str rest = json_get_str(change, "yaml"), line;

	if (!change)
		return;
	buf_printf(b,
		   "\nTo turn that around, in " STR_FMT ", before " STR_FMT
		   ":\n",
		   STR_ARG(json_get_str(change, "section")),
		   STR_ARG(json_get_str(change, "before")));
	while (str_split(&rest, '\n', &line))
		if (line.n)
			buf_printf(b, "  " STR_FMT "\n", STR_ARG(line));
}

static void put_text(struct buf *b, const struct json *v)
{
	struct str decision = json_get_str(v, "decision");
	struct str message = json_get_str(v, "message");

	for (size_t i = 0; i < decision.n; i++)
		buf_putc(b, (char)toupper((unsigned char)decision.p[i]));
	buf_printf(b, "  " STR_FMT ", by rule " STR_FMT,
		   STR_ARG(json_get_str(v, "operation")),
		   STR_ARG(json_get_str(v, "rule")));
	put_line(b, v);
	buf_printf(b, " of policy " STR_FMT "\n",
		   STR_ARG(json_get_str(v, "policy")));
	if (message.n)
		buf_printf(b, "  " STR_FMT "\n", STR_ARG(message));
	json_foreach(r, json_get(v, "passed_over"))
	{
		buf_printf(b, "Passed over: " STR_FMT,
			   STR_ARG(json_get_str(r, "rule")));
		put_line(b, r);
		buf_printf(b, ", %s: " STR_FMT "\n",
			   str_eq_c(json_get_str(r, "decision"), "deny")
				   ? "denies"
				   : "does not deny",
			   STR_ARG(json_get_str(r, "why")));
	}
	buf_printf(b, "Other rules before it that do not know it: %lld\n",
		   (long long)json_get_i64(v, "unrelated", 0));
	put_list(b, "Enforced here by: ", json_get(v, "enforced_by"));
	put_list(b, "Missing here: ", json_get(v, "missing_layers"));
	put_change(b, json_get(v, "change"));
}

/* A relative path is one in the caller's directory, not the server's. */
static void put_target(const struct cli *c, struct buf *target)
{
	if (str_starts(str_from(c->args[0]), STR(".")) && c->n_args == 1) {
		client_absolute(c->args[0], target);
		return;
	}
	for (int i = 0; i < c->n_args; i++)
		buf_printf(target, "%s%s", i ? " " : "", c->args[i]);
}

int cmd_explain(struct cli *c)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf body = BUF_INIT, b = BUF_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT;
	_cleanup_arena_ struct arena a = ARENA_INIT(16U << 20);
	const struct flag_set *f = &c->flags;
	struct json *v = NULL;
	struct json_writer w;
	struct client cl;
	int status = client_init(&cl, c);

	if (status)
		return status;
	put_target(c, &target);
	json_writer_init(&w, &body, 0);
	json_begin_object(&w);
	json_kv_str_opt(&w, "session_id", str_from(flag_text(f, "session")));
	json_kv_str_opt(&w, "operation", str_from(flag_text(f, "op")));
	json_kv_str(&w, "path", buf_str(&target));
	json_end_object(&w);
	status = client_do(&cl, "POST", "/api/v1/policy/explain",
			   buf_str(&body), &answer);
	if (status)
		return status;
	if (flag_bool(f, "json"))
		return out_json(buf_str(&answer.body));
	if (json_parse(&a, buf_str(&answer.body), &v) < 0)
		return fail("policy explain: the answer is not JSON");
	put_text(&b, v);
	return out_buf(&b);
}
