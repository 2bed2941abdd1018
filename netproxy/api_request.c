/* SPDX-License-Identifier: MIT */
/*
 * api_request.c - a request for a language model: read, judged, edited
 *
 * The body is read whole before anything is sent: what it holds decides whether
 * it goes at all. Codings are undone and the body goes on as it is; a client
 * that sent zstd gets the same answer.
 */
#include <errno.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/digest.h"
#include "netproxy/api_priv.h"
#include "netproxy/content.h"
#include "netproxy/request.h"

#define IS(name, lit) str_eq_icase(name, STR(lit))

/* --- the head ------------------------------------------------------------ */

/* Written anew by us, or about a body that will be another one. */
static bool is_ours(struct str name)
{
	return IS(name, "host") || IS(name, "content-length") ||
	       IS(name, "transfer-encoding") || IS(name, "content-encoding") ||
	       IS(name, "accept-encoding") || IS(name, "expect") ||
	       IS(name, "connection") || IS(name, "forwarded") ||
	       IS(name, "x-forwarded-for");
}

static void keep_fields(struct api_conn *c, const struct http1_head *head)
{
	struct exchange *x = &c->x;

	for (size_t i = 0; i < head->n_headers; i++) {
		const struct http1_header *h = &head->headers[i];

		if (is_ours(h->name) || request_is_hop_by_hop(head, h->name) ||
		    api_put_field(x, h->name, h->value))
			continue;
		buf_put_str(&x->fields, h->name);
		buf_puts(&x->fields, ": ");
		api_put_value(c, h->name, h->value, &x->fields);
		buf_puts(&x->fields, "\r\n");
	}
}

static void begin_body(struct api_body *b, enum http1_body kind, uint64_t left)
{
	*b = (struct api_body){ .kind = kind, .left = left };
	b->done = kind == HTTP1_BODY_NONE ||
		  (kind == HTTP1_BODY_LENGTH && left == 0);
}

static void begin(struct api_conn *c, const struct http1_head *head)
{
	struct exchange *x = &c->x;

	exchange_done(x);
	x->http10 = head->minor == 0;
	x->client_keep = head->keep_alive;
	x->began_ns = clock_realtime_ns();
	x->began_mono = clock_monotonic_ns();
	(void)snprintf(x->id, sizeof(x->id), "req_%08x",
		       (unsigned int)(c->api->next_id++ & 0xffffffffU));
	buf_put_str(&x->method, head->method);
	if (c->host)
		api_route_host(c, head);
	else if (str_starts(head->target, STR("/svc/")))
		(void)api_route_service(c, head);
	else
		x->to = providers_route(&c->api->providers, head, &x->path,
					&x->dialect);
	buf_put_str(&x->codings, http1_header(head, "content-encoding"));
	api_keep_secret(x);
	api_clean_path(c);
	keep_fields(c, head);
	api_inject(x);
	api_log_headers(c->api, head, &x->logged);
	begin_body(&x->request, head->body, head->content_length);
}

/* What can be told from the head alone; false: refused. */
static bool accept_head(struct api_conn *c, const struct http1_head *head)
{
	struct exchange *x = &c->x;

	if (http1_header_has_token(head, "upgrade", "websocket")) {
		/* at once and always the same, so that clients fall back */
		api_refuse(c, 426, "invalid_request_error",
			   "websocket is not served here; use HTTP");
	} else if (x->kind == API_SERVICE && !x->service) {
		api_refuse(c, 404, "not_found_error",
			   "no such service in the policy");
	} else if (!x->to) {
		api_refuse(c, 400, "invalid_request_error",
			   "unknown LLM dialect: neither x-api-key, "
			   "anthropic-version nor Authorization, and no "
			   "configured provider in the path");
	} else if (x->request.kind == HTTP1_BODY_LENGTH &&
		   x->request.left > API_MAX_BODY) {
		api_refuse(c, 413, "invalid_request_error",
			   "the request is over 64 MB");
	} else if (x->fields.error || x->path.error || x->method.error) {
		api_refuse(c, 503, "api_error", "out of memory");
	} else {
		return x->kind != API_SERVICE || api_accept_service(c, head);
	}
	return false;
}

bool api_read_head(struct api_conn *c)
{
	struct http1_head *head = &c->api->head;
	ssize_t n = http1_parse_request(buf_str(&c->client.in), head);

	if (n == -EAGAIN)
		return false;
	if (n < 0 || head->target.p[0] != '/' ||
	    http1_header_count(head, "host") > 1 ||
	    str_index(head->target, '#') >= 0) {
		exchange_done(&c->x);
		api_refuse(c, n == -E2BIG ? 431 : 400, "invalid_request_error",
			   "malformed request");
		return true;
	}
	begin(c, head);
	c->x.head_size = (size_t)n;
	c->x.wants_continue = head->expect_continue;
	if (!accept_head(c, head))
		return true;
	api_begin_body(c);
	return true;
}

void api_begin_body(struct api_conn *c)
{
	if (c->x.wants_continue && !c->x.request.done) {
		buf_puts(&c->client.out, "HTTP/1.1 100 Continue\r\n\r\n");
		stream_flush(&c->client);
	}
	buf_consume(&c->client.in, c->x.head_size);
	api_enter(c, API_BODY);
}

/* --- the body ------------------------------------------------------------ */

/* Added up while the body comes in: most of the time it is what is sent. */
static void add_to_sum(struct exchange *x, struct str data)
{
	if (!x->sum) {
		x->sum = EVP_MD_CTX_new();
		if (x->sum &&
		    EVP_DigestInit_ex(x->sum, EVP_sha256(), NULL) != 1)
			EVP_MD_CTX_free(TAKE(x->sum));
	}
	if (x->sum)
		(void)EVP_DigestUpdate(x->sum, data.p, data.n);
}

/* 1: took something; 0: more is needed; -errno. */
static int take_body(struct api_conn *c)
{
	struct api_body *b = &c->x.request;
	struct str in = buf_str(&c->client.in), data = in;
	ssize_t used;

	if (in.n == 0)
		return 0;
	if (b->kind == HTTP1_BODY_LENGTH) {
		data.n = (size_t)MIN((uint64_t)in.n, b->left);
		used = (ssize_t)data.n;
		b->left -= data.n;
		b->done = b->left == 0;
	} else {
		used = http1_chunked_decode(&b->chunked, in, &data, &b->done);
		if (used == -EAGAIN)
			return 0;
		if (used <= 0)
			return -EBADMSG;
	}
	if (c->x.in.len + data.n > API_MAX_BODY)
		return -E2BIG;
	/* all of it at once where its length is known and credible */
	if (c->x.in.len == 0 && b->kind == HTTP1_BODY_LENGTH &&
	    b->left < (4U << 20))
		(void)buf_reserve(&c->x.in, data.n + (size_t)b->left);
	buf_put_str(&c->x.in, data);
	add_to_sum(&c->x, data);
	buf_consume(&c->client.in, (size_t)used);
	return c->x.in.error ? c->x.in.error : 1;
}

static void put_head(struct exchange *x, size_t body)
{
	const struct provider *to = x->to;
	bool v6 = to->is_addr && !addr_is_v4(&to->addr);

	buf_put_str(&x->out, buf_str(&x->method));
	buf_putc(&x->out, ' ');
	if (!x->whole_path)
		buf_puts(&x->out, to->base);
	api_put_path(x);
	buf_printf(&x->out,
		   v6 ? " HTTP/1.1\r\nHost: [%s]" : " HTTP/1.1\r\nHost: %s",
		   to->host);
	if (to->port != (to->tls ? 443 : 80))
		buf_printf(&x->out, ":%u", (unsigned int)to->port);
	buf_puts(&x->out, "\r\n");
	buf_put_str(&x->out, buf_str(&x->fields));
	if (x->request.kind != HTTP1_BODY_NONE)
		buf_printf(&x->out, "Content-Length: %zu\r\n", body);
	/* usage is read from the answer */
	buf_puts(&x->out, "Accept-Encoding: identity\r\n"
			  "Connection: keep-alive\r\n\r\n");
}

static void note_hash(struct exchange *x, struct str body, bool as_it_came)
{
	_cleanup_buf_ struct buf hex = BUF_INIT;
	uint8_t sum[SHA256_LEN] = { 0 };

	if (as_it_came && x->sum)
		(void)EVP_DigestFinal_ex(x->sum, sum, NULL);
	else
		(void)EVP_Digest(body.p, body.n, sum, NULL, EVP_sha256(), NULL);
	hex_encode(&hex, sum, sizeof(sum));
	memcpy(x->body_hash, buf_cstr(&hex), MIN(hex.len, (size_t)64));
	x->body_size = body.n;
}

/* Decodes and edits x.in into x.out, behind the head. 0 or -errno. */
static int edit(struct api_conn *c)
{
	_cleanup_buf_ struct buf plain = BUF_INIT, edited = BUF_INIT;
	_cleanup_buf_ struct buf swapped = BUF_INIT;
	struct exchange *x = &c->x;
	struct str body = buf_str(&x->in);
	int r;

	if (x->codings.len && body.n) {
		plain.cap = API_MAX_BODY + (1U << 20);
		r = content_decode(buf_str(&x->codings), body, &plain);
		if (r < 0)
			return r;
		body = buf_str(&plain);
		buf_done(&x->in);
	}
	r = redact_body(c->api->dlp, c->api->tokens, api_spare(x), body,
			&edited, &x->redacted);
	if (r < 0)
		return r;
	if (edited.len)
		body = buf_str(&edited);
	note_hash(x, body, body.p == x->in.data);
	api_store_request(c, body);
	r = api_swap_body(x, body, &swapped);
	if (r < 0)
		return r;
	if (r)
		body = buf_str(&swapped);
	if (x->secret)
		(void)buf_reserve(&x->out, x->fields.len + x->path.len +
						   body.n + (64U << 10));
	put_head(x, body.n);
	buf_put_str(&x->out, body);
	if (x->secret)
		stream_wipe(&swapped);
	buf_done(&x->in);
	return x->out.error;
}

static void refuse_body(struct api_conn *c, int error)
{
	if (error == -EOPNOTSUPP)
		api_refuse(c, 415, "invalid_request_error",
			   "Content-Encoding must be gzip, deflate, br or "
			   "zstd");
	else if (error == -E2BIG)
		api_refuse(c, 413, "invalid_request_error",
			   "the request is over 64 MB");
	else if (error == -EBADMSG)
		api_refuse(c, 400, "invalid_request_error",
			   "the body is not what its headers say");
	else
		api_refuse(c, 503, "api_error", "out of memory");
}

/* False: refused, over a budget of the session. */
static bool within_budget(struct api_conn *c)
{
	const struct api *a = c->api;
	const char *type = c->x.dialect == DIALECT_ANTHROPIC
				   ? "rate_limit_error"
				   : "insufficient_quota";

	if (a->max_requests && a->n_requests >= a->max_requests) {
		api_refuse(c, 429, type,
			   "agentsh: the session's request budget is used up");
		return false;
	}
	if (a->max_tokens && a->n_tokens >= a->max_tokens) {
		api_refuse(c, 429, type,
			   "agentsh: the session's token budget is used up");
		return false;
	}
	return true;
}

/* False: refused for now, too many within a minute. */
static bool within_rate(struct api_conn *c)
{
	struct api *a = c->api;
	uint64_t now = clock_monotonic_ns();
	unsigned int wait = api_rate_wait(&a->requests, 1, now);
	unsigned int tokens = api_rate_wait(&a->tokens_used, 1, now);

	c->x.retry_after = MAX(wait, tokens);
	if (c->x.retry_after) {
		api_refuse(c, 429,
			   c->x.dialect == DIALECT_ANTHROPIC
				   ? "rate_limit_error"
				   : "rate_limit_exceeded",
			   wait >= tokens
				   ? "agentsh: requests per minute are used up"
				   : "agentsh: tokens per minute are used up");
		return false;
	}
	api_rate_take(&a->requests, 1, now);
	return true;
}

static void forward(struct api_conn *c)
{
	_cleanup_buf_ struct buf why = BUF_INIT;
	int r = edit(c);

	if (r < 0) {
		refuse_body(c, r);
		return;
	}
	if (!api_log_request(c)) {
		api_refuse(c, 503, "api_error", "not recorded, so refused");
		return;
	}
	if (c->x.redacted.blocked) {
		buf_printf(&why, "blocked by policy: the request holds %s",
			   c->x.redacted.blocked);
		api_refuse(c, 403, "permission_error", buf_cstr(&why));
		return;
	}
	if (c->x.kind == API_LLM && (!within_budget(c) || !within_rate(c)))
		return;
	c->api->n_requests += c->x.kind == API_LLM;
	c->x.forwarded = true;
	api_connect(c);
}

bool api_read_body(struct api_conn *c)
{
	int r = 1;

	while (!c->x.request.done && r == 1)
		r = take_body(c);
	if (r < 0) {
		refuse_body(c, r);
		return true;
	}
	if (!c->x.request.done)
		return false;
	forward(c);
	return true;
}
