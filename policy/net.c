/* SPDX-License-Identifier: MIT */
/*
 * net.c - the policy for a network address, and the floor beneath it
 */
#include "policy/net.h"

#include <errno.h>
#include <ifaddrs.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/ports.h"
#include "policy/policy.h"

/* Prefix lengths in the 128-bit form. */
#define WHOLE_V4 (96U + 8U)
#define WHOLE_V6 7U

static bool is_own(const struct net_floor *f, const struct addr *a)
{
	for (size_t i = 0; i < f->n_own; i++)
		if (memcmp(a->b, f->own[i].b, sizeof(a->b)) == 0)
			return true;
	return addr_classify(a) <= ADDR_LOOPBACK;
}

static bool port_closed(const struct net_floor *f, uint16_t port)
{
	for (size_t i = 0; port && i < NET_FLOOR_PORTS; i++)
		if (f->closed[i] == port)
			return true;
	return ports_has(f->proxies, port);
}

bool net_is_closed(const struct net_floor *f, const struct addr *a,
		   uint16_t port)
{
	return port_closed(f, port) && is_own(f, a);
}

/* True if the policy allows the address by a rule that means it. */
static bool rule_names_address(const struct policy *p, const struct op *op,
			       const struct addr *a, enum addr_class class)
{
	struct op bare = { .kind = OP_NET, .net = op->net };
	struct verdict v;
	unsigned int bits, least = addr_is_v4(a) ? WHOLE_V4 : WHOLE_V6;

	bare.net.host = STR_NONE;
	v = policy_decide(p, &bare);
	if (v.kind != VERDICT_ALLOW && v.kind != VERDICT_AUDIT &&
	    v.kind != VERDICT_APPROVE)
		return false;
	bits = policy_rule_cidr_bits(p, v, a);
	return bits >= (class == ADDR_METADATA ? 128U : least);
}

/* The floor's reason to refuse the address, or NULL. */
static const char *floor_denies(const struct policy *p,
				const struct net_floor *f, const struct op *op,
				const struct addr *a)
{
	enum addr_class class = addr_classify(a);
	struct addr v4;

	if (net_is_closed(f, a, op->net.port))
		return "net-floor-control-plane";
	if (!addr_is_v4(a) && addr_unwrap(a, &v4))
		return "net-floor-wrapped-address";
	if (class == ADDR_PUBLIC || rule_names_address(p, op, a, class))
		return NULL;
	return class == ADDR_METADATA ? "net-floor-metadata"
				      : "net-floor-special-address";
}

/* Datagrams cannot be looked into: a rule must mean address and port. */
static const char *datagram_denied(const struct policy *p, const struct op *op,
				   const struct addr *a, struct verdict v)
{
	if (op->net.protocol != IPPROTO_UDP)
		return NULL;
	return policy_rule_has_ports(p, v) && policy_rule_cidr_bits(p, v, a)
		       ? NULL
		       : "net-floor-datagram";
}

static bool by_default(const struct policy *p, struct verdict v)
{
	return v.kind == VERDICT_DENY &&
	       str_eq_c(policy_rule_name(p, v), "default-deny-network");
}

struct net_answer net_decide(const struct policy *p, const struct net_floor *f,
			     const struct op *op)
{
	struct net_answer n = { .verdict = policy_decide(p, op) };
	struct addr a;

	memcpy(a.b, op->net.addr, sizeof(a.b));
	if (f->loopback_open && op->net.has_addr &&
	    addr_classify(&a) <= ADDR_LOOPBACK &&
	    (by_default(p, n.verdict) || n.verdict.kind == VERDICT_ALLOW)) {
		n.allowed = !port_closed(f, op->net.port);
		if (!n.allowed)
			n.builtin = "net-floor-control-plane";
		else if (n.verdict.kind != VERDICT_ALLOW)
			n.builtin = "loopback";
		return n;
	}
	if ((n.verdict.kind == VERDICT_DENY && !f->monitor) ||
	    n.verdict.kind == VERDICT_REDIRECT)
		return n;
	if (!op->net.has_addr) {
		if (host_is_metadata(op->net.host))
			n.builtin = "net-floor-metadata";
	} else {
		n.builtin = floor_denies(p, f, op, &a);
		if (!n.builtin)
			n.builtin = datagram_denied(p, op, &a, n.verdict);
	}
	n.allowed = !n.builtin && (n.verdict.kind == VERDICT_ALLOW ||
				   n.verdict.kind == VERDICT_AUDIT ||
				   n.verdict.kind == VERDICT_DENY);
	return n;
}

int net_own_addresses(struct addr *ret, size_t max)
{
	struct ifaddrs *list;
	size_t n = 0;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (const struct ifaddrs *i = list; i && n < max; i = i->ifa_next) {
		uint16_t port;
		struct addr a;
		size_t len;

		if (!i->ifa_addr)
			continue;
		len = i->ifa_addr->sa_family == AF_INET
			      ? sizeof(struct sockaddr_in)
			      : sizeof(struct sockaddr_in6);
		if (addr_from_sockaddr(i->ifa_addr, len, &a, &port) == 0 &&
		    addr_classify(&a) > ADDR_LOOPBACK)
			ret[n++] = a;
	}
	freeifaddrs(list);
	return (int)n;
}
