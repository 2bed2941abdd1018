/* SPDX-License-Identifier: MIT */
/*
 * exec_remote.c - exec where descriptors cannot be handed over, or where the
 * output is asked for as data: one answer with all of it, or SSE
 */
#include <errno.h>

#include "cli/exec.h"
#include "cli/output.h"
#include "cli/sse.h"

uint64_t exec_deadline(const struct exec_call *x)
{
	/*
	 * The server ends every command in time (policy command_timeout), so
	 * without --client-timeout we wait for it: giving up earlier would
	 * only lose the answer.
	 */
	return x->client.timeout_given ? client_deadline(x->client.timeout_ns)
				       : 0;
}

static void post(struct exec_call *x, struct exec_result *r, const char *path)
{
	_cleanup_buf_ struct buf target = BUF_INIT, headers = BUF_INIT;
	struct conn_request rq = { .method = "POST",
				   .body = buf_str(&x->body) };

	client_session_path(&target, x->session, path);
	buf_printf(&headers, "X-Agentsh-Command-Id: %s\r\n", x->command_id);
	rq.target = buf_cstr(&target);
	rq.headers = buf_str(&headers);
	r->error = conn_send(&r->conn, &x->client.url, x->client.api_key, &rq,
			     client_deadline(x->client.timeout_ns));
	if (r->error == 0)
		r->error = conn_wait(&r->conn, exec_deadline(x));
}

void exec_capture(struct exec_call *x, struct exec_result *r)
{
	post(x, r, "/exec");
}

/* The stream of one exec. */
struct stream {
	struct exec_call *x;
	struct exec_result *r;
	struct sse sse;
	struct buf refusal; /* body of an answer that is no stream */
};

static void print_chunk(const struct stream *s, bool is_stderr, struct str data)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int fd = is_stderr ? STDERR_FILENO : STDOUT_FILENO;

	if (!s->x->output_json) {
		(void)out_write(fd, data);
		return;
	}
	buf_puts(&b, is_stderr ? "[stderr] " : "[stdout] ");
	buf_put_str(&b, data);
	if (data.n == 0 || data.p[data.n - 1] != '\n')
		buf_putc(&b, '\n');
	(void)out_write(fd, buf_str(&b));
}

static int on_frame(void *arg, struct str event, struct str data)
{
	struct stream *s = arg;
	_cleanup_arena_ struct arena a = ARENA_INIT(64U << 20);
	struct json *v = NULL;
	int64_t code;

	if (json_parse(&a, data, &v) < 0)
		return -EBADMSG;
	if (!str_eq(event, STR("done"))) {
		if (str_eq(event, STR("stdout")) ||
		    str_eq(event, STR("stderr")))
			print_chunk(s, str_eq(event, STR("stderr")),
				    json_get_str(v, "data"));
		return 0;
	}
	code = json_get_i64(v, "exit_code", 1);
	if (s->x->output_json && code != 0)
		(void)fail("exit_code=%lld duration_ms=%lld", (long long)code,
			   (long long)json_get_i64(v, "duration_ms", 0));
	if (!s->x->quiet && !s->x->output_json) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		exec_receipt(v, &b);
		(void)out_write(STDERR_FILENO, buf_str(&b));
	}
	s->r->done = true;
	s->r->status = (int)(code & 0xff);
	return 0;
}

static int on_body(void *arg, struct str data)
{
	struct stream *s = arg;

	if (s->r->conn.status == 200)
		return sse_feed(&s->sse, data);
	if (s->refusal.len + data.n > CONN_BODY_MAX)
		return -EFBIG;
	buf_put_str(&s->refusal, data);
	return s->refusal.error;
}

void exec_sse(struct exec_call *x, struct exec_result *r)
{
	struct stream s = { .x = x, .r = r };

	s.sse.fn = on_frame;
	s.sse.arg = &s;
	r->conn.on_body = on_body;
	r->conn.arg = &s;
	post(x, r, "/exec/stream");
	/* What follows the last frame does not matter. */
	if (r->done)
		r->error = 0;
	else if (r->error == 0 && r->conn.status == 200)
		r->error = -ECONNRESET;
	r->conn.on_body = NULL;
	buf_put_str(&r->conn.body, buf_str(&s.refusal));
	buf_done(&s.refusal);
	sse_done(&s.sse);
}
