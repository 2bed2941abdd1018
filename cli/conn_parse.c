/* SPDX-License-Identifier: MIT */
/*
 * conn_parse.c - reading an HTTP/1.1 answer as its bytes come
 *
 *	HEAD --blank line--> BODY --length, last chunk or EOF--> DONE
 */
#include <errno.h>

#include "cli/conn.h"

static void copy(char *out, size_t size, struct str s)
{
	s.n = MIN(s.n, size - 1);
	memcpy(out, s.n ? s.p : "", s.n);
	out[s.n] = '\0';
}

/* 1 = head complete, 0 = more needed. */
static int parse_head(struct conn *c)
{
	struct http1_head head;
	ssize_t n = http1_parse_response(
		buf_str(&c->in), str_from(c->method ? c->method : ""), &head);
	char reason[48];

	if (n == -EAGAIN)
		return 0;
	if (n < 0)
		return -EBADMSG;
	c->status = (int)head.status;
	copy(reason, sizeof(reason), head.reason);
	(void)snprintf(c->status_line, sizeof(c->status_line), "%u %s",
		       head.status, reason);
	c->framing = head.body;
	c->remaining = head.content_length;
	copy(c->accept_key, sizeof(c->accept_key),
	     http1_header(&head, "Sec-WebSocket-Accept"));
	buf_consume(&c->in, (size_t)n);
	return 1;
}

static int deliver(struct conn *c, struct str data)
{
	if (data.n == 0)
		return 0;
	if (c->on_body)
		return c->on_body(c->arg, data);
	if (c->body.len + data.n > CONN_BODY_MAX)
		return -EFBIG;
	buf_put_str(&c->body, data);
	return c->body.error;
}

/* 1 = body complete, 0 = more needed. */
static int parse_chunks(struct conn *c)
{
	bool done = false;

	while (c->in.len > 0 && !done) {
		struct str data = STR_NONE;
		ssize_t n = http1_chunked_decode(&c->chunked, buf_str(&c->in),
						 &data, &done);
		int r;

		if (n == -EAGAIN)
			return 0;
		if (n < 0)
			return -EBADMSG;
		r = deliver(c, data);
		if (r != 0)
			return r;
		buf_consume(&c->in, (size_t)n);
	}
	return done;
}

static int parse_body(struct conn *c)
{
	struct str data = buf_str(&c->in);
	int r;

	switch (c->framing) {
	case HTTP1_BODY_NONE:
		return 1;
	case HTTP1_BODY_CHUNKED:
		return parse_chunks(c);
	case HTTP1_BODY_LENGTH:
		data.n = MIN(data.n, c->remaining);
		c->remaining -= data.n;
		break;
	case HTTP1_BODY_UNTIL_CLOSE:
		break;
	}
	r = deliver(c, data);
	buf_consume(&c->in, data.n);
	if (r != 0)
		return r;
	return c->framing == HTTP1_BODY_LENGTH && c->remaining == 0;
}

int conn_parse(struct conn *c)
{
	int r;

	while (c->state == CONN_HEAD) {
		r = parse_head(c);
		if (r <= 0)
			return r;
		if (c->status == 101) { /* `in` is the other protocol's */
			c->state = CONN_DONE;
			return 1;
		}
		if (c->status >= 200) /* else: 100 Continue and the like */
			c->state = CONN_BODY;
	}
	if (c->state == CONN_DONE)
		return 1;
	r = parse_body(c);
	if (r == 1)
		c->state = CONN_DONE;
	return r;
}
