/* SPDX-License-Identifier: MIT */
/*
 * api.c - the connections of what the proxy serves by itself
 *
 *	HEAD --> BODY --edited, on record--> DIAL --> ANSWER --kept--> HEAD
 *	  bad, over a budget, blocked --> LINGER --> closed
 *
 * A client that goes away takes its request with it: nobody pays for tokens
 * that nobody reads. An answer has no time limit as a whole; it is given up
 * when neither side moved a byte for a quarter of an hour.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/event.h"
#include "netproxy/api_priv.h"
#include "netproxy/timers.h"
#include "netproxy/tls.h"

#define REQUEST_NS TIMER_NS(60000000000ULL)
#define CONNECT_NS TIMER_NS(30000000000ULL)
#define IDLE_NS    TIMER_NS(900000000000ULL)
#define LINGER_NS  TIMER_NS(2000000000ULL)

void exchange_done(struct exchange *x)
{
	x->ask = ask_cancel(x->ask);
	if (x->secret) {
		stream_wipe(&x->in);
		stream_wipe(&x->fields);
		stream_wipe(&x->out);
		stream_wipe(&x->kept);
		stream_wipe(&x->scrub.held);
	}
	buf_done(&x->method);
	buf_done(&x->path);
	buf_done(&x->codings);
	buf_done(&x->fields);
	buf_done(&x->logged);
	buf_done(&x->in);
	buf_done(&x->out);
	buf_done(&x->answer_logged);
	buf_done(&x->kept);
	buf_done(&x->stored);
	sse_done(&x->sse);
	(void)dlp_stream_free(x->filter);
	(void)sse_text_free(x->texts);
	(void)services_unref(x->table);
	scrub_done(&x->scrub);
	EVP_MD_CTX_free(x->sum);
	*x = (struct exchange){ 0 };
}

static void conn_free(struct api_conn *c)
{
	if (c->x.recorded)
		api_log_answer(c);
	dial_cancel(c->dial);
	(void)loop_remove(c->timer);
	upstream_drop(c->up, /* keep= */ false);
	stream_close(&c->client);
	free(c->host);
	exchange_done(&c->x);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	c->api->n--;
	free(c);
}

void api_enter(struct api_conn *c, enum api_state state)
{
	uint64_t limit = REQUEST_NS;

	if (state == API_LINGER)
		limit = LINGER_NS;
	else if (state == API_ANSWER)
		limit = CONNECT_NS;
	else if (state == API_DIAL || state == API_ASK)
		limit = 0; /* the dial, and the server, have their own */
	c->state = state;
	c->last_active = loop_now(c->api->loop);
	(void)loop_timer_arm(c->timer, limit);
	if (state == API_LINGER)
		stream_shutdown(&c->client);
}

static void put_error(const struct api_conn *c, const char *type,
		      const char *message, struct buf *body)
{
	struct json_writer w;

	json_writer_init(&w, body, 0);
	json_begin_object(&w);
	if (c->x.dialect == DIALECT_ANTHROPIC)
		json_kv_cstr(&w, "type", "error");
	json_key(&w, "error");
	json_begin_object(&w);
	json_kv_cstr(&w, "type", type);
	json_kv_cstr(&w, "message", message);
	if (c->x.dialect == DIALECT_OPENAI) {
		json_key(&w, "param");
		json_null(&w);
		json_kv_cstr(&w, "code", "agentsh");
	}
	json_end_object(&w);
	json_end_object(&w);
}

void api_refuse(struct api_conn *c, unsigned int status, const char *type,
		const char *message)
{
	_cleanup_buf_ struct buf body = BUF_INIT;

	put_error(c, type, message, &body);
	c->x.status = status;
	buf_printf(&c->client.out,
		   "HTTP/1.1 %u %s\r\nContent-Type: application/json\r\n"
		   "Content-Length: %zu\r\n",
		   status, http1_reason(status), body.len);
	if (c->x.retry_after)
		buf_printf(&c->client.out,
			   "X-Should-Retry: true\r\nRetry-After: %u\r\n",
			   c->x.retry_after);
	else
		buf_puts(&c->client.out, "X-Should-Retry: false\r\n");
	buf_puts(&c->client.out, "Connection: close\r\n\r\n");
	if (!str_eq(buf_str(&c->x.method), STR("HEAD")))
		buf_put_str(&c->client.out, buf_str(&body));
	if (c->x.recorded)
		api_log_answer(c);
	upstream_drop(c->up, /* keep= */ false);
	c->up = NULL;
	stream_flush(&c->client);
	api_enter(c, API_LINGER);
}

/* --- upstream ------------------------------------------------------------ */

static void on_stream(struct stream *s, void *arg)
{
	struct api_conn *c = arg;

	(void)s;
	c->last_active = loop_now(c->api->loop);
	api_run(c);
}

static void send_request(struct api_conn *c)
{
	struct exchange *x = &c->x;

	x->in_before = c->up->stream.n_in;
	c->up->stream.wipe = c->up->stream.wipe || x->secret;
	if (x->secret && c->up->reused)
		(void)buf_reserve(&c->up->stream.out, x->out.len);
	if (c->up->reused) { /* it may have to be sent again */
		buf_put_str(&c->up->stream.out, buf_str(&x->out));
	} else {
		buf_done(&c->up->stream.out);
		c->up->stream.out = x->out;
		x->out = BUF_INIT;
	}
	api_enter(c, API_ANSWER);
	stream_flush(&c->up->stream);
}

static void on_dialled(void *arg, const struct dial_result *r)
{
	struct api_conn *c = arg;
	struct place at = provider_place(c->x.to);
	_cleanup_buf_ struct buf why = BUF_INIT;
	int error = r->error;

	if (!error) {
		c->up = upstream_new(&c->api->pool, &at, r->fd, &r->addr,
				     on_stream, c);
		error = c->up ? 0 : -ENOMEM;
	}
	if (error) {
		buf_printf(&why, "cannot reach %s: %s", at.host,
			   error == -ENOENT ? "no such name"
					    : strerror(-error));
		api_refuse(c, error == -ETIMEDOUT ? 504 : 502, "api_error",
			   buf_cstr(&why));
	} else {
		const int one = 1;

		(void)setsockopt(c->up->stream.fd, SOL_SOCKET, SO_KEEPALIVE,
				 &one, sizeof(one));
		send_request(c);
	}
	api_run(c);
}

static void dial(struct api_conn *c)
{
	const struct provider *to = c->x.to;

	api_enter(c, API_DIAL);
	if (dial_declared(c->api->dialer, str_from(to->host),
			  to->is_addr ? &to->addr : NULL, to->port, on_dialled,
			  c, &c->dial) < 0)
		api_refuse(c, 503, "api_error", "out of memory");
}

void api_connect(struct api_conn *c)
{
	struct place at = provider_place(c->x.to);

	c->up = upstream_take(&c->api->pool, &at, on_stream, c);
	if (c->up)
		send_request(c);
	else
		dial(c);
}

/* The host closed a kept connection before it saw the request. */
static bool try_again(struct api_conn *c)
{
	const struct stream *u = &c->up->stream;

	if (!c->up->reused || c->x.retried || c->x.answer_seen ||
	    u->n_in > c->x.in_before || !(u->eof || u->failed))
		return false;
	c->x.retried = true;
	upstream_drop(c->up, /* keep= */ false);
	c->up = NULL;
	dial(c);
	return true;
}

/* --- the machine --------------------------------------------------------- */

static void answer_failed(struct api_conn *c)
{
	const char *tls = tls_error(&c->up->stream);
	_cleanup_buf_ struct buf why = BUF_INIT;

	if (c->x.answer_seen) { /* half an answer: only closing is honest */
		c->client.failed = true;
		return;
	}
	buf_printf(&why, "no answer from %s: %s", c->x.to->host,
		   tls[0] ? tls : "connection lost");
	api_refuse(c, 502, "api_error", buf_cstr(&why));
}

/* One step; true if another may be possible. */
static bool step(struct api_conn *c)
{
	enum api_state before = c->state;

	switch (c->state) {
	case API_HEAD:
		return api_read_head(c);
	case API_BODY:
		return api_read_body(c);
	case API_ANSWER:
		if (try_again(c))
			return false;
		if (api_run_answer(c) < 0)
			answer_failed(c);
		return c->state != before;
	case API_LINGER:
		buf_done(&c->client.in);
		return false;
	case API_ASK:
	case API_DIAL:
		break;
	}
	return false;
}

static bool is_over(const struct api_conn *c)
{
	return c->client.failed || c->client.reset ||
	       (c->client.eof &&
		(c->state != API_LINGER || c->client.out.len == 0));
}

static void set_interest(struct api_conn *c)
{
	/* a request may be followed by another one: not read before its turn,
	 * but the client's end has to be noticed */
	stream_want(&c->client, /* reading= */ true);
	if (c->up)
		stream_want(&c->up->stream, c->client.out.len < STREAM_BUFFER);
}

/* TLS that we answer in a host's place and that the client does not want. */
static void note_handshake(const struct api_conn *c)
{
	struct event e = {
		.type = STR("tls_intercept_failed"),
		.depth = -1,
		.session_id = str_from(c->api->gate->session_id),
		.source = STR("netproxy"),
		.domain = str_from(c->host ? c->host : ""),
		.action = EVENT_BLOCKED,
	};
	const char *why = tls_error(&c->client);

	if (!c->host || tls_is_up(&c->client))
		return;
	event_add_str(&e, "error",
		      str_from(why[0] ? why : "closed by the client"));
	event_add_int(&e, "client_port", c->client_port);
	(void)sink_emit(c->api->gate->sink, &e); /* it is over either way */
}

void api_run(struct api_conn *c)
{
	while (!c->client.failed && step(c))
		;
	if (!is_over(c)) {
		set_interest(c);
		return;
	}
	note_handshake(c);
	if (c->client.failed)
		stream_abort(&c->client);
	conn_free(c);
}

/*
 * An answer that does not begin ends in an error; one that has begun may be
 * silent for hours, and a dead host is found by TCP keep-alive. A client that
 * does not take what there is for it goes sooner.
 */
static void on_timeout(struct loop *l, void *arg)
{
	struct api_conn *c = arg;
	uint64_t idle = loop_now(l) - c->last_active;
	uint64_t limit = 0;

	if (c->state == API_ANSWER && c->x.answer_seen && !c->client.out.len) {
		(void)loop_timer_arm(c->timer, IDLE_NS);
		return;
	}
	if (c->state == API_BODY)
		limit = REQUEST_NS;
	else if (c->state == API_ANSWER && c->up && c->up->stream.n_out)
		limit = IDLE_NS;
	if (idle < limit) {
		(void)loop_timer_arm(c->timer, limit - idle);
		return;
	}
	if (c->state == API_ANSWER && !c->x.answer_seen) {
		api_refuse(c, 504, "api_error", "no answer from the host");
		api_run(c);
		return;
	}
	if (c->state == API_ANSWER)
		stream_abort(&c->client);
	conn_free(c);
}

/* What a type's action leaves in requests is not left in our records. */
static int open_stored(struct api *a, struct buf *err)
{
	struct str json = str_from(a->dlp_json);

	if (str_find(json, STR("\"log\"")) >= 0)
		return dlp_engine_for_storage(json, err, &a->dlp_stored);
	a->dlp_stored = a->dlp;
	return 0;
}

/*
 * Most sessions never ask a language model: trust and DLP engine, which cost
 * milliseconds and megabytes, are made for the first connection. The server has
 * compiled the same settings before, so this fails for want of memory only.
 */
int api_wake(struct api *a)
{
	_cleanup_buf_ struct buf err = BUF_INIT;
	int r = 0;

	if (a->awake)
		return 0;
	if (!a->tls)
		r = tls_client_new(a->ca, &a->tls, &err);
	a->pool.tls = a->tls;
	if (r == 0 && a->dlp_json && !a->dlp)
		r = dlp_engine_from_json(str_from(a->dlp_json), &err, &a->dlp);
	if (r == 0 && a->dlp && !a->dlp_stored)
		r = open_stored(a, &err);
	if (r == 0 && a->dlp && !a->tokens) {
		a->tokens = dlp_tokens_new(1U << 20);
		r = a->tokens ? 0 : -ENOMEM;
	}
	a->awake = r == 0;
	return r < 0 ? log_error_errno(r, "language model proxy: %s",
				       buf_cstr(&err))
		     : 0;
}

static struct api_conn *conn_new(struct api *a, int fd)
{
	struct api_conn *c = a->n < API_MAX_CONNS && api_wake(a) == 0
				     ? calloc(1, sizeof(*c))
				     : NULL;

	if (!c)
		return NULL;
	c->api = a;
	c->client.fd = -1;
	if (loop_add_timer(a->loop, REQUEST_NS, on_timeout, c, &c->timer) < 0 ||
	    stream_open(&c->client, a->loop, fd, on_stream, c) < 0) {
		(void)loop_remove(c->timer);
		free(c);
		return NULL;
	}
	c->next = a->first;
	c->link = &a->first;
	if (c->next)
		c->next->link = &c->next;
	a->first = c;
	a->n++;
	return c;
}

void api_take(struct api *a, int fd, uint16_t client_port, struct str first)
{
	struct api_conn *c = conn_new(a, fd);

	if (!c) {
		(void)close(fd);
		return;
	}
	c->client_port = client_port;
	buf_put_str(&c->client.in, first);
	c->client.failed = c->client.in.error != 0;
	api_run(c);
}

/* What was dialled for the tunnel serves the first request. */
static void keep_upstream(struct api *a, const struct service *s,
			  struct str host, int fd, const struct addr *addr)
{
	struct place at = provider_place(&s->to);

	if (fd >= 0 && str_eq_c(host, s->to.host))
		upstream_drop(upstream_new(&a->pool, &at, fd, addr, on_stream,
					   NULL),
			      /* keep= */ true);
	else if (fd >= 0)
		(void)close(fd);
}

void api_intercept(struct api *a, int fd, uint16_t client_port,
		   struct str first, struct str host, int upstream,
		   const struct addr *addr)
{
	const struct service *s = services_by_host(a->services, host);
	struct api_conn *c = s ? conn_new(a, fd) : NULL;

	if (!c) {
		(void)close(fd);
		if (upstream >= 0)
			(void)close(upstream);
		return;
	}
	keep_upstream(a, s, host, upstream, addr);
	c->client_port = client_port;
	c->host = str_dup(host);
	if (!c->host || mitm_accept(a->mitm, &c->client, c->host, first) < 0) {
		conn_free(c);
		return;
	}
	/* what was read waits in memory: the handshake begins now */
	stream_pull(&c->client);
	api_run(c);
}

/* --- life ---------------------------------------------------------------- */

static int keep_path(const struct json *o, const char *key, char **ret)
{
	struct str v = json_get_str(o, key);

	if (!v.n)
		return 0;
	*ret = str_dup(v);
	return *ret ? 0 : -ENOMEM;
}

static int open_trust(struct api *a, struct str path, const struct json *net,
		      struct buf *err)
{
	_cleanup_free_ char *dir = str_dup(path);
	_cleanup_free_ char *cert = str_dup(json_get_str(net, "ca_cert"));
	_cleanup_free_ char *key = str_dup(json_get_str(net, "ca_key"));
	int r = dir && cert && key ? mitm_new(cert, key, err, &a->mitm)
				   : -ENOMEM;

	return r < 0 ? r : mitm_write_trust(a->mitm, dir);
}

static void init_rates(struct api *a, const struct json *o)
{
	uint64_t now = clock_monotonic_ns();

	api_rate_init(&a->requests, json_get_i64(o, "rpm", 0),
		      json_get_i64(o, "request_burst", 0), now);
	api_rate_init(&a->tokens_used, json_get_i64(o, "tpm", 0),
		      json_get_i64(o, "token_burst", 0), now);
}

int api_init(struct api *a, const struct json *settings, struct buf *err)
{
	const struct json *o = json_get(settings, "llm");
	int r;

	a->log_fd = -1;
	if (!o)
		return 0;
	r = keep_path(o, "ca", &a->ca);
	if (r == 0 && a->ca) /* what is wrong with it is said now */
		r = tls_client_new(a->ca, &a->tls, err);
	if (r == 0)
		r = providers_init(&a->providers, json_get(o, "providers"),
				   err);
	if (r == 0)
		r = keep_path(settings, "dlp", &a->dlp_json);
	if (r == 0)
		r = keep_path(o, "log", &a->log_path);
	if (r == 0)
		r = keep_path(o, "dir", &a->dir);
	a->scrub = json_get_bool(o, "scrub", false);
	a->max_requests = json_get_i64(o, "max_requests", 0);
	a->max_tokens = json_get_i64(o, "max_tokens", 0);
	a->n_requests = json_get_i64(o, "requests", 0);
	a->n_tokens = json_get_i64(o, "tokens", 0);
	a->store = a->dir && json_get_bool(o, "store", false);
	a->store_days = json_get_i64(o, "store_days", 0);
	a->store_mb = json_get_i64(o, "store_mb", 0);
	init_rates(a, o);
	a->pool.loop = a->loop;
	a->next_id = (uint64_t)clock_realtime_ns();
	if (r == 0)
		r = api_set_policy(a, json_get(settings, "phantoms"));
	if (r == 0 && json_get_str(o, "trust").n)
		r = open_trust(a, json_get_str(o, "trust"),
			       json_get(settings, "net"), err);
	a->enabled = r == 0;
	if (r < 0 && err->len == 0)
		buf_puts(err, strerror(-r));
	return r;
}

int api_set_policy(struct api *a, const struct json *phantoms)
{
	struct services *s = services_new(a->gate->policy, &a->creds, phantoms);

	if (!s)
		return -ENOMEM;
	(void)services_unref(a->services);
	a->services = s;
	return 0;
}

void api_done(struct api *a)
{
	while (a->first)
		conn_free(a->first);
	upstream_pool_clear(&a->pool);
	providers_done(&a->providers);
	(void)mitm_free(a->mitm);
	(void)services_unref(a->services);
	creds_done(&a->creds);
	(void)tls_client_free(a->tls);
	(void)dlp_engine_free(a->dlp_answers);
	if (a->dlp_stored != a->dlp)
		(void)dlp_engine_free(a->dlp_stored);
	(void)dlp_engine_free(a->dlp);
	(void)dlp_tokens_free(a->tokens);
	free(a->ca);
	free(a->dlp_json);
	free(a->log_path);
	free(a->dir);
	if (a->log_fd >= 0)
		(void)close(a->log_fd);
	*a = (struct api){ .log_fd = -1 };
}
