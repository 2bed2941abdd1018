/* SPDX-License-Identifier: MIT */
/*
 * fuzz_request.c - proxy requests: what is sent upstream reads as one request
 *
 * The head written for the host parses again, whole, with the same framing and
 * a Host that is the judged authority.
 */
#include <assert.h>

#include "netproxy/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct http1_head *head, const struct request *r)
{
	static struct http1_head again;
	_cleanup_buf_ struct buf out = BUF_INIT;

	request_emit(r, head, true, &out);
	if (out.len > HTTP1_MAX_HEAD)
		return;
	assert(http1_parse_request(buf_str(&out), &again) == (ssize_t)out.len);
	assert(again.body == head->body &&
	       again.content_length == head->content_length);
	assert(http1_header_count(&again, "host") == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http1_head head;
	struct str in = str_from_n((const char *)data, size);
	struct request r;

	if (http1_parse_request(in, &head) <= 0 ||
	    head.n_headers >= HTTP1_MAX_HEADERS - 3)
		return 0;
	if (request_parse(&head, &r) == 0 && !r.connect)
		check(&head, &r);
	request_done(&r);
	if (request_parse_origin(&head, STR("a.test"), 80, &r) == 0)
		check(&head, &r);
	request_done(&r);
	return 0;
}
