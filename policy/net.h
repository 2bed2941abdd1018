/* SPDX-License-Identifier: MIT */
/*
 * net.h - may this place be talked to? One answer for all who dial
 *
 * The policy, beneath it a floor that rules cannot lower by accident, and what
 * is free without any rule. Tracer (system calls) and netproxy (requests by
 * name) both ask here, so that neither way is wider than the other.
 *
 * The floor: an address that is not plainly public (base/addr.h) needs an
 * allow rule that names it by CIDR: a rule by name or port, or for the whole
 * internet (shorter than /8, or /7 for IPv6), does not open it. A metadata
 * service needs a rule with that very address. IPv4 within a transition
 * address is never reached. The server's own port is closed. UDP needs a rule
 * with addresses and ports (DNS goes elsewhere before it comes here).
 */
#ifndef POLICY_NET_H
#define POLICY_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "core/op.h"
#include "core/verdict.h"

struct policy;
struct ports;

#define NET_FLOOR_PORTS 4

struct net_floor {
	/* Ports of this host that are closed whatever a rule says; 0 = none. */
	uint16_t closed[NET_FLOOR_PORTS];
	/* This host's addresses other than loopback; borrowed. */
	const struct addr *own;
	size_t n_own;
	/* Of this host too: proxies of sessions (core/ports.h); borrowed,
	 * NULL = none. Who asks knows his own before he asks. */
	const struct ports *proxies;
	/* The caller of connect() dials by itself: its loopback is open unless
	 * a rule speaks against it. */
	bool loopback_open;
	/* What a rule, or none, denies is allowed; the floor holds. */
	bool monitor;
};

struct net_answer {
	bool allowed; /* by policy or rule; false for approve: ask first */
	struct verdict verdict; /* deny, and allowed: see monitor */
	/* Built-in rule that decided, or NULL when the policy did. */
	const char *builtin;
};

/* op: OP_NET. Pure; records nothing. */
struct net_answer net_decide(const struct policy *p, const struct net_floor *f,
			     const struct op *op);

/* True for a port of this host that is closed whatever a rule says. */
bool net_is_closed(const struct net_floor *f, const struct addr *a,
		   uint16_t port);

/* Addresses of this host's interfaces, loopback left out. Fills at most max;
 * return: how many, or -errno. */
int net_own_addresses(struct addr *ret, size_t max);

#endif
