/* SPDX-License-Identifier: MIT */
/*
 * api_answer.c - the answer of a host, passed on as it comes
 *
 * What arrives goes out in the same turn; usage is read from a copy of what
 * passes. Chunks are written anew. An answer that ends early is ended early.
 */
#include <errno.h>

#include "netproxy/api_priv.h"
#include "netproxy/request.h"

#define IS(name, lit) str_eq_icase(name, STR(lit))

/* --- the head ------------------------------------------------------------ */

static void put_fields(const struct exchange *x, const struct http1_head *h,
		       struct buf *out)
{
	for (size_t i = 0; i < h->n_headers; i++) {
		struct str name = h->headers[i].name;

		if (IS(name, "content-length") ||
		    IS(name, "transfer-encoding") || IS(name, "connection") ||
		    request_is_hop_by_hop(h, name))
			continue;
		buf_put_str(out, name);
		buf_puts(out, ": ");
		api_scrub_text(x, h->headers[i].value, out);
		buf_puts(out, "\r\n");
	}
}

static void put_head(struct api_conn *c, const struct http1_head *h)
{
	struct exchange *x = &c->x;
	struct buf *out = &c->client.out;

	buf_printf(out, "HTTP/1.1 %u ", h->status);
	buf_put_str(out, h->reason);
	buf_puts(out, "\r\n");
	put_fields(x, h, out);
	if (x->chunked_out)
		buf_puts(out, "Transfer-Encoding: chunked\r\n");
	else if (h->body == HTTP1_BODY_LENGTH)
		buf_printf(out, "Content-Length: %llu\r\n",
			   (unsigned long long)h->content_length);
	else if (h->body == HTTP1_BODY_NONE &&
		 http1_header_count(h, "content-length"))
		/* HEAD: the length that GET would give */
		buf_printf(out, "Content-Length: " STR_FMT "\r\n",
			   STR_ARG(http1_header(h, "content-length")));
	buf_puts(out, x->client_keep ? "Connection: keep-alive\r\n\r\n"
				     : "Connection: close\r\n\r\n");
}

/* What people or programs read; archives and the like stay as they are. */
static bool is_text(struct str type)
{
	static const char *const words[] = {
		"text/", "json", "xml", "yaml", "javascript", "form-url"
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_find(type, str_from(words[i])) >= 0)
			return true;
	return false;
}

/* Answers are looked at too: "proxy.scrub_responses". */
static int open_filter(struct api_conn *c);

static int begin_answer(struct api_conn *c, const struct http1_head *h)
{
	struct exchange *x = &c->x;
	struct str type = http1_header(h, "content-type");
	struct str coding = http1_header(h, "content-encoding");
	bool changes;
	int r;

	x->status = h->status;
	x->encoded = coding.n && !IS(coding, "identity");
	x->is_events = str_starts(type, STR("text/event-stream"));
	x->is_json = str_find(type, STR("json")) >= 0;
	x->is_text = is_text(type) && h->status != 206;
	x->upstream_keep = h->keep_alive && h->body != HTTP1_BODY_UNTIL_CLOSE;
	x->answer = (struct api_body){
		.kind = h->body,
		.left = h->content_length,
		.done = h->body == HTTP1_BODY_NONE ||
			(h->body == HTTP1_BODY_LENGTH && !h->content_length),
	};
	r = open_filter(c);
	if (r < 0)
		return r;
	changes = x->filter || api_spare(x).n;
	if (api_spare(x).n && x->encoded && !x->answer.done)
		return -EBADMSG; /* what cannot be read cannot be scrubbed */
	x->chunked_out = !x->http10 && !x->answer.done &&
			 (h->body != HTTP1_BODY_LENGTH || changes);
	if (x->http10 && h->body != HTTP1_BODY_NONE &&
	    (h->body != HTTP1_BODY_LENGTH || changes))
		x->client_keep = false;
	api_log_headers(c->api, h, &x->answer_logged);
	put_head(c, h);
	x->answer_seen = true;
	return 0;
}

/* Passes over 1xx ones until the final one. */
static int read_head(struct api_conn *c)
{
	struct stream *u = &c->up->stream;

	while (!c->x.answer_seen) {
		struct http1_head *h = &c->api->head;
		ssize_t n = http1_parse_response(buf_str(&u->in),
						 buf_str(&c->x.method), h);
		int r = 0;

		if (n == -EAGAIN)
			return u->eof || u->failed ? -EPIPE : 0;
		if (n < 0 || h->status == 101)
			return -EBADMSG;
		if (h->status >= 200)
			r = begin_answer(c, h);
		if (r < 0)
			return r;
		buf_consume(&u->in, (size_t)n);
	}
	return 0;
}

/* --- the body ------------------------------------------------------------ */

static void put_data(struct api_conn *c, struct str data)
{
	struct buf *out = &c->client.out;

	if (data.n == 0)
		return;
	if (c->x.chunked_out)
		buf_printf(out, "%zx\r\n", data.n);
	buf_put_str(out, data);
	if (c->x.chunked_out)
		buf_puts(out, "\r\n");
}

/* All types: the configuration, or the service, asks for it. */
static bool wants_scrubbing(const struct api_conn *c)
{
	return c->api->scrub || (c->x.service && c->x.service->scrub);
}

/* Where TLS is opened both directions are looked at. NULL without memory. */
static const struct dlp_engine *answers_engine(struct api *a)
{
	_cleanup_buf_ struct buf err = BUF_INIT;

	if (!a->dlp_answers)
		(void)dlp_engine_for_answers(str_from(a->dlp_json), &err,
					     &a->dlp_answers);
	return a->dlp_answers;
}

static void on_filtered(void *arg, struct str bytes)
{
	put_data(arg, bytes);
}

static int filter_with(struct api_conn *c, const struct dlp_engine *e)
{
	const struct dlp_sink sink = { .out = on_filtered,
				       .arg = c,
				       .tokens = c->api->tokens };
	int r = dlp_stream_new(e, &sink, &c->x.filter);

	if (r == 0 && c->x.is_events)
		r = sse_text_new(e, c->api->tokens, &c->x.texts);
	return r;
}

static int open_filter(struct api_conn *c)
{
	const struct dlp_engine *e = c->api->dlp;

	if (!e || c->x.answer.done)
		return 0;
	if (wants_scrubbing(c)) {
		if (c->x.encoded) /* asked for identity */
			return -EBADMSG;
		return filter_with(c, e);
	}
	if (c->x.kind != API_SERVICE || !c->x.service->intercept ||
	    c->x.encoded || !c->x.is_text)
		return 0;
	e = answers_engine(c->api);
	return e ? filter_with(c, e) : -ENOMEM;
}

static void on_event(void *arg, struct str name, struct str data)
{
	(void)name;
	usage_take(arg, data);
}

static void read_along(struct exchange *x, struct str data)
{
	x->answer_size += data.n;
	if (x->encoded)
		return;
	if (x->is_events)
		sse_feed(&x->sse, data, on_event, &x->usage);
	else if (x->is_json && x->kept.len + data.n <= API_ANSWER_KEPT)
		buf_put_str(&x->kept, data);
}

static int filter(struct api_conn *c, struct str data, bool end)
{
	_cleanup_buf_ struct buf events = BUF_INIT;
	int r = 0;

	if (c->x.texts) {
		r = sse_text_feed(c->x.texts, data, end, &events);
		data = buf_str(&events);
	}
	if (r == 0)
		r = dlp_stream_feed(c->x.filter, data);
	/* What an event holds apart from the texts is a whole: what is held of
	 * it is no beginning of a secret that goes on in the next one. */
	if (r == 0 && c->x.texts && data.n)
		r = dlp_stream_flush(c->x.filter, DLP_FLUSH_IDLE);
	stream_wipe(&events);
	return r;
}

static int pass(struct api_conn *c, struct str data, bool end)
{
	_cleanup_buf_ struct buf scrubbed = BUF_INIT;
	int r = 0;

	read_along(&c->x, data);
	api_store_feed(c, data);
	if (api_scrub(&c->x, data, end, &scrubbed)) {
		if (scrubbed.error)
			return scrubbed.error;
		data = buf_str(&scrubbed);
	}
	if (!c->x.filter)
		put_data(c, data);
	else
		r = filter(c, data, end);
	return r < 0 ? r : c->client.out.error;
}

/* 1: passed something on; 0: nothing there; -errno. */
static int move(struct api_conn *c)
{
	struct api_body *b = &c->x.answer;
	struct stream *u = &c->up->stream;
	struct str in = buf_str(&u->in), data = in;
	ssize_t used = (ssize_t)in.n;
	int r;

	if (in.n == 0)
		return 0;
	if (b->kind == HTTP1_BODY_CHUNKED) {
		used = http1_chunked_decode(&b->chunked, in, &data, &b->done);
		if (used == -EAGAIN)
			return 0;
		if (used <= 0)
			return -EBADMSG;
	} else if (b->kind == HTTP1_BODY_LENGTH) {
		data.n = (size_t)MIN((uint64_t)in.n, b->left);
		used = (ssize_t)data.n;
		b->left -= data.n;
		b->done = b->left == 0;
	}
	r = pass(c, data, b->done);
	buf_consume(&u->in, (size_t)used);
	return r < 0 ? r : 1;
}

static void finish(struct api_conn *c)
{
	struct exchange *x = &c->x;

	if (x->is_json && !x->is_events)
		usage_take(&x->usage, buf_str(&x->kept));
	if (x->chunked_out)
		buf_puts(&c->client.out, "0\r\n\r\n");
	stream_flush(&c->client);
	api_log_answer(c);
	upstream_drop(c->up, x->upstream_keep);
	c->up = NULL;
	api_enter(c, x->client_keep ? API_HEAD : API_LINGER);
}

int api_run_answer(struct api_conn *c)
{
	struct stream *u = &c->up->stream;
	struct api_body *b = &c->x.answer;
	int r = read_head(c);

	if (r < 0)
		return r;
	if (!c->x.answer_seen)
		return u->failed ? -EPIPE : 0;
	r = 1;
	while (r == 1 && !b->done && c->client.out.len < STREAM_BUFFER)
		r = move(c);
	if (r < 0)
		return r;
	if (b->kind == HTTP1_BODY_UNTIL_CLOSE && u->eof && !u->reset &&
	    u->in.len == 0) {
		b->done = true;
		r = pass(c, STR_NONE, /* end= */ true);
		if (r < 0)
			return r;
	}
	if (b->done && c->x.filter) {
		r = dlp_stream_finish(c->x.filter);
		if (r < 0)
			return r;
	}
	if (b->done) {
		finish(c);
		return 0;
	}
	stream_flush(&c->client);
	return u->eof && u->in.len == 0 ? -EPIPE : 0;
}
