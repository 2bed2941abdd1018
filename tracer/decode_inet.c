/* SPDX-License-Identifier: MIT */
/*
 * decode_inet.c - where an internet address of a command leads
 *
 * In this order:
 * - our own proxy, and its DNS stub: yes.
 * - port 53 of whatever server: the DNS stub, which judges the names. The
 *   server that was asked is remembered for who looks at the sender of the
 *   answer (decode_recv.c).
 * - what the floor closes (policy/net.h): no. Loopback without a rule: yes.
 * - TCP to an address that no rule speaks of: the proxy is asked, because it
 *   may know the name that was looked up to this address. The socket is
 *   connected to the proxy, which is told where the caller wanted to go
 *   (core/direct.h); what it thinks of that holds, so nothing depends on
 *   these bytes staying between us and it.
 * - the rest is the policy's.
 *
 * In a network namespace of the session's own (confine/netns.h) the kernel
 * brings every connection to the proxy and every query to the stub, so that
 * what we miss is caught there. TCP that may go on is still led to the proxy
 * by us, because connect() then tells how the dial ended. Loopback is the
 * namespace's own; an address of it that a rule allows is tried there first,
 * and where nobody listens it is the host's.
 */
#include <errno.h>
#include <string.h>

#include "base/addr.h"
#include "policy/net.h"
#include "tracer/control.h"
#include "tracer/net.h"

static bool is_mapped(const uint8_t *a)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a, prefix, sizeof(prefix)) == 0;
}

bool net_is_loopback(const struct op_net *net)
{
	struct addr a;

	memcpy(a.b, net->addr, sizeof(a.b));
	return addr_classify(&a) <= ADDR_LOOPBACK;
}

/* 0 with *net filled; -EAFNOSUPPORT or -EINVAL as the kernel would say. */
int net_parse_inet(const struct net_call *n, struct op_net *net)
{
	sa_family_t family = n->addr.any.sa_family;

	*net = (struct op_net){ .has_addr = true,
				.protocol = (uint8_t)n->protocol };
	/* A socket that we cannot look at, and an address given to a send. */
	if (n->sock < 0 && !n->connecting)
		net->protocol = IPPROTO_UDP;
	/* AF_UNSPEC is taken for AF_INET where a destination is wanted. */
	if (family == AF_INET || family == AF_UNSPEC) {
		if (n->addr_len < sizeof(struct sockaddr_in))
			return -EINVAL;
		op_net_set_v4(net, n->addr.in.sin_addr.s_addr);
		net->port = ntohs(n->addr.in.sin_port);
		return 0;
	}
	if (family != AF_INET6)
		return -EAFNOSUPPORT;
	if (n->addr_len < offsetof(struct sockaddr_in6, sin6_scope_id))
		return -EINVAL;
	memcpy(net->addr, &n->addr.in6.sin6_addr, 16);
	net->port = ntohs(n->addr.in6.sin6_port);
	return 0;
}

/* decision: what the policy said, had it been asked. */
static void allow_recorded(struct net_call *n, struct event *e,
			   enum verdict_kind decision, struct str rule)
{
	e->has_policy = true;
	e->decision = decision;
	e->effective_decision = VERDICT_ALLOW;
	e->rule = rule;
	e->action = EVENT_ALLOWED;
	if (sink_emit(&n->q->tracer->sink, e) < 0)
		request_fail(n->q, EACCES);
	else
		net_run(n);
}

static void refuse_recorded(struct net_call *n, struct event *e,
			    const char *rule)
{
	e->has_policy = true;
	e->decision = e->effective_decision = VERDICT_DENY;
	e->rule = str_from(rule);
	e->action = EVENT_BLOCKED;
	(void)sink_emit(&n->q->tracer->sink, e); /* refused either way */
	request_fail(n->q, EACCES);
}

static void format_remote(const struct op_net *net, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];
	bool v4 = is_mapped(net->addr);

	if (!inet_ntop(v4 ? AF_INET : AF_INET6, net->addr + (v4 ? 12 : 0), text,
		       sizeof(text)))
		return;
	buf_printf(out, v4 ? "%s:%u" : "[%s]:%u", text, net->port);
}

/* True if the call now leads to the DNS stub. */
static bool to_stub(struct net_call *n, const struct op_net *net)
{
	struct tracer *t = n->q->tracer;
	uint16_t stub = t->settings.dns_port;

	if (net->port == 53 && t->net_ns >= 0) {
		n->announce = true;
		return true; /* it listens there, at any address */
	}
	if (!stub || net->port != 53 || n->sock < 0 ||
	    n->replaced || /* answers would come from a stranger */
	    (net->protocol != IPPROTO_UDP && net->protocol != IPPROTO_TCP))
		return false;
	if (net->protocol == IPPROTO_UDP)
		asked_remember(&t->asked, n->sock, &n->addr.any, n->addr_len);
	net_point_home(n, stub);
	n->announce = true;
	return true;
}

static bool is_ours(const struct net_call *n, const struct op_net *net)
{
	const struct settings *s = &n->q->tracer->settings;

	if (!net_is_loopback(net) || !net->port)
		return false;
	/* of a socket that cannot be looked at the protocol is not known */
	return (net->port == s->proxy_port && net->protocol != IPPROTO_UDP) ||
	       net->port == s->dns_port;
}

/* No name leads there, whatever its zone says (netproxy/stub.c). */
static bool is_never_named(const struct op_net *net)
{
	enum addr_class class;
	struct addr a;

	memcpy(a.b, net->addr, sizeof(a.b));
	class = addr_classify(&a);
	return class == ADDR_UNSPECIFIED || class == ADDR_METADATA ||
	       class == ADDR_LINK_LOCAL || class == ADDR_MULTICAST;
}

static void lead_to_proxy(struct net_call *n, const struct op_net *net,
			  bool near_first)
{
	memcpy(n->wanted, net->addr, sizeof(n->wanted));
	n->wanted_port = net->port;
	n->way = near_first ? NET_NEAR_FIRST : NET_BY_PROXY;
}

/* In a namespace of its own whatever goes out goes through the proxy, which
 * asks for what needs an approval: once is enough. */
static bool proxy_asks(const struct net_call *n, const struct op_net *net,
		       const struct net_answer *a)
{
	const struct tracer *t = n->q->tracer;

	return t->net_ns >= 0 && t->settings.approvals && !a->allowed &&
	       !a->builtin && a->verdict.kind == VERDICT_APPROVE &&
	       !net_is_loopback(net) && t->settings.proxy_port &&
	       (net->protocol != IPPROTO_UDP || t->settings.net_datagrams);
}

/* No rule speaks of the address, and the proxy may know a name for it. In a
 * namespace of its own the proxy is asked for whatever may go on. */
static bool ask_the_proxy(struct net_call *n, const struct op_net *net,
			  const struct net_answer *a)
{
	const struct tracer *t = n->q->tracer;
	struct str rule = policy_rule_name(guard_policy(t->guard), a->verdict);
	bool captured = t->net_ns >= 0;
	bool unknown = !a->allowed && !a->builtin && !is_never_named(net) &&
		       str_eq_c(rule, "default-deny-network");

	unknown |= proxy_asks(n, net, a);
	if (!n->connecting || !t->settings.proxy_port)
		return false;
	if (captured && n->sock < 0) /* the kernel leads it there */
		return unknown;
	if (n->sock < 0 || net->protocol != IPPROTO_TCP || a->builtin ||
	    !(unknown || (captured && a->allowed)))
		return false;
	lead_to_proxy(n, net, a->allowed && net_is_loopback(net));
	return unknown;
}

/* A namespace of its own may have no way out for datagrams. */
static void close_datagrams(const struct net_call *n, const struct op_net *net,
			    struct net_answer *a)
{
	if (n->q->tracer->net_ns < 0 || n->q->tracer->settings.net_datagrams ||
	    net->protocol != IPPROTO_UDP || !a->allowed || net_is_loopback(net))
		return;
	a->allowed = false;
	a->builtin = "net-floor-datagram";
}

/* An address of one link names the device, too; the socket would send by it
 * what is for loopback. */
static bool chooses_device(const struct net_call *n)
{
	return n->addr.any.sa_family == AF_INET6 &&
	       n->addr_len >= sizeof(n->addr.in6) &&
	       n->addr.in6.sin6_scope_id > LOOPBACK_DEVICE &&
	       n->q->tracer->net_ns < 0;
}

static bool may_bind(const struct net_call *n, const struct op_net *net)
{
	const struct settings *s = &n->q->tracer->settings;

	return s->bind_tcp || n->protocol != IPPROTO_TCP ||
	       settings_may_bind(s, net->port);
}

/* landlock.network.allow_bind_tcp and bind_ports, on every kernel. */
void net_judge_bind(struct net_call *n)
{
	_cleanup_buf_ struct buf remote = BUF_INIT;
	struct event e = EVENT_INIT("net_listen");
	bool device = chooses_device(n);
	struct op_net net;

	if (net_parse_inet(n, &net) < 0 || (!device && may_bind(n, &net))) {
		net_run(n);
		return;
	}
	format_remote(&net, &remote);
	request_event(n->q, &e);
	e.remote = buf_str(&remote);
	e.operation = str_from(n->q->name);
	refuse_recorded(n, &e,
			device ? "net-floor-device" : "landlock-bind-tcp");
}

void net_judge_inet(struct net_call *n)
{
	const struct tracer *t = n->q->tracer;
	_cleanup_buf_ struct buf remote = BUF_INIT;
	struct op op = { .kind = OP_NET };
	struct event e = EVENT_INIT("net_connect");
	struct net_answer a;
	int r = net_parse_inet(n, &op.net);

	if (r < 0) {
		request_fail(n->q, -r);
		return;
	}
	if (to_stub(n, &op.net)) {
		net_run(n); /* the stub records what is asked */
		return;
	}
	format_remote(&op.net, &remote);
	request_event(n->q, &e);
	e.remote = buf_str(&remote);
	e.operation = str_from(n->q->name);
	event_add_str(&e, "protocol",
		      op.net.protocol == IPPROTO_UDP   ? STR("udp")
		      : op.net.protocol == IPPROTO_TCP ? STR("tcp")
						       : STR("other"));
	n->loopback = net_is_loopback(&op.net);
	if (is_ours(n, &op.net)) {
		n->announce = true;
		allow_recorded(n, &e, VERDICT_ALLOW, STR("agentsh-proxy"));
		return;
	}
	if (!t->settings.connect_tcp && op.net.protocol == IPPROTO_TCP) {
		refuse_recorded(n, &e, "landlock-connect-tcp");
		return;
	}
	a = net_decide(guard_policy(t->guard), &t->floor, &op);
	close_datagrams(n, &op.net, &a);
	if (ask_the_proxy(n, &op.net, &a) ||
	    (op.net.protocol == IPPROTO_UDP && proxy_asks(n, &op.net, &a)))
		net_run(n); /* the proxy records what it thinks of it */
	else if (a.builtin && a.allowed)
		allow_recorded(n, &e, VERDICT_ALLOW, str_from(a.builtin));
	else if (a.allowed && a.verdict.kind == VERDICT_DENY) /* monitor */
		allow_recorded(n, &e, VERDICT_DENY,
			       policy_rule_name(guard_policy(t->guard),
						a.verdict));
	else if (a.builtin)
		refuse_recorded(n, &e, a.builtin);
	else
		request_ask(n->q, &op, NULL, &e, net_judged);
}
