/* SPDX-License-Identifier: MIT */
/*
 * cmd_detect.c - detect, detect config
 */
#include "cli/client.h"
#include "cli/command.h"
#include "cli/detect.h"
#include "cli/detect_trial.h"
#include "cli/output.h"
#include "cli/yaml.h"

static int verdict(struct cli *c, const struct detect *d, int status)
{
	if (status == 0 && flag_bool(&c->flags, "strict") &&
	    !detect_all_held(d))
		return 1;
	return status;
}

/*
 * What the server says of the session we are in; empty when it says nothing.
 * Return: NULL outside of a session.
 */
static const struct str *own_session(const struct cli *c, struct conn *answer,
				     struct str *text)
{
	_cleanup_buf_ struct buf path = BUF_INIT;
	struct client cl;

	if (!env_truthy("AGENTSH_IN_SESSION"))
		return NULL;
	*text = STR_NONE;
	client_session_path(&path, env_or("AGENTSH_SESSION_ID", ""), "");
	if (client_init(&cl, c) == 0 &&
	    client_call(&cl,
			&(struct conn_request){ .method = "GET",
						.target = buf_cstr(&path) },
			answer) == 0)
		*text = buf_str(&answer->body);
	return text;
}

static void run(const struct cli *c, struct detect *d)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	struct str text;

	detect_run(d, flag_text(&c->flags, "config"),
		   own_session(c, &answer, &text));
}

int cmd_detect(struct cli *c)
{
	struct str format = str_from(flag_text(&c->flags, "output"));
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct json_writer w;
	_cleanup_(detect_done) struct detect d = { .mode = NULL };

	if (!str_eq(format, STR("table")) && !str_eq(format, STR("json")) &&
	    !str_eq(format, STR("yaml")))
		return fail("unknown output format: " STR_FMT, STR_ARG(format));
	run(c, &d);
	if (str_eq(format, STR("table"))) {
		detect_table(&d, &b);
		return verdict(c, &d, out_buf(&b));
	}
	json_writer_init(&w, &b, str_eq(format, STR("json")) ? 2 : 0);
	detect_json(&d, &w);
	buf_putc(&b, '\n');
	if (str_eq(format, STR("json")))
		return verdict(c, &d, out_buf(&b));
	return verdict(c, &d, out_yaml(buf_str(&b)));
}

int cmd_detect_config(struct cli *c)
{
	const char *path = flag_text(&c->flags, "output");
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_(detect_done) struct detect d = { .mode = NULL };

	run(c, &d);
	detect_config(&d, &b);
	return out_file(path, "Configuration", &b);
}
