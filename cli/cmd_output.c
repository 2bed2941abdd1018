/* SPDX-License-Identifier: MIT */
/*
 * cmd_output.c - kill, output, proxy status
 */
#include "cli/client.h"
#include "cli/output.h"

int cmd_kill(struct cli *c)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT;
	struct client cl;
	int status = client_init(&cl, c);

	if (status)
		return status;
	client_session_path(&target, c->args[0], "/kill/");
	url_escape(&target, str_from(c->args[1]));
	status = client_do(&cl, "POST", buf_cstr(&target), STR("{}"), &answer);
	return status ? status : out_line("ok");
}

int cmd_output(struct cli *c)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT;
	_cleanup_arena_ struct arena a = ARENA_INIT(256U << 20);
	const char *stream = flag_text(&c->flags, "stream");
	long long offset = flag_int(&c->flags, "offset");
	struct json *v = NULL;
	struct client cl;
	struct str data;
	int status = client_init(&cl, c);

	if (status)
		return status;
	if (strcmp(stream, "stdout") != 0 && strcmp(stream, "stderr") != 0)
		return fail("invalid --stream \"%s\" (expected stdout|stderr)",
			    stream);
	client_session_path(&target, c->args[0], "/output/");
	url_escape(&target, str_from(c->args[1]));
	buf_printf(&target, "?stream=%s&offset=%lld&limit=%lld", stream, offset,
		   (long long)flag_int(&c->flags, "limit"));
	status = client_do(&cl, "GET", buf_cstr(&target), STR_NONE, &answer);
	if (status)
		return status;
	if (json_parse(&a, buf_str(&answer.body), &v) < 0)
		return fail("GET %s: the answer is not JSON",
			    buf_cstr(&target));
	data = json_get_str(v, "data");
	(void)out_write(STDOUT_FILENO, data);
	if (json_get_bool(v, "has_more", false))
		(void)fail("\n-- more -- offset=%lld total=%lld",
			   offset + (long long)data.n,
			   (long long)json_get_i64(v, "total_bytes", 0));
	return 0;
}

int cmd_proxy_status(struct cli *c)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT, id = BUF_INIT;
	_cleanup_arena_ struct arena a = ARENA_INIT(16U << 20);
	struct json *v = NULL;
	struct client cl;
	int status = client_init(&cl, c);

	if (status == 0)
		status = client_session(&cl, c->n_args ? c->args[0] : "latest",
					&id);
	if (status)
		return status;
	client_session_path(&target, buf_cstr(&id), "/proxy");
	status = client_do(&cl, "GET", buf_cstr(&target), STR_NONE, &answer);
	if (status)
		return status;
	if (flag_bool(&c->flags, "json"))
		return out_json(buf_str(&answer.body));
	if (json_parse(&a, buf_str(&answer.body), &v) < 0)
		return fail("GET %s: the answer is not JSON",
			    buf_cstr(&target));
	return out_line(
		"Session: %s\nProxy: " STR_FMT " on " STR_FMT "\nMode: " STR_FMT
		"\nDLP: " STR_FMT " (%lld patterns active)\n"
		"Requests: %lld (%lld with redactions)\n"
		"Tokens: %lld in / %lld out",
		buf_cstr(&id), STR_ARG(json_get_str(v, "state")),
		STR_ARG(json_get_str(v, "address")),
		STR_ARG(json_get_str(v, "mode")),
		STR_ARG(json_get_str(v, "dlp_mode")),
		(long long)json_get_i64(v, "active_patterns", 0),
		(long long)json_get_i64(v, "total_requests", 0),
		(long long)json_get_i64(v, "requests_with_redactions", 0),
		(long long)json_get_i64(v, "total_input_tokens", 0),
		(long long)json_get_i64(v, "total_output_tokens", 0));
}
