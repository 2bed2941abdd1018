/* SPDX-License-Identifier: MIT */
/*
 * socks.c - the two client messages of SOCKS5 (RFC 1928)
 */
#include "netproxy/socks.h"

#include <errno.h>
#include <string.h>

enum socks_address {
	SOCKS_V4 = 1,
	SOCKS_NAME = 3,
	SOCKS_V6 = 4,
};

static unsigned int byte_at(struct str s, size_t i)
{
	return (unsigned char)s.p[i];
}

ssize_t socks_parse_greeting(struct str in, bool *ret_ok)
{
	size_t n;

	if (in.n >= 1 && byte_at(in, 0) != SOCKS_VERSION)
		return -EBADMSG;
	if (in.n < 2)
		return -EAGAIN;
	n = byte_at(in, 1);
	if (in.n < 2 + n)
		return -EAGAIN;
	*ret_ok = memchr(in.p + 2, 0, n) != NULL;
	return (ssize_t)(2 + n);
}

/* Sets host and address from the n bytes at p; what to reply. */
static enum socks_reply take_address(unsigned int type, struct str bytes,
				     struct request *r)
{
	uint32_t v4;
	int kind;

	r->is_addr = type != SOCKS_NAME;
	if (type == SOCKS_V4) {
		memcpy(&v4, bytes.p, sizeof(v4));
		addr_from_v4(v4, &r->addr);
	} else if (type == SOCKS_V6) {
		memcpy(r->addr.b, bytes.p, sizeof(r->addr.b));
	} else {
		kind = host_canonical(bytes, &r->host, &r->addr);
		if (kind < 0)
			return SOCKS_NOT_ALLOWED;
		r->is_addr = kind == 1;
		return r->host.error ? SOCKS_FAILURE : SOCKS_OK;
	}
	addr_format(&r->addr, &r->host);
	return r->host.error ? SOCKS_FAILURE : SOCKS_OK;
}

ssize_t socks_parse_request(struct str in, struct request *ret,
			    enum socks_reply *ret_reply)
{
	size_t at = 4, n;

	*ret = (struct request){ .host = BUF_INIT, .connect = true };
	if (in.n >= 1 && byte_at(in, 0) != SOCKS_VERSION)
		return -EBADMSG;
	if (in.n >= 3 && byte_at(in, 2) != 0)
		return -EBADMSG;
	if (in.n < 5)
		return -EAGAIN;
	switch ((enum socks_address)byte_at(in, 3)) {
	case SOCKS_V4:
		n = 4;
		break;
	case SOCKS_V6:
		n = 16;
		break;
	case SOCKS_NAME:
		n = byte_at(in, 4);
		at = 5;
		break;
	default:
		*ret_reply = SOCKS_BAD_ADDRESS;
		return (ssize_t)in.n;
	}
	if (in.n < at + n + 2)
		return -EAGAIN;
	ret->port =
		(uint16_t)(byte_at(in, at + n) << 8 | byte_at(in, at + n + 1));
	buf_puts(&ret->method, "SOCKS5");
	*ret_reply =
		take_address(byte_at(in, 3), str_from_n(in.p + at, n), ret);
	if (byte_at(in, 1) != 1)
		*ret_reply = SOCKS_BAD_COMMAND;
	else if (*ret_reply == SOCKS_OK && ret->port == 0)
		*ret_reply = SOCKS_NOT_ALLOWED;
	return (ssize_t)(at + n + 2);
}

void socks_put_reply(enum socks_reply reply, struct buf *out)
{
	const uint8_t bytes[10] = { SOCKS_VERSION, (uint8_t)reply, 0,
				    SOCKS_V4 };

	buf_put(out, bytes, sizeof(bytes));
}

enum socks_reply socks_reply_from_error(int error)
{
	switch (error) {
	case 0:
		return SOCKS_OK;
	case -EACCES:
		return SOCKS_NOT_ALLOWED;
	case -ENETUNREACH:
		return SOCKS_NET_UNREACHABLE;
	case -ENOENT:
	case -EHOSTUNREACH:
		return SOCKS_HOST_UNREACHABLE;
	case -ECONNREFUSED:
		return SOCKS_REFUSED;
	case -ETIMEDOUT:
		return SOCKS_TIMED_OUT;
	default:
		return SOCKS_FAILURE;
	}
}

void socks_put_old_refusal(struct buf *out)
{
	const uint8_t rejected[8] = { 0, 91 };

	buf_put(out, rejected, sizeof(rejected));
}
