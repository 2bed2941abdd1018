/* SPDX-License-Identifier: MIT */
/*
 * netlink.c - requests to the kernel's network configuration
 */
#include "confine/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"

static void *room_for(struct netlink *n, size_t len)
{
	size_t whole = NLMSG_ALIGN(len);
	void *p = n->bytes + n->n;

	if (n->error || whole > sizeof(n->bytes) - n->n) {
		n->error = -ENOBUFS;
		return NULL;
	}
	memset(p, 0, whole);
	n->n += whole;
	return p;
}

/* The open message's length, now that it is known. */
static void close_message(struct netlink *n)
{
	struct nlmsghdr *h = (void *)(n->bytes + n->message);

	if (n->n > n->message)
		h->nlmsg_len = (uint32_t)(n->n - n->message);
}

void netlink_begin(struct netlink *n, uint16_t type, uint16_t flags,
		   const void *header, size_t len)
{
	struct nlmsghdr *h;
	void *body;

	close_message(n);
	n->message = n->n;
	h = room_for(n, sizeof(*h));
	body = room_for(n, len);
	if (!h || !body)
		return;
	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST);
	h->nlmsg_seq = ++n->wanted;
	if (!(flags & NLM_F_ACK))
		n->wanted--;
	memcpy(body, header, len);
}

void netlink_put(struct netlink *n, uint16_t attribute, const void *data,
		 size_t len)
{
	struct nlattr *a = room_for(n, sizeof(*a) + len);

	if (!a)
		return;
	a->nla_type = attribute;
	a->nla_len = (uint16_t)(sizeof(*a) + len);
	memcpy(a + 1, data, len);
}

void netlink_put_u32(struct netlink *n, uint16_t attribute, uint32_t value)
{
	netlink_put(n, attribute, &value, sizeof(value));
}

void netlink_put_be32(struct netlink *n, uint16_t attribute, uint32_t value)
{
	netlink_put_u32(n, attribute, htonl(value));
}

void netlink_put_text(struct netlink *n, uint16_t attribute, const char *text)
{
	netlink_put(n, attribute, text, strlen(text) + 1);
}

size_t netlink_nest(struct netlink *n, uint16_t attribute)
{
	size_t at = n->n;
	struct nlattr *a = room_for(n, sizeof(*a));

	if (a)
		a->nla_type = (uint16_t)(attribute | NLA_F_NESTED);
	return at;
}

void netlink_unnest(struct netlink *n, size_t nest)
{
	struct nlattr *a = (void *)(n->bytes + nest);

	if (!n->error)
		a->nla_len = (uint16_t)(n->n - nest);
}

/* Counts the acknowledgements of one datagram; the first refusal ends it. */
static int read_answers(const unsigned char *p, size_t len,
			unsigned int *wanted)
{
	while (len >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *h = (const void *)p;
		/* NLMSG_DATA takes the const away */
		const struct nlmsgerr *e = (const void *)(p + NLMSG_HDRLEN);

		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > len)
			return -EBADMSG;
		if (h->nlmsg_type == NLMSG_ERROR &&
		    h->nlmsg_len >= NLMSG_LENGTH(sizeof(e->error))) {
			if (e->error)
				return e->error;
			if (*wanted)
				(*wanted)--;
		}
		if (NLMSG_ALIGN(h->nlmsg_len) >= len)
			break;
		p += NLMSG_ALIGN(h->nlmsg_len);
		len -= NLMSG_ALIGN(h->nlmsg_len);
	}
	return 0;
}

int netlink_talk(struct netlink *n, int protocol)
{
	_cleanup_close_ int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const struct timeval second = { .tv_sec = 1 };
	unsigned int wanted = n->wanted;
	int r = n->error;

	if (fd < 0)
		return -errno;
	close_message(n);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	if (r == 0 && sendto(fd, n->bytes, n->n, 0, (const void *)&kernel,
			     sizeof(kernel)) != (ssize_t)n->n)
		r = -errno;
	while (r == 0 && wanted) {
		_Alignas(4) unsigned char answer[NETLINK_ROOM];
		ssize_t got = recv(fd, answer, sizeof(answer), 0);

		r = got < 0 ? -errno
			    : read_answers(answer, (size_t)got, &wanted);
	}
	*n = (struct netlink){ .n = 0 };
	return r;
}
