/* SPDX-License-Identifier: MIT */
/*
 * edge_post.c - documents to a URL, one after the other
 *
 * A 2xx answer is a delivery. What may pass (no connection, no answer in time,
 * 408, 429, 5xx) is tried again, each time after twice as long; anything else
 * is given up at once. Redirects are not followed: the operator named the URL.
 * The answer says how it ended.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/http1.h"
#include "base/num.h"
#include "netproxy/edge.h"

#define TRIES        6
#define FIRST_WAIT   250000000L /* ns; then twice as long each time */
#define DOCUMENT_MAX (64U << 20)

struct post {
	struct edge_dialer dialer;
	struct buf head; /* all lines but Content-Length */
	struct stream stream;
	unsigned int status; /* of the answer; 0 = none yet */
	int error;
};

/* ---- the URL ---- */

struct target {
	bool tls;
	struct str host, path;
	uint16_t port;
};

static int parse_url(struct str url, struct target *ret, struct buf *err)
{
	struct target t = { .port = 80, .path = STR("/") };
	struct str s = url, authority;
	int64_t port = 0;
	ptrdiff_t end;

	t.tls = str_starts(s, STR("https://"));
	if (!t.tls && !str_starts(s, STR("http://")))
		goto bad;
	t.port = t.tls ? 443 : 80;
	s = str_skip(s, t.tls ? 8 : 7);
	end = str_index(s, '/');
	authority = end < 0 ? s : str_from_n(s.p, (size_t)end);
	if (end >= 0)
		t.path = str_skip(s, (size_t)end);
	if (str_index(authority, '@') >= 0)
		goto bad;
	end = str_rindex(authority, ':');
	t.host = authority;
	if (end >= 0 && authority.p[authority.n - 1] != ']') {
		t.host = str_from_n(authority.p, (size_t)end);
		if (num_parse_range(str_skip(authority, (size_t)end + 1), 1,
				    65535, &port) < 0)
			goto bad;
		t.port = (uint16_t)port;
	}
	if (t.host.n > 2 && t.host.p[0] == '[')
		t.host = str_from_n(t.host.p + 1, t.host.n - 2);
	if (t.host.n == 0)
		goto bad;
	*ret = t;
	return 0;
bad:
	buf_printf(err,
		   "\"" STR_FMT "\" is not http://HOST[:PORT]/PATH or "
		   "https://...",
		   STR_ARG(url));
	return -EINVAL;
}

/* A name or value that would end its line, or smuggle another. */
static bool is_line(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
			return false;
	return true;
}

static int put_head(struct post *p, const struct target *t,
		    const struct json *headers, struct buf *err)
{
	bool typed = false;

	buf_printf(&p->head,
		   "POST " STR_FMT " HTTP/1.1\r\nHost: ", STR_ARG(t->path));
	buf_printf(&p->head,
		   str_index(t->host, ':') >= 0 ? "[" STR_FMT "]" : STR_FMT,
		   STR_ARG(t->host));
	if (t->port != (t->tls ? 443 : 80))
		buf_printf(&p->head, ":%u", (unsigned int)t->port);
	buf_puts(&p->head, "\r\nUser-Agent: agentsh\r\nConnection: close\r\n");
	json_foreach(h, headers)
	{
		struct str name = h->key, value = h->text;

		if (!name.n || !is_line(name) || !is_line(value) ||
		    str_index(name, ':') >= 0) {
			buf_puts(err, "audit.webhook.headers: a name or value "
				      "has characters that no header has");
			return -EINVAL;
		}
		typed |= str_eq_icase(name, STR("Content-Type"));
		buf_printf(&p->head, STR_FMT ": " STR_FMT "\r\n", STR_ARG(name),
			   STR_ARG(value));
	}
	if (!typed)
		buf_puts(&p->head, "Content-Type: application/json\r\n");
	return p->head.error;
}

/* ---- one exchange ---- */

static void finish(struct post *p, int error)
{
	p->error = error;
	loop_quit(p->dialer.loop, 0);
}

static void on_stream(struct stream *s, void *arg)
{
	struct post *p = arg;
	struct http1_head head;
	ssize_t n = http1_parse_response(buf_str(&s->in), STR("POST"), &head);

	if (n > 0 && head.status >= 200) {
		p->status = head.status;
		finish(p, 0);
		return;
	}
	if (n > 0) { /* 100 Continue and the like */
		buf_consume(&s->in, (size_t)n);
		stream_want(s, true);
		return;
	}
	if (s->eof || s->failed || (n < 0 && n != -EAGAIN)) {
		finish(p, -ECONNRESET);
		return;
	}
	stream_want(s, true);
}

static void on_timeout(struct loop *l, void *arg)
{
	(void)l;
	finish(arg, -ETIMEDOUT);
}

/* 0 and p->status, or -errno with words. */
static int attempt(struct post *p, struct str body, struct buf *err)
{
	struct loop_source *timer = NULL;
	int r = edge_dial(&p->dialer, &p->stream, on_stream, p, err);

	p->status = 0;
	p->error = 0;
	if (r < 0)
		return r;
	buf_put_str(&p->stream.out, buf_str(&p->head));
	buf_printf(&p->stream.out, "Content-Length: %zu\r\n\r\n", body.n);
	buf_put_str(&p->stream.out, body);
	r = p->stream.out.error;
	if (r == 0)
		r = loop_add_timer(p->dialer.loop, p->dialer.timeout_ns,
				   on_timeout, p, &timer);
	if (r == 0) {
		stream_want(&p->stream, true);
		r = loop_run(p->dialer.loop);
	}
	timer = loop_remove(timer);
	if (r >= 0)
		r = p->error;
	if (r < 0)
		buf_puts(err, tls_error(&p->stream)[0] ? tls_error(&p->stream)
						       : strerror(-r));
	stream_close(&p->stream);
	return r;
}

static bool may_pass(const struct post *p, int r)
{
	return r < 0 || p->status == 408 || p->status == 429 ||
	       p->status >= 500;
}

/* The server is gone: what is left is tried once. */
static bool is_alone(void)
{
	struct pollfd p = { .fd = EDGE_CHANNEL };

	return poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
}

static void deliver(struct post *p, struct str body, struct buf *answer)
{
	struct timespec wait = { 0, FIRST_WAIT };
	int r;

	for (unsigned int i = 1;; i++) {
		buf_reset(answer);
		r = attempt(p, body, answer);
		if (r == 0 && p->status >= 200 && p->status < 300) {
			buf_puts(answer, "ok");
			return;
		}
		if (r == 0)
			buf_printf(answer, "answered with status %u",
				   p->status);
		if (!may_pass(p, r) || i == TRIES || is_alone())
			return;
		(void)nanosleep(&wait, NULL);
		wait.tv_nsec *= 2;
		wait.tv_sec = wait.tv_sec * 2 + wait.tv_nsec / 1000000000;
		wait.tv_nsec %= 1000000000;
	}
}

static int serve(struct post *p)
{
	for (;;) {
		_cleanup_buf_ struct buf body = BUF_INIT, answer = BUF_INIT;
		_cleanup_close_ int fd = -1;
		size_t n_fds = 1;
		char text[8];
		ssize_t n = fd_recv(EDGE_CHANNEL, text, sizeof(text), &fd,
				    &n_fds, 0);

		if (n == -EINTR)
			continue;
		if (n <= 0)
			return 0;
		if (n_fds != 1 || lseek(fd, 0, SEEK_SET) < 0 ||
		    fd_read_all(fd, DOCUMENT_MAX, &body) < 0)
			buf_puts(&answer, "the document cannot be read");
		else
			deliver(p, buf_str(&body), &answer);
		if (edge_answer(buf_str(&answer)) < 0 && !is_alone())
			return 1;
	}
}

int edge_post(const struct json *settings)
{
	int64_t timeout = json_get_i64(settings, "timeout_ms", 5000);
	_cleanup_buf_ struct buf err = BUF_INIT;
	struct target t = { 0 };
	struct post p = { .stream = { .fd = -1 } };
	int r = parse_url(json_get_str(settings, "url"), &t, &err);

	if (r == 0)
		r = put_head(&p, &t, json_get(settings, "headers"), &err);
	if (r == 0)
		r = edge_dialer_init(&p.dialer, t.host, t.port, t.tls, &err);
	if (r == 0 && timeout > 0)
		p.dialer.timeout_ns = (uint64_t)timeout * 1000000;
	if (r < 0 && !err.len)
		buf_puts(&err, strerror(-r));
	(void)edge_answer(r < 0 ? buf_str(&err) : STR("ok"));
	if (r == 0)
		r = serve(&p);
	edge_dialer_done(&p.dialer);
	buf_done(&p.head);
	return r != 0;
}
