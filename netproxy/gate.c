/* SPDX-License-Identifier: MIT */
/*
 * gate.c - the network verdict of this process
 */
#include "netproxy/gate.h"

#include <netinet/in.h>
#include <string.h>

#include "core/event.h"
#include "core/op.h"
#include "netproxy/dns.h"
#include "netproxy/service.h"

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

bool gate_diverts(const struct gate *g, struct str host,
		  const struct addr *addr)
{
	struct policy_divert d;
	struct addr target;

	return policy_dns_divert(g->policy, host, &d) &&
	       addr_parse(d.target, &target) == 0 &&
	       memcmp(target.b, addr->b, sizeof(addr->b)) == 0;
}

struct net_answer gate_decide(const struct gate *g, struct str host,
			      const struct addr *addr, uint16_t port)
{
	struct op op = op_for(host, addr, port);
	struct net_answer a;

	/* the policy chose the address, so the name alone is judged */
	if (addr && gate_diverts(g, host, addr))
		op.net.has_addr = false;
	a = net_decide(g->policy, &g->floor, &op);
	if (a.allowed && addr && net_is_closed(&g->floor, addr, port)) {
		a.allowed = false;
		a.builtin = "net-floor-control-plane";
	}
	if (a.allowed && gate_service(g, host) &&
	    !gate_intercepts(g, host, port)) {
		a.allowed = false;
		a.builtin = "http_service_declared_fail_closed";
	}
	return a;
}

struct net_answer gate_decide_datagram(const struct gate *g,
				       const struct addr *addr, uint16_t port)
{
	struct op op = op_for(STR_NONE, addr, port);
	struct net_answer a;

	op.net.protocol = IPPROTO_UDP;
	a = net_decide(g->policy, &g->floor, &op);
	if (net_is_closed(&g->floor, addr, port)) {
		a.allowed = false;
		a.builtin = "net-floor-control-plane";
	}
	return a;
}

const struct service *gate_service(const struct gate *g, struct str host)
{
	const struct service *s =
		g->services ? services_by_host(*g->services, host) : NULL;

	return s && (!s->allow_direct || s->intercept) ? s : NULL;
}

bool gate_intercepts(const struct gate *g, struct str host, uint16_t port)
{
	const struct service *s = gate_service(g, host);

	return s && s->intercept && g->intercept && !s->broken &&
	       port == s->to.port;
}

struct net_answer gate_decide_dns(const struct gate *g, struct str host)
{
	struct op op = op_for(host, NULL, 53);
	struct net_answer a = { 0 };

	op.kind = OP_DNS;
	a.verdict = policy_decide(g->policy, &op);
	if (a.verdict.kind != VERDICT_ALLOW &&
	    a.verdict.kind != VERDICT_AUDIT &&
	    !(g->floor.monitor && a.verdict.kind == VERDICT_DENY))
		return a;
	if (host_is_metadata(host))
		a.builtin = "net-floor-metadata";
	a.allowed = !a.builtin;
	return a;
}

bool gate_name_tells(const struct gate *g, struct str host,
		     const struct net_answer *a)
{
	return dns_name_is_data(host) &&
	       !policy_rule_names_host(g->policy, a->verdict, host);
}

struct str gate_rule(const struct gate *g, const struct net_answer *a)
{
	return a->builtin ? str_from(a->builtin)
			  : policy_rule_name(g->policy, a->verdict);
}

void gate_explain(const struct gate *g, struct str host, uint16_t port,
		  const struct net_answer *a, struct buf *out)
{
	struct op op = op_for(host, NULL, port);
	struct str rule = gate_rule(g, a);
	const struct service *service = gate_service(g, host);
	_cleanup_buf_ struct buf message = BUF_INIT;

	/* the first line is what agentsh's users look for */
	buf_puts(out, "blocked by policy\n");
	buf_printf(out, "rule=" STR_FMT " host=" STR_FMT ":%u\n", STR_ARG(rule),
		   STR_ARG(host), (unsigned int)port);
	if (!a->builtin)
		policy_rule_message(g->policy, a->verdict, &op, &message);
	else if (service)
		buf_printf(&message, "use the service's address in %s",
			   service->var);
	if (message.len) {
		buf_put_str(out, buf_str(&message));
		buf_putc(out, '\n');
	}
}

static void put_fields(const struct gate_request *r, struct event *e)
{
	if (r->method.n)
		event_add_str(e, "method", r->method);
	if (r->path.n)
		event_add_str(e, "path", r->path);
	if (r->sni.n)
		event_add_str(e, "sni", r->sni);
	if (r->redirect)
		event_add_str(e, "redirect_to", str_from(r->redirect));
	if (r->client_port)
		event_add_int(e, "client_port", r->client_port);
	if (r->by_datagram)
		event_add_str(e, "transport", STR("udp"));
}

int gate_record(const struct gate *g, const struct gate_request *r,
		const struct net_answer *a)
{
	struct op op = op_for(r->host, r->addr, r->port);
	_cleanup_buf_ struct buf message = BUF_INIT;
	_cleanup_buf_ struct buf remote = BUF_INIT;
	_cleanup_buf_ struct buf ip = BUF_INIT;
	struct event e = {
		.type = r->type,
		.depth = -1,
		.session_id = str_from(g->session_id),
		.source = STR("netproxy"),
		.has_policy = true,
		.decision = a->builtin && !a->allowed ? VERDICT_DENY
						      : a->verdict.kind,
		.effective_decision = a->allowed ? VERDICT_ALLOW : VERDICT_DENY,
		.rule = gate_rule(g, a),
		.generation = policy_generation(g->policy),
		.domain = r->host,
		.action = a->allowed ? EVENT_ALLOWED : EVENT_BLOCKED,
	};

	if (!a->builtin)
		policy_rule_message(g->policy, a->verdict, &op, &message);
	e.message = buf_str(&message);
	if (g->approvals && !a->builtin && a->verdict.kind == VERDICT_APPROVE) {
		e.approval_required = true;
		e.approval_mode = STR("enforced");
	}
	if (r->port) {
		buf_put_str(&remote, r->host);
		buf_printf(&remote, ":%u", (unsigned int)r->port);
		e.remote = buf_str(&remote);
	}
	put_fields(r, &e);
	if (r->addr) {
		addr_format(r->addr, &ip);
		event_add_str(&e, "resolved_ip", buf_str(&ip));
	}
	return sink_emit(g->sink, &e);
}

void gate_record_redirect(const struct gate *g, struct str type,
			  const struct gate_request *r,
			  const struct policy_divert *d)
{
	_cleanup_buf_ struct buf remote = BUF_INIT;
	struct event e = {
		.type = type,
		.depth = -1,
		.session_id = str_from(g->session_id),
		.source = STR("netproxy"),
		.has_policy = true,
		.decision = VERDICT_REDIRECT,
		.effective_decision = VERDICT_REDIRECT,
		.rule = d->name,
		.message = d->message,
		.generation = policy_generation(g->policy),
		.domain = r->host,
		.action = EVENT_ALLOWED,
	};

	if (!d->audit)
		return;
	if (r->port) {
		buf_put_str(&remote, r->host);
		buf_printf(&remote, ":%u", (unsigned int)r->port);
		e.remote = buf_str(&remote);
	}
	put_fields(r, &e);
	event_add_str(&e, "redirect_to",
		      d->unix_path.n ? d->unix_path : d->target);
	event_add_str(&e, "visibility",
		      d->warn ? STR("warn") : STR("audit_only"));
	if (d->sni.n)
		event_add_str(&e,
			      g->intercept ? "sni_rewritten"
					   : "sni_not_rewritten",
			      d->sni);
	(void)sink_emit(g->sink, &e);
}
