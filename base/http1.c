/* SPDX-License-Identifier: MIT */
/*
 * http1.c - strict HTTP/1.x message heads and chunked bodies
 */
#include "base/http1.h"

#include <errno.h>

#include "base/num.h"

#define MAX_CHUNK_LINE 256
#define MAX_TRAILER    8192

enum chunk_state {
	CHUNK_SIZE = 0,
	CHUNK_DATA,
	CHUNK_DATA_END,
	CHUNK_TRAILER,
	CHUNK_DONE,
};

/* RFC 9110 section 5.6.2 */
static bool is_tchar(unsigned char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'))
		return true;
	return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_tchar((unsigned char)s.p[i]))
			return false;
	return s.n > 0;
}

/* Visible ASCII and bytes above it; no blanks, no controls. */
static bool is_target(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= 0x20 || c == 0x7f)
			return false;
	}
	return s.n > 0;
}

static bool is_field_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static struct str trim_blanks(struct str s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_skip(s, 1);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* One line without its CRLF; -EAGAIN, or -EBADMSG for a bare CR or LF. */
static int take_line(struct str *rest, struct str *ret)
{
	for (size_t i = 0; i < rest->n; i++) {
		if (rest->p[i] == '\n')
			return -EBADMSG;
		if (rest->p[i] != '\r')
			continue;
		if (i + 1 == rest->n)
			return -EAGAIN;
		if (rest->p[i + 1] != '\n')
			return -EBADMSG;
		*ret = str_from_n(rest->p, i);
		*rest = str_skip(*rest, i + 2);
		return 0;
	}
	return -EAGAIN;
}

static int parse_version(struct str s, unsigned int *ret_minor)
{
	if (str_eq(s, STR("HTTP/1.1")))
		*ret_minor = 1;
	else if (str_eq(s, STR("HTTP/1.0")))
		*ret_minor = 0;
	else
		return -EBADMSG;
	return 0;
}

static int parse_request_line(struct str line, struct http1_head *h)
{
	struct str rest = line;
	ptrdiff_t at = str_index(rest, ' ');

	if (at < 0)
		return -EBADMSG;
	h->method = str_from_n(rest.p, (size_t)at);
	rest = str_skip(rest, (size_t)at + 1);
	at = str_index(rest, ' ');
	if (at < 0)
		return -EBADMSG;
	h->target = str_from_n(rest.p, (size_t)at);
	rest = str_skip(rest, (size_t)at + 1);
	if (!is_token(h->method) || !is_target(h->target))
		return -EBADMSG;
	return parse_version(rest, &h->minor);
}

static int parse_status_line(struct str line, struct http1_head *h)
{
	int64_t status = 0;

	if (line.n < 12 || line.p[8] != ' ')
		return -EBADMSG;
	if (parse_version(str_from_n(line.p, 8), &h->minor) < 0)
		return -EBADMSG;
	if (num_parse_range(str_from_n(line.p + 9, 3), 100, 599, &status) < 0)
		return -EBADMSG;
	h->status = (unsigned int)status;
	if (line.n == 12)
		return 0;
	if (line.p[12] != ' ')
		return -EBADMSG;
	h->reason = str_skip(line, 13);
	return is_field_text(h->reason) ? 0 : -EBADMSG;
}

static int parse_header(struct str line, struct http1_head *h)
{
	struct http1_header *f;
	ptrdiff_t colon;

	/* A leading blank would be obsolete folding: not a token. */
	colon = str_index(line, ':');
	if (colon <= 0)
		return -EBADMSG;
	if (h->n_headers == HTTP1_MAX_HEADERS)
		return -E2BIG;
	f = &h->headers[h->n_headers];
	f->name = str_from_n(line.p, (size_t)colon);
	f->value = trim_blanks(str_skip(line, (size_t)colon + 1));
	if (!is_token(f->name) || !is_field_text(f->value))
		return -EBADMSG;
	h->n_headers++;
	return 0;
}

struct str http1_header(const struct http1_head *h, const char *name)
{
	struct str want = str_from(name);

	for (size_t i = 0; i < h->n_headers; i++)
		if (str_eq_icase(h->headers[i].name, want))
			return h->headers[i].value;
	return STR_NONE;
}

size_t http1_header_count(const struct http1_head *h, const char *name)
{
	struct str want = str_from(name);
	size_t n = 0;

	for (size_t i = 0; i < h->n_headers; i++)
		n += str_eq_icase(h->headers[i].name, want);
	return n;
}

bool http1_header_has_token(const struct http1_head *h, const char *name,
			    const char *token)
{
	struct str want = str_from(name);

	for (size_t i = 0; i < h->n_headers; i++) {
		struct str rest = h->headers[i].value, part;

		if (!str_eq_icase(h->headers[i].name, want))
			continue;
		while (str_split(&rest, ',', &part))
			if (str_eq_icase(trim_blanks(part), str_from(token)))
				return true;
	}
	return false;
}

/* How long the body is, if it can be said in one way only. */
static int parse_framing(struct http1_head *h)
{
	size_t n_length = http1_header_count(h, "content-length");
	size_t n_coding = http1_header_count(h, "transfer-encoding");
	struct str length = http1_header(h, "content-length");

	if (n_length > 1 || n_coding > 1 || (n_length && n_coding))
		return -EBADMSG;
	if (n_coding) {
		if (h->minor == 0 ||
		    !str_eq_icase(http1_header(h, "transfer-encoding"),
				  STR("chunked")))
			return -EBADMSG;
		h->body = HTTP1_BODY_CHUNKED;
		return 0;
	}
	if (!n_length)
		return 0;
	if (length.n == 0 || length.n > 18)
		return -EBADMSG;
	for (size_t i = 0; i < length.n; i++)
		if (length.p[i] < '0' || length.p[i] > '9')
			return -EBADMSG;
	if (num_parse_u64(length, &h->content_length) < 0)
		return -EBADMSG;
	h->body = h->content_length ? HTTP1_BODY_LENGTH : HTTP1_BODY_NONE;
	return 0;
}

static void parse_connection(struct http1_head *h)
{
	h->keep_alive = h->minor == 1;
	if (http1_header_has_token(h, "connection", "close"))
		h->keep_alive = false;
	else if (http1_header_has_token(h, "connection", "keep-alive"))
		h->keep_alive = true;
	h->expect_continue =
		h->minor == 1 &&
		str_eq_icase(http1_header(h, "expect"), STR("100-continue"));
}

typedef int first_line_fn(struct str line, struct http1_head *h);

static ssize_t parse_head(struct str bytes, first_line_fn *first,
			  struct http1_head *h)
{
	struct str rest = str_from_n(bytes.p, MIN(bytes.n, HTTP1_MAX_HEAD));
	struct str line;
	int r = take_line(&rest, &line);

	if (r == 0)
		r = first(line, h);
	while (r == 0) {
		r = take_line(&rest, &line);
		if (r < 0 || line.n == 0)
			break;
		r = parse_header(line, h);
	}
	if (r == -EAGAIN && bytes.n >= HTTP1_MAX_HEAD)
		return -E2BIG;
	if (r == 0)
		r = parse_framing(h);
	if (r < 0)
		return r;
	parse_connection(h);
	return rest.p - bytes.p;
}

static void reset_head(struct http1_head *h)
{
	h->method = h->target = h->reason = STR_NONE;
	h->status = h->minor = 0;
	h->n_headers = 0;
	h->body = HTTP1_BODY_NONE;
	h->content_length = 0;
	h->keep_alive = h->expect_continue = false;
}

ssize_t http1_parse_request(struct str bytes, struct http1_head *ret)
{
	ssize_t n;

	reset_head(ret);
	n = parse_head(bytes, parse_request_line, ret);
	if (n > 0 && ret->minor == 1 && http1_header_count(ret, "host") != 1)
		return -EBADMSG;
	return n;
}

static bool has_no_body(unsigned int status, struct str method)
{
	if (status < 200 || status == 204 || status == 304)
		return true;
	if (str_eq(method, STR("HEAD")))
		return true;
	return str_eq(method, STR("CONNECT")) && status < 300;
}

ssize_t http1_parse_response(struct str bytes, struct str request_method,
			     struct http1_head *ret)
{
	bool has_length;
	ssize_t n;

	reset_head(ret);
	n = parse_head(bytes, parse_status_line, ret);
	if (n < 0)
		return n;
	has_length = http1_header_count(ret, "content-length") > 0;
	if (has_no_body(ret->status, request_method)) {
		ret->body = HTTP1_BODY_NONE;
	} else if (ret->body == HTTP1_BODY_NONE && !has_length) {
		ret->body = HTTP1_BODY_UNTIL_CLOSE;
		ret->keep_alive = false;
	}
	return n;
}

/* "1a3" with an optional ";extension", which is checked and ignored. */
static int parse_chunk_size(struct str line, uint64_t *ret)
{
	uint64_t size = 0;
	size_t i = 0;

	for (; i < line.n && num_hex_digit(line.p[i]) >= 0; i++) {
		if (size >> 58)
			return -EBADMSG;
		size = size << 4 | (unsigned int)num_hex_digit(line.p[i]);
	}
	if (i == 0 || i > 15)
		return -EBADMSG;
	line = str_skip(line, i);
	if (line.n && (line.p[0] != ';' || !is_field_text(line)))
		return -EBADMSG;
	*ret = size;
	return 0;
}

static ssize_t decode_line(struct http1_chunked *c, struct str in,
			   bool *ret_done)
{
	size_t max = c->state == CHUNK_SIZE ? MAX_CHUNK_LINE
					    : MAX_TRAILER - c->trailer;
	struct str rest = str_from_n(in.p, MIN(in.n, max)), line;
	int r = take_line(&rest, &line);

	if (r < 0)
		return r == -EAGAIN && in.n >= max ? -EBADMSG : r;
	if (c->state == CHUNK_SIZE) {
		r = parse_chunk_size(line, &c->left);
		c->state = c->left ? CHUNK_DATA : CHUNK_TRAILER;
	} else if (line.n == 0) {
		c->state = CHUNK_DONE;
		*ret_done = true;
	} else if (!is_field_text(line) || str_index(line, ':') <= 0) {
		r = -EBADMSG;
	}
	if (c->state == CHUNK_TRAILER)
		c->trailer += line.n;
	return r < 0 ? r : rest.p - in.p;
}

static ssize_t decode_data_end(struct http1_chunked *c, struct str in)
{
	if (in.p[0] != '\r' || (in.n > 1 && in.p[1] != '\n'))
		return -EBADMSG;
	if (in.n < 2)
		return -EAGAIN;
	c->state = CHUNK_SIZE;
	return 2;
}

ssize_t http1_chunked_decode(struct http1_chunked *c, struct str in,
			     struct str *ret_data, bool *ret_done)
{
	size_t n;

	*ret_data = STR_NONE;
	*ret_done = false;
	if (in.n == 0)
		return -EAGAIN;
	switch ((enum chunk_state)c->state) {
	case CHUNK_SIZE:
	case CHUNK_TRAILER:
		return decode_line(c, in, ret_done);
	case CHUNK_DATA:
		n = (size_t)MIN(c->left, (uint64_t)in.n);
		*ret_data = str_from_n(in.p, n);
		c->left -= n;
		if (c->left == 0)
			c->state = CHUNK_DATA_END;
		return (ssize_t)n;
	case CHUNK_DATA_END:
		return decode_data_end(c, in);
	case CHUNK_DONE:
		return -EBADMSG;
	}
	return -EBADMSG;
}

static const struct {
	unsigned int status;
	const char *reason;
} reasons[] = {
	{ 100, "Continue" },
	{ 101, "Switching Protocols" },
	{ 200, "OK" },
	{ 201, "Created" },
	{ 204, "No Content" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 413, "Request Entity Too Large" },
	{ 417, "Expectation Failed" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

const char *http1_reason(unsigned int status)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}
