/* SPDX-License-Identifier: MIT */
/*
 * request.c - proxy requests and the heads that are written from them
 */
#include "netproxy/request.h"

#include <string.h>

#include "base/num.h"

void request_done(struct request *r)
{
	buf_done(&r->host);
	buf_done(&r->method);
	buf_done(&r->path);
}

/* "host[:port]" -> r->host, r->addr, r->port. */
static int parse_authority(struct str s, uint16_t default_port,
			   struct request *r)
{
	struct str host = s;
	ptrdiff_t colon = str_rindex(s, ':');
	int64_t port = default_port;
	int kind;

	if (str_index(s, '@') >= 0)
		return 400; /* user information is never ours to pass on */
	if (colon >= 0 && s.p[s.n - 1] != ']') {
		host = str_from_n(s.p, (size_t)colon);
		if (num_parse_range(str_skip(s, (size_t)colon + 1), 1, 65535,
				    &port) < 0)
			return 400;
	} else if (default_port == 0) {
		return 400;
	}
	/* a bare v6 address would be ambiguous with its port */
	if (str_index(host, ':') >= 0 && host.p[0] != '[')
		return 400;
	buf_reset(&r->host);
	kind = host_canonical(host, &r->host, &r->addr);
	if (kind < 0 || r->host.error)
		return 400;
	r->is_addr = kind == 1;
	r->port = (uint16_t)port;
	return 0;
}

/* True if the Host header of a CONNECT names the same place as its target. */
static bool host_agrees(const struct http1_head *head, const struct request *r)
{
	struct str value = http1_header(head, "host");
	struct request h = { .host = BUF_INIT };
	bool same;

	if (!value.p)
		return head->minor == 0;
	if (http1_header_count(head, "host") != 1)
		return false;
	same = parse_authority(value, r->port, &h) == 0 &&
	       str_eq(buf_str(&h.host), buf_str(&r->host)) && h.port == r->port;
	request_done(&h);
	return same;
}

int request_parse(const struct http1_head *head, struct request *ret)
{
	struct str target = head->target, rest;
	ptrdiff_t slash;
	int status;

	*ret = (struct request){ .host = BUF_INIT };
	buf_put_str(&ret->method, head->method);
	if (str_eq(head->method, STR("CONNECT"))) {
		ret->connect = true;
		status = parse_authority(target, 0, ret);
		if (status)
			return status;
		/* what follows the head is the tunnel's */
		if (head->body != HTTP1_BODY_NONE)
			return 400;
		return host_agrees(head, ret) ? 0 : 400;
	}
	if (target.n < 7 ||
	    !str_eq_icase(str_from_n(target.p, 7), STR("http://")))
		return str_find(target, STR("://")) > 0 ? 501 : 400;
	rest = str_skip(target, 7);
	if (str_index(rest, '#') >= 0)
		return 400;
	slash = str_index(rest, '/');
	if (slash < 0) {
		if (str_index(rest, '?') >= 0)
			return 400;
		slash = (ptrdiff_t)rest.n;
	}
	status = parse_authority(str_from_n(rest.p, (size_t)slash), 80, ret);
	if (status)
		return status;
	rest = str_skip(rest, (size_t)slash);
	buf_put_str(&ret->path, rest.n ? rest : STR("/"));
	ret->upgrade = http1_header_has_token(head, "upgrade", "websocket");
	/* RFC 9112 section 3.2.2: Host is not looked at, and written anew. */
	return http1_header_count(head, "host") <= 1 ? 0 : 400;
}

int request_parse_origin(const struct http1_head *head, struct str host,
			 uint16_t port, struct request *ret)
{
	size_t n = http1_header_count(head, "host");
	int status;

	*ret = (struct request){ .host = BUF_INIT };
	buf_put_str(&ret->method, head->method);
	if (head->target.p[0] != '/' || str_index(head->target, '#') >= 0 ||
	    n > 1 || (n == 0 && head->minor > 0))
		return 400;
	status = parse_authority(n ? http1_header(head, "host") : host, port,
				 ret);
	if (status || ret->port != port)
		return 400;
	buf_put_str(&ret->path, head->target);
	ret->upgrade = http1_header_has_token(head, "upgrade", "websocket");
	return 0;
}

bool request_is_hop_by_hop(const struct http1_head *head, struct str name)
{
	static const char *const fixed[] = {
		"connection",
		"proxy-connection",
		"keep-alive",
		"te",
		"trailer",
		"upgrade",
		"proxy-authorization",
		"proxy-authenticate",
	};
	char token[64];

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (str_eq_icase(name, str_from(fixed[i])))
			return true;
	if (name.n >= sizeof(token))
		return false;
	memcpy(token, name.p, name.n);
	token[name.n] = 0;
	return http1_header_has_token(head, "connection", token);
}

struct emit {
	bool without_host, without_coding;
};

static void emit_headers(const struct http1_head *head, struct emit how,
			 struct buf *out)
{
	for (size_t i = 0; i < head->n_headers; i++) {
		const struct http1_header *h = &head->headers[i];

		/* framing is end to end: a nomination does not remove it */
		bool coding = str_eq_icase(h->name, STR("transfer-encoding"));
		bool framing = coding ||
			       str_eq_icase(h->name, STR("content-length"));

		if ((!framing && request_is_hop_by_hop(head, h->name)) ||
		    (coding && how.without_coding) ||
		    (how.without_host && str_eq_icase(h->name, STR("host"))))
			continue;
		buf_put_str(out, h->name);
		buf_puts(out, ": ");
		buf_put_str(out, h->value);
		buf_puts(out, "\r\n");
	}
}

void request_emit(const struct request *r, const struct http1_head *head,
		  bool keep, struct buf *out)
{
	bool v6 = r->is_addr && !addr_is_v4(&r->addr);

	buf_put_str(out, buf_str(&r->method));
	buf_putc(out, ' ');
	buf_put_str(out, buf_str(&r->path));
	buf_puts(out, " HTTP/1.1\r\nHost: ");
	buf_printf(out, v6 ? "[%s]" : "%s", buf_cstr(&r->host));
	if (r->port != 80)
		buf_printf(out, ":%u", (unsigned int)r->port);
	buf_puts(out, "\r\n");
	emit_headers(head, (struct emit){ .without_host = true }, out);
	if (r->upgrade)
		buf_puts(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
	else
		buf_puts(out, keep ? "Connection: keep-alive\r\n"
				   : "Connection: close\r\n");
	buf_puts(out, "\r\n");
}

void response_emit(const struct http1_head *head, bool keep, bool plain,
		   struct buf *out)
{
	buf_printf(out, "HTTP/1.1 %u ", head->status);
	buf_put_str(out, head->reason);
	buf_puts(out, "\r\n");
	emit_headers(head, (struct emit){ .without_coding = plain }, out);
	if (head->status == 101)
		buf_puts(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
	else if (head->status >= 200)
		buf_puts(out, keep ? "Connection: keep-alive\r\n"
				   : "Connection: close\r\n");
	buf_puts(out, "\r\n");
}
