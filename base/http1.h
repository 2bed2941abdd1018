/* SPDX-License-Identifier: MIT */
/*
 * http1.h - strict HTTP/1.x message heads and chunked bodies
 *
 * Two parsers that disagree about where a message ends are how requests are
 * smuggled, so whatever could be read in two ways is refused: bare CR or LF,
 * obsolete line folding, white space before a colon, Content-Length that is
 * repeated, signed or beside Transfer-Encoding, any transfer coding but a lone
 * "chunked", control bytes anywhere.
 *
 * All parsers are incremental over a caller's buffer and answer in one of three
 * ways: bytes consumed (> 0), -EAGAIN (more bytes needed), -EBADMSG (never
 * valid). Views point into the caller's bytes.
 */
#ifndef BASE_HTTP1_H
#define BASE_HTTP1_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

/* LIMIT_HTTP_HEAD and LIMIT_HTTP_HEADERS, which this layer cannot see. */
#define HTTP1_MAX_HEAD    65536
#define HTTP1_MAX_HEADERS 128

struct http1_header {
	struct str name, value; /* value without surrounding blanks */
};

enum http1_body {
	HTTP1_BODY_NONE = 0,
	HTTP1_BODY_LENGTH,
	HTTP1_BODY_CHUNKED,
	HTTP1_BODY_UNTIL_CLOSE, /* responses only */
};

struct http1_head {
	struct str method, target; /* request */
	unsigned int status;       /* response */
	struct str reason;
	unsigned int minor; /* HTTP/1.minor: 0 or 1 */
	struct http1_header headers[HTTP1_MAX_HEADERS];
	size_t n_headers;
	enum http1_body body;
	uint64_t content_length; /* with HTTP1_BODY_LENGTH */
	bool keep_alive;         /* after the body, by version and header */
	bool expect_continue;
};

/*
 * Return: length of the head with its final empty line, -EAGAIN, -EBADMSG, or
 * -E2BIG (over HTTP1_MAX_HEAD or HTTP1_MAX_HEADERS).
 */
ssize_t http1_parse_request(struct str bytes, struct http1_head *ret);
/* request_method decides whether there is a body (HEAD, CONNECT). */
ssize_t http1_parse_response(struct str bytes, struct str request_method,
			     struct http1_head *ret);
/* Value of the first header of that name (any case); p == NULL if absent. */
struct str http1_header(const struct http1_head *h, const char *name);
/* Number of headers of that name. */
size_t http1_header_count(const struct http1_head *h, const char *name);
/* True if a comma-separated header has this token (any case). */
bool http1_header_has_token(const struct http1_head *h, const char *name,
			    const char *token);
/* Standard reason phrase; "Unknown" for others. */
const char *http1_reason(unsigned int status);

struct http1_chunked {
	uint8_t state; /* 0 = before a size line */
	uint64_t left; /* data bytes left in this chunk */
	size_t trailer;
};

#define HTTP1_CHUNKED_INIT ((struct http1_chunked){ 0 })

/*
 * Takes a prefix of in; *ret_data is the part of it that is body (maybe
 * empty). Call again with the rest until *ret_done.
 * Return: bytes consumed, -EAGAIN, -EBADMSG.
 */
ssize_t http1_chunked_decode(struct http1_chunked *c, struct str in,
			     struct str *ret_data, bool *ret_done);

#endif
