/* SPDX-License-Identifier: MIT */
/*
 * cmd_attach.c - session attach: one command per line
 */
#include <stdio.h>

#include "cli/client.h"
#include "cli/output.h"
#include "cli/words.h"

struct attach {
	struct client cl;
	const char *session;
};

/* The prompt's directory: what the server says now. */
static void prompt(const struct attach *at)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT, b = BUF_INIT;
	_cleanup_arena_ struct arena a = ARENA_INIT(16U << 20);
	struct conn_request rq = { .method = "GET" };
	struct json *v = NULL;

	client_session_path(&target, at->session, "");
	rq.target = buf_cstr(&target);
	if (client_call(&at->cl, &rq, &answer) == 0)
		(void)json_parse(&a, buf_str(&answer.body), &v);
	buf_printf(&b, "agentsh:%s:", at->session);
	buf_put_name(&b, json_get_str(v, "cwd"));
	buf_puts(&b, "$ ");
	(void)out_write(STDOUT_FILENO, buf_str(&b));
}

static void run_words(const struct attach *at, const struct words *w)
{
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT, body = BUF_INIT;
	struct conn_request rq = { .method = "POST" };
	struct json_writer j;
	int r;

	json_writer_init(&j, &body, 0);
	json_begin_object(&j);
	json_kv_cstr(&j, "command", w->v.data[0]);
	json_key(&j, "args");
	json_begin_array(&j);
	for (size_t i = 1; i < w->v.n; i++)
		json_cstr(&j, w->v.data[i]);
	json_end_array(&j);
	json_kv_cstr(&j, "include_events", "summary");
	json_end_object(&j);
	client_session_path(&target, at->session, "/exec");
	rq.target = buf_cstr(&target);
	rq.body = buf_str(&body);
	/* A command may take its time: no limit but the server's. */
	r = conn_open(&answer, &at->cl.url, client_deadline(CLIENT_TIMEOUT_NS));
	if (r == 0)
		r = conn_send(&answer, &at->cl.url, at->cl.api_key, &rq,
			      client_deadline(CLIENT_TIMEOUT_NS));
	if (r == 0)
		r = conn_wait(&answer, 0);
	if (r < 0)
		(void)client_fail_connect(&at->cl, "POST", rq.target, r);
	else if (answer.status > 299 && answer.status != 403)
		(void)client_fail_status("POST", rq.target, &answer);
	else
		(void)out_json(buf_str(&answer.body));
}

static bool is_word(const struct words *w, const char *word)
{
	return w->v.n == 1 && strcmp(w->v.data[0], word) == 0;
}

int cmd_session_attach(struct cli *c)
{
	struct attach at = { .session = c->args[0] };
	_cleanup_conn_ struct conn answer = CONN_INIT;
	_cleanup_buf_ struct buf target = BUF_INIT;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int status = client_init(&at.cl, c);

	client_session_path(&target, at.session, "");
	if (status == 0)
		status = client_do(&at.cl, "GET", buf_cstr(&target), STR_NONE,
				   &answer);
	while (status == 0) {
		_cleanup_words_ struct words w = WORDS_INIT;
		ssize_t n;

		prompt(&at);
		n = getline(&line, &size, stdin);
		if (n < 0)
			break;
		if (words_split(&w, str_trim(str_from_n(line, (size_t)n))) < 0)
			(void)fail("quote without an end");
		else if (is_word(&w, "exit") || is_word(&w, "quit"))
			break;
		else if (w.v.n > 0)
			run_words(&at, &w);
	}
	return status;
}
