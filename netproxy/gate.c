/* SPDX-License-Identifier: MIT */
/*
 * gate.c - the network verdict of this process
 */
#include "netproxy/gate.h"

#include <netinet/in.h>
#include <string.h>

#include "core/event.h"
#include "core/op.h"

static struct op op_for(struct str host, const struct addr *addr, uint16_t port)
{
	struct op op = { .kind = OP_NET };

	op.net.host = host;
	op.net.port = port;
	op.net.protocol = IPPROTO_TCP;
	if (addr) {
		memcpy(op.net.addr, addr->b, sizeof(op.net.addr));
		op.net.has_addr = true;
	}
	return op;
}

/* The floor's reason to refuse this address whatever names point at it. */
static const char *floor_denies(const struct gate *g, const struct addr *addr,
				uint16_t port)
{
	enum addr_class class = addr_classify(addr);
	struct addr v4;

	if (class == ADDR_PUBLIC)
		return NULL;
	if (class <= ADDR_LOOPBACK && port != 0 &&
	    (port == g->control_port || port == g->own_port))
		return "net-floor-control-plane";
	/* v4 in transition wrapping reaches somewhere nobody wrote down */
	if (!addr_is_v4(addr) && addr_unwrap(addr, &v4))
		return "net-floor-wrapped-address";
	return NULL;
}

/* True if the policy allows the address by a rule that speaks of addresses. */
static bool policy_names_address(const struct gate *g, const struct addr *addr,
				 uint16_t port)
{
	struct op op = op_for(STR_NONE, addr, port);
	struct verdict v = policy_decide(g->policy, &op);

	return verdict_permits(v.kind) && policy_rule_has_cidrs(g->policy, v);
}

struct gate_answer gate_decide(const struct gate *g, struct str host,
			       const struct addr *addr, uint16_t port)
{
	struct op op = op_for(host, addr, port);
	struct gate_answer a = { 0 };

	if (!addr && host_is_metadata(host)) {
		a.floor_rule = "net-floor-metadata";
		/* the policy's own rule, if it has one, is the better name */
		a.verdict = policy_decide(g->policy, &op);
		if (a.verdict.kind == VERDICT_DENY)
			a.floor_rule = NULL;
		return a;
	}
	a.verdict = policy_decide(g->policy, &op);
	if (!verdict_permits(a.verdict.kind))
		return a;
	if (addr) {
		a.floor_rule = floor_denies(g, addr, port);
		if (a.floor_rule)
			return a;
		if (addr_classify(addr) != ADDR_PUBLIC &&
		    !policy_names_address(g, addr, port)) {
			a.floor_rule = "net-floor-special-address";
			return a;
		}
	}
	a.allowed = true;
	return a;
}

struct str gate_rule(const struct gate *g, const struct gate_answer *a)
{
	return a->floor_rule ? str_from(a->floor_rule)
			     : policy_rule_name(g->policy, a->verdict);
}

int gate_record(const struct gate *g, const struct gate_request *r,
		const struct gate_answer *a)
{
	struct op op = op_for(r->host, r->addr, r->port);
	_cleanup_buf_ struct buf message = BUF_INIT;
	_cleanup_buf_ struct buf remote = BUF_INIT;
	struct event e = {
		.type = r->type,
		.depth = -1,
		.session_id = str_from(g->session_id),
		.source = STR("netproxy"),
		.has_policy = true,
		.decision = a->floor_rule ? VERDICT_DENY : a->verdict.kind,
		.effective_decision = a->allowed ? VERDICT_ALLOW : VERDICT_DENY,
		.rule = gate_rule(g, a),
		.generation = policy_generation(g->policy),
		.domain = r->host,
		.action = a->allowed ? EVENT_ALLOWED : EVENT_BLOCKED,
	};

	if (!a->floor_rule)
		policy_rule_message(g->policy, a->verdict, &op, &message);
	e.message = buf_str(&message);
	buf_put_str(&remote, r->host);
	buf_printf(&remote, ":%u", (unsigned int)r->port);
	e.remote = buf_str(&remote);
	if (r->method.n)
		event_add_str(&e, "method", r->method);
	if (r->path.n)
		event_add_str(&e, "path", r->path);
	if (r->client_port)
		event_add_int(&e, "client_port", r->client_port);
	if (r->addr) {
		_cleanup_buf_ struct buf ip = BUF_INIT;

		addr_format(r->addr, &ip);
		event_add_str(&e, "resolved_ip", buf_str(&ip));
		return sink_emit(g->sink, &e);
	}
	return sink_emit(g->sink, &e);
}
