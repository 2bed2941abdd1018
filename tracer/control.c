/* SPDX-License-Identifier: MIT */
/*
 * control.c - what the control data of a message says of its way
 *
 * A message is judged by its destination. A source route among its control data
 * would lead it to somebody else first, and a device would send what is for
 * loopback out to the network. So these are refused, as the options of the same
 * kind are by the filter (confine/seccomp_leaf.c); the addresses that it is to
 * seem to come from, hop limits and traffic classes are fine.
 */
#include "tracer/control.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* Room before the device's number in the two forms of a packet's info. */
static bool is_near(const struct cmsghdr *c, size_t before)
{
	uint32_t device;

	if (c->cmsg_len < CMSG_LEN(before + sizeof(device)))
		return true; /* the kernel says no */
	memcpy(&device, CMSG_DATA(c) + before, sizeof(device));
	return device <= LOOPBACK_DEVICE;
}

static bool four_stays(const struct cmsghdr *c)
{
	switch (c->cmsg_type) {
	case IP_TTL:
	case IP_TOS:
		return true;
	case IP_PKTINFO:
		return is_near(c, 0);
	default:
		return false;
	}
}

static bool six_stays(const struct cmsghdr *c)
{
	switch (c->cmsg_type) {
	case IPV6_PKTINFO:
	case IPV6_2292PKTINFO:
		return is_near(c, sizeof(struct in6_addr));
	case IPV6_HOPLIMIT:
	case IPV6_2292HOPLIMIT:
	case IPV6_TCLASS:
	case IPV6_DONTFRAG:
		return true;
	default:
		return false;
	}
}

/* A mark is another table of routes; we might be allowed to set one. */
static bool socket_stays(const struct cmsghdr *c)
{
	return c->cmsg_type != SO_MARK && c->cmsg_type != SO_PRIORITY;
}

static bool stays(const struct cmsghdr *c)
{
	switch (c->cmsg_level) {
	case SOL_SOCKET:
		return socket_stays(c);
	case IPPROTO_IP:
		return four_stays(c);
	case IPPROTO_IPV6:
		return six_stays(c);
	default: /* not read by who sends datagrams or bytes */
		return true;
	}
}

int control_stays(void *control, size_t len)
{
	struct msghdr m = { .msg_control = control, .msg_controllen = len };

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		size_t at = (size_t)((char *)c - (char *)control);

		if (c->cmsg_len < sizeof(*c) || c->cmsg_len > len - at)
			return -EINVAL;
		if (!stays(c))
			return -EPERM;
	}
	return 0;
}
