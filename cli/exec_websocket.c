/* SPDX-License-Identifier: MIT */
/*
 * exec_websocket.c - exec --pty on a server that is reached by TCP
 *
 * The terminal is made by the server; bytes travel in binary frames, window
 * sizes and signals as JSON in text frames (interface reference 2.6).
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include "base/digest.h"
#include "cli/exec.h"
#include "cli/output.h"
#include "cli/tty.h"
#include "cli/websocket.h"

struct pty {
	struct exec_call *x;
	struct exec_result *r;
	int signals; /* owned */
	bool input;
	bool finished;
	struct tty_raw raw;
	struct buf out; /* frames not yet written */
	sigset_t old_mask;
};

static void send_frame(struct pty *p, enum ws_opcode opcode, struct str data)
{
	uint8_t mask[4] = { 0 };

	/* The mask protects proxies, not secrets: zeros would do. */
	if (getrandom(mask, sizeof(mask), 0) < 0)
		memset(mask, 0, sizeof(mask));
	websocket_put(&p->out, opcode, data, mask);
}

static void put_size(struct json_writer *w)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };

	(void)ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	json_kv_i64(w, "rows", size.ws_row);
	json_kv_i64(w, "cols", size.ws_col);
}

/* A text frame {"type":TYPE} with a signal's name, a size, or the request. */
static void send_message(struct pty *p, const char *type, const char *name)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_arena_ struct arena a = ARENA_INIT(64U << 20);
	struct json *request = NULL;
	struct json_writer w;

	json_writer_init(&w, &b, 0);
	json_begin_object(&w);
	json_kv_cstr(&w, "type", type);
	if (name)
		json_kv_cstr(&w, "name", name);
	if (strcmp(type, "start") == 0 &&
	    json_parse(&a, buf_str(&p->x->body), &request) == 0) {
		json_foreach(it, request)
		{
			json_key_str(&w, it->key);
			json_copy(&w, it);
		}
	}
	if (!name)
		put_size(&w);
	json_end_object(&w);
	send_frame(p, WS_TEXT, buf_str(&b));
}

static int on_error(struct pty *p, const struct json *v)
{
	struct str message = json_get_str(v, "message");
	bool denied = str_find(message, STR("command denied")) >= 0;

	tty_raw_leave(&p->raw);
	p->finished = true;
	p->r->done = true;
	p->r->status = fail(STR_FMT, STR_ARG(message));
	if (!denied ||
	    strcmp(env_or("AGENTSH_PTY_DENY_MODE", ""), "error") == 0)
		return 0;
	if (!p->x->quiet)
		(void)fail("agentsh: tip: agentsh exec --output json "
			   "--events=blocked %s -- %s ... shows why",
			   p->x->session, p->x->argc ? p->x->argv[0] : "CMD");
	p->r->status = 126;
	return 0;
}

static int on_text(struct pty *p, struct str text)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 20);
	struct json *v = NULL;
	struct str type;

	if (json_parse(&a, text, &v) < 0)
		return -EBADMSG;
	type = json_get_str(v, "type");
	if (str_eq(type, STR("exit"))) {
		p->finished = true;
		p->r->done = true;
		p->r->status = (int)(json_get_i64(v, "exit_code", 1) & 0xff);
	} else if (str_eq(type, STR("error"))) {
		/* The caller makes the session and comes back. */
		if (json_get_i64(v, "code", 0) == 404) {
			p->finished = true;
			p->r->conn.status = 404;
			buf_put_str(&p->r->conn.body,
				    json_get_str(v, "message"));
			return 0;
		}
		return on_error(p, v);
	}
	return 0;
}

static int on_frame(struct pty *p, const struct ws_frame *f)
{
	switch (f->opcode) {
	case WS_CONTINUATION:
	case WS_BINARY:
		(void)out_write(STDOUT_FILENO, f->payload);
		return 0;
	case WS_TEXT:
		return f->fin ? on_text(p, f->payload) : -EBADMSG;
	case WS_PING:
		send_frame(p, WS_PONG, f->payload);
		return 0;
	case WS_CLOSE:
		return -ECONNRESET;
	case WS_PONG:
		return 0;
	}
	return -EBADMSG;
}

static int read_frames(struct pty *p)
{
	struct buf *in = &p->r->conn.in;
	struct ws_frame f;

	while (!p->finished) {
		ssize_t n = websocket_parse(buf_str(in), &f);
		int r;

		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return (int)n;
		r = on_frame(p, &f);
		if (r < 0)
			return r;
		buf_consume(in, (size_t)n);
	}
	return 0;
}

static int read_socket(struct pty *p)
{
	struct buf *in = &p->r->conn.in;
	char *room = buf_reserve(in, 65536);
	ssize_t n = room ? recv(p->r->conn.fd, room, 65536, 0) : -1;

	if (!room)
		return in->error;
	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	in->len += (size_t)n;
	return read_frames(p);
}

static void read_signals(struct pty *p)
{
	struct signalfd_siginfo info;

	while (read(p->signals, &info, sizeof(info)) == sizeof(info)) {
		int signo = (int)info.ssi_signo;

		if (signo == SIGWINCH)
			send_message(p, "resize", NULL);
		else
			send_message(p, "signal", exec_signal_name(signo));
	}
}

static void read_input(struct pty *p)
{
	char chunk[4096];
	ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));

	if (n <= 0 && !(n < 0 && (errno == EINTR || errno == EAGAIN))) {
		p->input = false;
		chunk[0] = 4; /* ^D */
		n = 1;
	}
	if (n > 0)
		send_frame(p, WS_BINARY, str_from_n(chunk, (size_t)n));
}

static int write_socket(struct pty *p)
{
	ssize_t n = send(p->r->conn.fd, p->out.data, p->out.len, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	buf_consume(&p->out, (size_t)n);
	return 0;
}

static int turn(struct pty *p)
{
	bool room = p->out.len < (256U << 10);
	struct pollfd f[3] = {
		{ .fd = p->r->conn.fd,
		  .events = (short)(POLLIN | (p->out.len ? POLLOUT : 0)) },
		{ .fd = p->signals, .events = POLLIN },
		{ .fd = p->input && room ? STDIN_FILENO : -1,
		  .events = POLLIN },
	};
	int r = 0;

	if (poll(f, 3, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	if (f[1].revents)
		read_signals(p);
	if (f[2].revents)
		read_input(p);
	if (f[0].revents & POLLOUT)
		r = write_socket(p);
	if (r == 0 && f[0].revents & (POLLIN | POLLHUP | POLLERR))
		r = read_socket(p);
	return r;
}

/* The HTTP half. 0, or -errno; another status than 101 is an answer. */
static int upgrade(struct pty *p)
{
	_cleanup_buf_ struct buf target = BUF_INIT, headers = BUF_INIT;
	_cleanup_buf_ struct buf key = BUF_INIT, accept = BUF_INIT;
	struct conn *c = &p->r->conn;
	struct conn_request rq = { .method = "GET" };
	uint64_t deadline = client_deadline(p->x->client.timeout_ns);
	uint8_t nonce[16] = { 0 };
	int r;

	if (getrandom(nonce, sizeof(nonce), 0) < 0)
		return -errno;
	base64_encode_to(&key, nonce, sizeof(nonce));
	websocket_accept(buf_str(&key), &accept);
	client_session_path(&target, p->x->session, "/pty");
	buf_printf(&headers,
		   "Connection: Upgrade\r\nUpgrade: websocket\r\n"
		   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
		   buf_cstr(&key));
	rq.target = buf_cstr(&target);
	rq.headers = buf_str(&headers);
	r = conn_send(c, &p->x->client.url, p->x->client.api_key, &rq,
		      deadline);
	if (r == 0)
		r = conn_wait(c, deadline);
	if (r == 0 && c->status == 101 &&
	    !str_eq_c(buf_str(&accept), c->accept_key))
		r = -EBADMSG;
	return r;
}

static int init_signals(struct pty *p)
{
	static const int all[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		(void)sigaddset(&set, all[i]);
	if (sigprocmask(SIG_BLOCK, &set, &p->old_mask) < 0)
		return -errno;
	p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return p->signals < 0 ? -errno : 0;
}

void exec_websocket(struct exec_call *x, struct exec_result *r)
{
	struct pty p = { .x = x, .r = r, .signals = -1, .input = true };

	r->error = upgrade(&p);
	if (r->error < 0 || r->conn.status != 101)
		return;
	r->error = init_signals(&p);
	if (r->error == 0 && tty_is_ours(STDIN_FILENO))
		r->error = tty_raw_enter(&p.raw, STDIN_FILENO);
	if (r->error == 0) {
		send_message(&p, "start", NULL);
		r->error = read_frames(&p);
	}
	while (r->error == 0 && !p.finished)
		r->error = turn(&p);
	tty_raw_leave(&p.raw);
	if (p.signals >= 0)
		(void)close(p.signals);
	buf_done(&p.out);
	(void)sigprocmask(SIG_SETMASK, &p.old_mask, NULL);
}
