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

/* Length of the handshake message that has begun; 0 = not known yet. */
static size_t message_len(const struct buf *joined)
{
	const unsigned char *p = (const unsigned char *)joined->data;

	return joined->len < 4
		       ? 0
		       : 4 + ((size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
}

/*
 * Handshake bytes of the records that have arrived, until the message is whole.
 * It must end with its record. Bytes of the input, 0 = more to come, -EBADMSG.
 */
static ssize_t join_records(struct str in, struct buf *out)
{
	size_t at = 0;

	while (in.n - at >= 5) {
		const unsigned char *p = (const unsigned char *)in.p + at;
		size_t n = (size_t)(p[3] << 8 | p[4]), whole;

		if (p[0] != 0x16 || p[1] != 3 || n == 0 || n > 16384)
			return -EBADMSG;
		at += 5;
		buf_put(out, in.p + at, MIN(n, in.n - at));
		if (out->error)
			return -EBADMSG;
		whole = message_len(out);
		if (whole && out->len > whole)
			return -EBADMSG;
		if (in.n - at < n)
			return 0;
		at += n;
		if (whole && out->len == whole)
			return (ssize_t)at;
	}
	return 0;
}

int hello_parse(struct str in, struct hello *ret)
{
	_cleanup_buf_ struct buf joined = BUF_INIT;
	ssize_t len;

	if (in.n && (unsigned char)in.p[0] != 0x16)
		return -EBADMSG;
	len = join_records(str_from_n(in.p, MIN(in.n, (size_t)HELLO_MAX)),
			   &joined);
	if (len < 0)
		return -EBADMSG;
	if (joined.len >= 1 && joined.data[0] != 1) /* client_hello */
		return -EBADMSG;
	if (message_len(&joined) > HELLO_MAX)
		return -EBADMSG;
	if (len == 0)
		return in.n >= HELLO_MAX ? -EBADMSG : -EAGAIN;
	buf_reset(&ret->name);
	ret->ech = false;
	ret->len = (size_t)len;
	return parse_body(str_from_n(joined.data + 4, joined.len - 4), ret);
}

/*
 * RFC 8446: [change_cipher_spec] ClientHello, in the clear. What TLS 1.2 has
 * there is another handshake type, or encrypted after change_cipher_spec: that
 * is 16 bytes at least, and does not look like length and version by chance.
 */
int hello_follows(struct str in, size_t *ret_skip)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t n = in.n, record;

	*ret_skip = 0;
	if (n && p[0] == 0x14) {
		if (n < 6)
			return -EAGAIN;
		if (p[3] != 0 || p[4] != 1)
			return 0;
		*ret_skip = 6;
		p += 6;
		n -= 6;
	}
	if (n < 6)
		return n && p[0] != 0x16 ? 0 : -EAGAIN;
	if (p[0] != 0x16 || p[5] != 1)
		return 0;
	record = (size_t)(p[3] << 8 | p[4]);
	if (record < 16)
		return 1;
	if (n < 11)
		return -EAGAIN;
	return p[6] == 0 && p[9] == 3 && p[10] == 3;
}

void hello_put_denied(struct buf *out)
{
	static const uint8_t alert[] = { 0x15, 3, 1, 0, 2, 2, 49 };

	buf_put(out, alert, sizeof(alert));
}
