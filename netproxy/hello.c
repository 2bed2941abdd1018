/* SPDX-License-Identifier: MIT */
/*
 * hello.c - the server name in a TLS ClientHello
 */
#include "netproxy/hello.h"

#include <errno.h>

#include "base/addr.h"

#define EXT_SERVER_NAME 0x0000
#define EXT_ECH         0xfe0d

/* Takes a big-endian length of `width` bytes and that many bytes after it. */
static int take_vector(struct str *rest, unsigned int width, struct str *ret)
{
	size_t n = 0;

	if (rest->n < width)
		return -EBADMSG;
	for (unsigned int i = 0; i < width; i++)
		n = n << 8 | (unsigned char)rest->p[i];
	if (rest->n - width < n)
		return -EBADMSG;
	*ret = str_from_n(rest->p + width, n);
	*rest = str_skip(*rest, width + n);
	return 0;
}

static int take_u16(struct str *rest, unsigned int *ret)
{
	if (rest->n < 2)
		return -EBADMSG;
	*ret = (unsigned int)((unsigned char)rest->p[0] << 8 |
			      (unsigned char)rest->p[1]);
	*rest = str_skip(*rest, 2);
	return 0;
}

/* RFC 6066 section 3: one entry, of type host_name. */
static int parse_server_name(struct str ext, struct buf *name)
{
	struct str list, host;
	struct addr addr;

	if (name->len || take_vector(&ext, 2, &list) < 0 || ext.n)
		return -EBADMSG;
	if (list.n < 1 || list.p[0] != 0)
		return -EBADMSG;
	list = str_skip(list, 1);
	if (take_vector(&list, 2, &host) < 0 || list.n)
		return -EBADMSG;
	if (host_canonical(host, name, &addr) != 0 || name->error)
		return -EBADMSG;
	return 0;
}

static int parse_extensions(struct str rest, struct hello *h)
{
	while (rest.n) {
		unsigned int type;
		struct str body;

		if (take_u16(&rest, &type) < 0 ||
		    take_vector(&rest, 2, &body) < 0)
			return -EBADMSG;
		if (type == EXT_SERVER_NAME &&
		    parse_server_name(body, &h->name) < 0)
			return -EBADMSG;
		if (type == EXT_ECH)
			h->ech = true;
	}
	return 0;
}

static int parse_body(struct str body, struct hello *h)
{
	struct str ignored, extensions;

	if (body.n < 34)
		return -EBADMSG;
	body = str_skip(body, 34);                 /* version, random */
	if (take_vector(&body, 1, &ignored) < 0 || /* session id */
	    take_vector(&body, 2, &ignored) < 0 || /* cipher suites */
	    take_vector(&body, 1, &ignored) < 0)   /* compression */
		return -EBADMSG;
	if (body.n == 0)
		return 1; /* before TLS 1.2 extensions were optional */
	if (take_vector(&body, 2, &extensions) < 0 || body.n)
		return -EBADMSG;
	return parse_extensions(extensions, h) < 0 ? -EBADMSG : 1;
}

/* Handshake bytes of the records that have arrived. */
static int join_records(struct str in, struct buf *out)
{
	while (in.n >= 5) {
		size_t n = (size_t)((unsigned char)in.p[3] << 8 |
				    (unsigned char)in.p[4]);

		if ((unsigned char)in.p[0] != 0x16 || in.p[1] != 3 || n == 0 ||
		    n > 16384)
			return -EBADMSG;
		in = str_skip(in, 5);
		buf_put(out, in.p, MIN(n, in.n));
		if (in.n < n)
			break;
		in = str_skip(in, n);
	}
	return out->error;
}

int hello_parse(struct str in, struct hello *ret)
{
	_cleanup_buf_ struct buf joined = BUF_INIT;
	const unsigned char *p;
	size_t n;
	int r;

	if (in.n && (unsigned char)in.p[0] != 0x16)
		return -EBADMSG;
	r = join_records(str_from_n(in.p, MIN(in.n, (size_t)HELLO_MAX)),
			 &joined);
	if (r < 0)
		return -EBADMSG;
	p = (const unsigned char *)joined.data;
	if (joined.len >= 1 && p[0] != 1) /* client_hello */
		return -EBADMSG;
	n = joined.len >= 4 ? (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3] : 0;
	if (n > HELLO_MAX)
		return -EBADMSG;
	if (joined.len < 4 || joined.len - 4 < n)
		return in.n >= HELLO_MAX ? -EBADMSG : -EAGAIN;
	buf_reset(&ret->name);
	ret->ech = false;
	return parse_body(str_from_n(joined.data + 4, n), ret);
}

void hello_put_denied(struct buf *out)
{
	static const uint8_t alert[] = { 0x15, 3, 1, 0, 2, 2, 49 };

	buf_put(out, alert, sizeof(alert));
}
