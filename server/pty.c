/* SPDX-License-Identifier: MIT */
/*
 * pty.c - a command on a terminal, over a websocket (interface reference 2.6)
 *
 * Binary frames are the terminal's bytes both ways; text frames are JSON
 * {"type": start | resize | signal} from the client, {"type": exit | error}
 * from us. The client's closing kills the command.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "server/exec.h"
#include "server/ws.h"

#define PING_NS     (54ULL * 1000000000)
#define INPUT_MAX   (1U << 20)
#define DEFAULT_ROW 24
#define DEFAULT_COL 80

struct pty_link {
	struct session *session; /* until the command exists */
	struct http_conn *conn;
	struct command *command; /* NULL before start and after the end */
	struct loop_source *ping, *input_io;
	struct buf input;   /* bytes the terminal did not take yet */
	struct buf message; /* fragments of one message */
	enum ws_opcode opcode;
	char session_id[SESSION_ID_MAX + 1];
	struct app *app;
};

static void link_free(struct pty_link *k)
{
	k->ping = loop_remove(k->ping);
	k->input_io = loop_remove(k->input_io);
	buf_done(&k->input);
	buf_done(&k->message);
	free(k);
}

static void send_frame(struct pty_link *k, enum ws_opcode op, struct str data)
{
	_cleanup_buf_ struct buf frame = BUF_INIT;

	ws_put(&frame, op, data);
	if (frame.error == 0 && k->conn)
		(void)http_raw_write(k->conn, buf_str(&frame));
}

static void send_close(struct pty_link *k)
{
	struct http_conn *conn = k->conn;

	send_frame(k, WS_CLOSE, STR("\x03\xe8"));
	k->conn = NULL;
	if (conn)
		http_raw_close(conn);
}

static void send_error(struct pty_link *k, int code, const char *message)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct json_writer w;

	json_writer_init(&w, &text, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "type", "error");
	json_kv_i64_opt(&w, "code", code);
	json_kv_cstr(&w, "message", message);
	json_end_object(&w);
	send_frame(k, WS_TEXT, buf_str(&text));
}

void pty_output(struct command *c, struct str data)
{
	send_frame(c->pty_link, WS_BINARY, data);
}

/* The command has ended: say how, close, let go. */
void pty_answer(struct command *c)
{
	struct pty_link *k = c->pty_link;
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct json_writer w;

	c->conn = NULL;
	c->pty_link = NULL;
	k->command = NULL;
	http_on_gone(k->conn, NULL, NULL);
	if (c->error.code &&
	    !str_eq_c(str_from(c->error.code), "E_COMMAND_FAILED")) {
		send_error(k, 403, c->error.message);
	} else {
		if (c->extra_stderr.len)
			send_frame(k, WS_BINARY, buf_str(&c->extra_stderr));
		json_writer_init(&w, &text, 0);
		json_begin_object(&w);
		json_kv_cstr(&w, "type", "exit");
		json_kv_i64(&w, "exit_code", c->exit_code);
		json_kv_i64(&w, "duration_ms", c->duration_ms);
		json_end_object(&w);
		send_frame(k, WS_TEXT, buf_str(&text));
	}
	send_close(k);
	link_free(k);
}

/* ---- input ---- */

static void flush_input(struct pty_link *k)
{
	struct command *c = k->command;

	while (c && c->pty >= 0 && k->input.len) {
		ssize_t n = write(c->pty, k->input.data, k->input.len);

		if (n <= 0)
			break;
		buf_consume(&k->input, (size_t)n);
	}
	if (k->input_io)
		(void)loop_mod_io(k->input_io, k->input.len ? EPOLLOUT : 0);
}

static void on_writable(struct loop *l, int fd, uint32_t events, void *arg)
{
	(void)l;
	(void)fd;
	(void)events;
	flush_input(arg);
}

static int take_input(struct pty_link *k, struct str data)
{
	struct command *c = k->command;

	if (k->input.len + data.n > INPUT_MAX)
		return -ENOBUFS;
	buf_put_str(&k->input, data);
	if (!k->input_io && c && c->pty >= 0)
		(void)loop_add_io(k->app->loop, c->pty, 0, on_writable, k,
				  &k->input_io);
	flush_input(k);
	return k->input.error;
}

static uint16_t dimension(const struct json *doc, const char *key,
			  uint16_t dflt)
{
	int64_t v = json_get_i64(doc, key, dflt);

	return v > 0 && v < 10000 ? (uint16_t)v : dflt;
}

static void resize(struct pty_link *k, const struct json *doc)
{
	struct winsize size = { .ws_row = dimension(doc, "rows", DEFAULT_ROW),
				.ws_col = dimension(doc, "cols", DEFAULT_COL) };

	if (k->command && k->command->pty >= 0)
		(void)ioctl(k->command->pty, TIOCSWINSZ, &size);
}

static void forward_signal(struct pty_link *k, struct str name)
{
	static const struct {
		const char *name;
		int signo;
	} NAMES[] = { { "SIGINT", SIGINT },
		      { "SIGTERM", SIGTERM },
		      { "SIGHUP", SIGHUP },
		      { "SIGQUIT", SIGQUIT } };

	for (size_t i = 0; k->command && i < ARRAY_LEN(NAMES); i++)
		if (str_eq_c(name, NAMES[i].name))
			(void)command_signal(k->command, NAMES[i].signo);
}

static void on_gone(void *arg)
{
	struct pty_link *k = arg;
	struct command *c = k->command;

	if (c) {
		c->conn = NULL;
		c->pty_link = NULL;
	}
	link_free(k);
	if (c && c->state < COMMAND_WAIT_SPAWN)
		command_abort(c, "the client went away");
	else if (c)
		(void)command_signal(c, SIGKILL);
}

static int start(struct pty_link *k, const struct json *doc, struct str text)
{
	struct session *s = session_find(k->app, str_from(k->session_id));
	_cleanup_buf_ struct buf err = BUF_INIT;
	struct command_start o = { .session = s,
				   .mode = EXEC_PTY,
				   .body = text };
	unsigned int status = 500;

	if (!s) {
		send_error(k, 404, "session not found");
		return -ENOENT;
	}
	if (command_start(&o, &k->command, &status, &err) < 0) {
		send_error(k, (int)status, buf_cstr(&err));
		return -EINVAL;
	}
	k->command->conn = k->conn;
	k->command->pty_link = k;
	k->command->rows = dimension(doc, "rows", DEFAULT_ROW);
	k->command->cols = dimension(doc, "cols", DEFAULT_COL);
	command_proceed(k->command);
	return 1; /* the link may be gone */
}

/* 0 go on, 1 k may be gone, -errno close. */
static int on_text(struct pty_link *k, struct str text)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(WS_MAX_MESSAGE * 4);
	struct json *doc;
	struct str type;

	if (json_parse(&a, text, &doc) < 0)
		return -EBADMSG;
	type = json_get_str(doc, "type");
	if (str_eq_c(type, "start"))
		return k->command ? -EBADMSG : start(k, doc, text);
	if (str_eq_c(type, "resize"))
		resize(k, doc);
	else if (str_eq_c(type, "signal"))
		forward_signal(k, json_get_str(doc, "name"));
	return 0;
}

static int on_message(struct pty_link *k, enum ws_opcode op, struct str data)
{
	if (op == WS_TEXT)
		return on_text(k, data);
	return k->command ? take_input(k, data) : -EBADMSG;
}

static int on_frame(struct pty_link *k, const struct ws_frame *f)
{
	int r;

	switch (f->opcode) {
	case WS_CLOSE:
		return -EPIPE;
	case WS_PING:
		send_frame(k, WS_PONG, f->payload);
		return 0;
	case WS_PONG:
		return 0;
	case WS_TEXT:
	case WS_BINARY:
		if (k->opcode)
			return -EBADMSG; /* the last one is not complete */
		if (f->fin)
			return on_message(k, f->opcode, f->payload);
		k->opcode = f->opcode;
		break;
	case WS_CONTINUATION:
		if (!k->opcode)
			return -EBADMSG;
		break;
	}
	if (k->message.len + f->payload.n > WS_MAX_MESSAGE)
		return -E2BIG;
	buf_put_str(&k->message, f->payload);
	if (!f->fin)
		return k->message.error;
	{
		_cleanup_buf_ struct buf whole = k->message;
		enum ws_opcode op = k->opcode;

		k->message = BUF_INIT;
		k->opcode = WS_CONTINUATION;
		r = on_message(k, op, buf_str(&whole));
	}
	return r;
}

static ssize_t on_raw(void *arg, char *p, size_t n)
{
	struct pty_link *k = arg;
	struct ws_frame f;
	ssize_t used = ws_parse(p, n, &f);
	int r;

	if (used == -EAGAIN)
		return 0;
	if (used < 0)
		return used;
	r = on_frame(k, &f);
	return r < 0 ? r : used;
}

static void on_ping(struct loop *l, void *arg)
{
	struct pty_link *k = arg;

	(void)l;
	send_frame(k, WS_PING, STR_NONE);
	(void)loop_timer_arm(k->ping, PING_NS);
}

int pty_start(struct session *s, struct http_conn *conn,
	      const struct http_request *rq)
{
	_cleanup_buf_ struct buf head = BUF_INIT;
	struct pty_link *k;
	int r = ws_accept(rq->head, &head);

	if (r < 0)
		return r;
	k = calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->app = s->app;
	k->conn = conn;
	(void)snprintf(k->session_id, sizeof(k->session_id), "%s", s->id);
	r = loop_add_timer(s->app->loop, PING_NS, on_ping, k, &k->ping);
	if (r < 0) {
		link_free(k);
		return r;
	}
	http_on_gone(conn, on_gone, k);
	http_upgrade(conn, buf_str(&head), on_raw, k);
	return 0;
}
