/* SPDX-License-Identifier: MIT */
/*
 * gate.h - the network verdict of this process: hard floor, policy, record
 *
 * A name is judged before anything is looked up; every address it resolves to
 * is judged again, together with the name, before it is dialled. Addresses of
 * a harmful class (base/addr.h) need an allow rule that names them by CIDR: an
 * allowed name that points at a private address does not open it.
 */
#ifndef NETPROXY_GATE_H
#define NETPROXY_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"
#include "core/sink.h"
#include "core/verdict.h"
#include "policy/policy.h"

struct gate {
	struct policy *policy;   /* owned reference */
	const struct sink *sink; /* borrowed */
	const char *session_id;  /* borrowed */
	uint16_t control_port;   /* the server's own; never reachable here */
	uint16_t own_port;       /* this proxy's */
};

struct gate_answer {
	bool allowed;
	struct verdict verdict;
	/* Built-in floor rule that denied, or NULL when the policy did. */
	const char *floor_rule;
};

/* host: canonical name, or the canonical text of *addr. addr NULL: only the
 * name is known yet. Pure: records nothing. */
struct gate_answer gate_decide(const struct gate *g, struct str host,
			       const struct addr *addr, uint16_t port);

/* What a request was, for its event. */
struct gate_request {
	struct str type; /* "net_connect", "net_http_request", "dns_query" */
	struct str host; /* canonical */
	uint16_t port;
	const struct addr *addr; /* dialled or refused address, or NULL */
	struct str method, path; /* plain HTTP, else empty */
	uint16_t client_port;    /* local port of the client's connection */
};

/* Records a decision. -errno: it could not be recorded, so deny. */
int gate_record(const struct gate *g, const struct gate_request *r,
		const struct gate_answer *a);
/* Rule name of an answer, for messages. */
struct str gate_rule(const struct gate *g, const struct gate_answer *a);

#endif
