/* SPDX-License-Identifier: MIT */
/*
 * gate.h - the network verdict of this process: floor, policy, record
 *
 * A name is judged before anything is looked up; every address it resolves to
 * is judged again, together with the name, before it is dialled. The floor is
 * policy/net.h's, the same as the tracer's.
 */
#ifndef NETPROXY_GATE_H
#define NETPROXY_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"
#include "core/sink.h"
#include "core/verdict.h"
#include "policy/net.h"
#include "policy/policy.h"

#define GATE_MAX_OWN 64

struct services;
struct service;

struct gate {
	struct policy *policy; /* owned reference */
	/* borrowed: hosts that are reached through their service only */
	struct services *const *services;
	bool intercept;          /* TLS can be opened */
	bool approvals;          /* approve rules are asked about (ask_net.h) */
	const struct sink *sink; /* borrowed */
	const char *session_id;  /* borrowed */
	struct net_floor floor;
	struct addr own[GATE_MAX_OWN]; /* what floor.own points to */
};

/* host: canonical name, or the canonical text of *addr. addr NULL: only the
 * name is known yet. Pure: records nothing. */
struct net_answer gate_decide(const struct gate *g, struct str host,
			      const struct addr *addr, uint16_t port);
/* The same for a datagram, which has an address and no name. */
struct net_answer gate_decide_datagram(const struct gate *g,
				       const struct addr *addr, uint16_t port);
/* True if a dns_redirect of the policy gives this address for the name. */
bool gate_diverts(const struct gate *g, struct str host,
		  const struct addr *addr);
/* The http_service that is declared for the host and the only way to it, or
 * NULL. */
const struct service *gate_service(const struct gate *g, struct str host);
/* True if TLS to it is opened here and judged by its service's rules. */
bool gate_intercepts(const struct gate *g, struct str host, uint16_t port);
/* May the name be looked up: could some rule allow a connection to it? */
struct net_answer gate_decide_dns(const struct gate *g, struct str host);

/* True if the name carries data to whoever runs its zone: not one that the
 * rule, which the answer came from, has word for word. Where any host at all
 * may be talked to it needs no names for that. */
bool gate_name_tells(const struct gate *g, struct str host,
		     const struct net_answer *a);

/* What a request was, for its event. */
struct gate_request {
	struct str type; /* "net_connect", "net_http_request", "dns_query" */
	struct str host; /* canonical */
	uint16_t port;
	const struct addr *addr; /* dialled or refused address, or NULL */
	struct str method, path; /* plain HTTP, else empty */
	struct str sni;          /* server name that was refused, else empty */
	const char *redirect;    /* connect or DNS redirect, or NULL */
	uint16_t client_port;    /* local port of the client's connection */
	bool by_datagram;        /* and that is UDP's */
};

/* Records a decision. -errno: it could not be recorded, so deny. */
int gate_record(const struct gate *g, const struct gate_request *r,
		const struct net_answer *a);
/* Says that a redirect took the place of what r asked for, unless the rule is
 * silent. type: "dns_redirect", "connect_redirect". Lost events are no reason
 * to refuse: the request itself is recorded. */
void gate_record_redirect(const struct gate *g, struct str type,
			  const struct gate_request *r,
			  const struct policy_divert *d);
/* Rule name of an answer. */
struct str gate_rule(const struct gate *g, const struct net_answer *a);
/* What a refused client is told: the fixed first line, rule, message. */
void gate_explain(const struct gate *g, struct str host, uint16_t port,
		  const struct net_answer *a, struct buf *out);

#endif
