/* SPDX-License-Identifier: MIT */
/*
 * http_reply.c - the writing side of connections
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/num.h"
#include "core/limits.h"
#include "server/http_conn.h"

struct http_peer *http_peer(struct http_conn *c)
{
	return &c->peer;
}

size_t http_take_fds(struct http_conn *c, int fds[3])
{
	size_t n = c->n_fds;

	for (size_t i = 0; i < n; i++)
		fds[i] = c->fds[i];
	c->n_fds = 0;
	return n;
}

void http_on_gone(struct http_conn *c, http_gone_fn *fn, void *arg)
{
	c->gone = fn;
	c->gone_arg = arg;
}

void http_on_drain(struct http_conn *c, http_gone_fn *fn, void *arg)
{
	c->drain = fn;
	c->drain_arg = arg;
}

size_t http_backlog(const struct http_conn *c)
{
	return c->out.len;
}

void conn_queue(struct http_conn *c, struct str data)
{
	buf_put_str(&c->out, data);
	if (c->out.error)
		c->close_when_flushed = true; /* out of memory: cut it */
}

static void answered(struct http_conn *c)
{
	c->gone = NULL;
	c->drain = NULL;
	c->state = HTTP_WRITE;
	conn_advance(c);
}

void http_reply(struct http_conn *c, unsigned int status,
		const char *content_type, struct str body)
{
	_cleanup_buf_ struct buf head = BUF_INIT;

	if (c->state != HTTP_HANDLER)
		return;
	buf_printf(&head, "HTTP/1.1 %u %s\r\n", status, http1_reason(status));
	if (content_type && status != 204)
		buf_printf(&head, "Content-Type: %s\r\n", content_type);
	if (status != 204)
		buf_printf(&head, "Content-Length: %zu\r\n", body.n);
	if (!c->keep_alive)
		buf_puts(&head, "Connection: close\r\n");
	buf_puts(&head, "\r\n");
	conn_queue(c, buf_str(&head));
	if (!c->is_head_method && status != 204)
		conn_queue(c, body);
	answered(c);
}

void http_reply_json(struct http_conn *c, unsigned int status,
		     const struct buf *body)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	buf_put_str(&text, buf_str(body));
	buf_putc(&text, '\n');
	if (body->error || text.error) {
		http_reply(c, 500, "application/json",
			   STR("{\"error\":\"out of memory\"}\n"));
		return;
	}
	http_reply(c, status, "application/json", buf_str(&text));
}

void http_reply_error(struct http_conn *c, unsigned int status, const char *fmt,
		      ...)
{
	_cleanup_buf_ struct buf text = BUF_INIT, body = BUF_INIT;
	struct json_writer w;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	json_writer_init(&w, &body, 0);
	json_begin_object(&w);
	json_kv_str(&w, "error", buf_str(&text));
	json_end_object(&w);
	http_reply_json(c, status, &body);
}

void http_stream_begin(struct http_conn *c, const char *content_type)
{
	_cleanup_buf_ struct buf head = BUF_INIT;

	if (c->state != HTTP_HANDLER)
		return;
	buf_printf(&head,
		   "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
		   "Cache-Control: no-cache\r\n%s\r\n",
		   content_type,
		   c->http10 ? "Connection: close\r\n"
			     : "Transfer-Encoding: chunked\r\n");
	if (c->http10)
		c->keep_alive = false;
	conn_queue(c, buf_str(&head));
	c->state = HTTP_STREAM;
	conn_advance(c);
}

int http_stream_write(struct http_conn *c, struct str data)
{
	_cleanup_buf_ struct buf head = BUF_INIT;

	if (c->state != HTTP_STREAM || data.n == 0)
		return 0;
	if (c->out.len + data.n > LIMIT_SSE_BACKLOG)
		return -ENOBUFS;
	if (!c->http10)
		buf_printf(&head, "%zx\r\n", data.n);
	conn_queue(c, buf_str(&head));
	conn_queue(c, data);
	if (!c->http10)
		conn_queue(c, STR("\r\n"));
	conn_advance(c);
	return 0;
}

void http_stream_end(struct http_conn *c)
{
	if (c->state != HTTP_STREAM)
		return;
	if (!c->http10)
		conn_queue(c, STR("0\r\n\r\n"));
	answered(c);
}

void http_upgrade(struct http_conn *c, struct str head, http_raw_fn *fn,
		  void *arg)
{
	if (c->state != HTTP_HANDLER)
		return;
	conn_queue(c, head);
	c->raw = fn;
	c->raw_arg = arg;
	c->state = HTTP_RAW;
	conn_advance(c);
}

int http_raw_write(struct http_conn *c, struct str data)
{
	if (c->state != HTTP_RAW)
		return -EPIPE;
	if (c->out.len + data.n > LIMIT_SSE_BACKLOG)
		return -ENOBUFS;
	conn_queue(c, data);
	conn_advance(c);
	return 0;
}

void http_raw_close(struct http_conn *c)
{
	if (c->state != HTTP_RAW)
		return;
	c->gone = NULL;
	c->drain = NULL;
	c->raw = NULL;
	c->close_when_flushed = true;
	conn_advance(c);
}

int http_unescape(struct str s, bool plus, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		int hi, lo;

		if (s.p[i] == '+' && plus) {
			buf_putc(out, ' ');
			continue;
		}
		if (s.p[i] != '%') {
			buf_putc(out, s.p[i]);
			continue;
		}
		if (s.n - i < 3)
			return -EINVAL;
		hi = num_hex_digit(s.p[i + 1]);
		lo = num_hex_digit(s.p[i + 2]);
		if (hi < 0 || lo < 0 || (hi == 0 && lo == 0))
			return -EINVAL;
		buf_putc(out, (char)(hi << 4 | lo));
		i += 2;
	}
	return out->error;
}

int http_query_get(struct str query, const char *name, struct buf *out)
{
	struct str part;

	while (str_split(&query, '&', &part)) {
		_cleanup_buf_ struct buf key = BUF_INIT;
		ptrdiff_t eq = str_index(part, '=');
		struct str k = eq < 0 ? part : str_from_n(part.p, (size_t)eq);

		if (http_unescape(k, true, &key) < 0)
			return -EINVAL;
		if (!str_eq_c(buf_str(&key), name))
			continue;
		return eq < 0 ? 0
			      : http_unescape(str_skip(part, (size_t)eq + 1),
					      true, out);
	}
	return 0;
}
