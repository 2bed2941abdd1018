/* SPDX-License-Identifier: MIT */
/*
 * decide_net.c - may this host, address and port be talked to?
 *
 * First pass: the rules in order, name and address together, as policies are
 * written. Second pass: the address alone, by the rules that select by address
 * only; a denial there wins, so that a name which is allowed cannot be pointed
 * at an address which is not. Both are done for the address as it is and for
 * the IPv4 address inside it, if it carries one.
 */
#include <string.h>

#include "base/addr.h"
#include "policy/decide.h"

#define HOST_MAX 256U

struct net_ctx {
	const struct policy *p;
	const struct addr *addr; /* NULL: not known */
	uint32_t port;
	bool check_cidrs, any_port;
};

static bool port_listed(const struct net_ctx *c, const struct img_net *n)
{
	const uint32_t *ports =
		IMG_TABLE(c->p, SEC_NUMBERS, uint32_t) + n->ports.first;
	uint32_t lo = 0, hi = n->ports.n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (ports[mid] == c->port)
			return true;
		if (ports[mid] < c->port)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* An IPv4 address is in no IPv6 network that merely holds the mapped ones:
 * whoever allows ::/0 did not speak of IPv4. */
static bool speaks_of(const struct addr *a, uint32_t bits)
{
	return bits >= 96 || !addr_is_v4(a);
}

static bool in_cidrs(const struct net_ctx *c, const struct img_net *n)
{
	const struct img_cidr *cidrs =
		IMG_TABLE(c->p, SEC_CIDRS, struct img_cidr) + n->cidrs.first;

	for (uint32_t i = 0; c->addr && i < n->cidrs.n; i++) {
		struct addr net;

		if (!speaks_of(c->addr, cidrs[i].bits))
			continue;
		memcpy(net.b, cidrs[i].net, sizeof(net.b));
		if (addr_in_cidr(c->addr, &net, cidrs[i].bits))
			return true;
	}
	return false;
}

/* What the index did not establish already. */
static bool accept_net(void *arg, uint32_t rule)
{
	const struct net_ctx *c = arg;
	const struct img_rule *r = img_rules(c->p, FAMILY_NET) + rule;
	const struct img_net *n =
		IMG_TABLE(c->p, SEC_NETS, struct img_net) + r->extra;

	/* only some ports or addresses are denied: others may be open */
	if (c->any_port && r->kind == VERDICT_DENY &&
	    (n->groups & (NET_HAS_PORTS | NET_HAS_CIDRS)))
		return false;
	if (!c->any_port && (n->groups & NET_HAS_PORTS) && !port_listed(c, n))
		return false;
	if (c->check_cidrs && (n->groups & NET_HAS_CIDRS))
		return in_cidrs(c, n);
	return true;
}

static void find_cidrs(struct lookup *l, const struct net_ctx *c)
{
	const struct img_header *h = l->p->h;
	const uint32_t *bits =
		IMG_TABLE(l->p, SEC_NUMBERS, uint32_t) + h->cidr_bits.first;
	uint8_t key[17];

	for (uint32_t i = 0; i < h->cidr_bits.n; i++) {
		uint32_t b = bits[i] <= 128 ? bits[i] : 128, bytes = b / 8;

		if (!speaks_of(c->addr, b))
			continue;
		memset(key, 0, sizeof(key));
		key[0] = (uint8_t)b;
		memcpy(key + 1, c->addr->b, bytes);
		if (b % 8)
			key[1 + bytes] = c->addr->b[bytes] &
					 (uint8_t)(0xFF00U >> b % 8);
		index_find_key(l, &h->cidrs,
			       str_from_n((const char *)key, sizeof(key)));
	}
}

static struct verdict named_pass(const struct policy *p, struct str host,
				 struct net_ctx *c)
{
	struct lookup l = { .p = p,
			    .mask = NET_PASS_NAMED,
			    .best = IMAGE_NONE,
			    .accept = accept_net,
			    .arg = c };
	char port[2] = { (char)(c->port >> 8), (char)(c->port & 0xFF) };

	c->check_cidrs = true;
	index_find(&l, &p->h->domains, host);
	c->check_cidrs = false;
	index_find_key(&l, &p->h->ports, str_from_n(port, 2));
	index_find_always(&l, p->h->any_net);
	if (c->addr)
		find_cidrs(&l, c);
	if (l.best != IMAGE_NONE)
		return rule_verdict(p, FAMILY_NET, l.best);
	return builtin_verdict(p, VERDICT_DENY, BUILTIN_DEFAULT_NETWORK);
}

/* True and *ret if a rule on the address alone denies it. */
static bool address_denied(const struct policy *p, struct net_ctx *c,
			   struct verdict *ret)
{
	struct lookup l = { .p = p,
			    .mask = NET_PASS_ADDRESS,
			    .best = IMAGE_NONE,
			    .accept = accept_net,
			    .arg = c };

	find_cidrs(&l, c);
	if (l.best == IMAGE_NONE)
		return false;
	*ret = rule_verdict(p, FAMILY_NET, l.best);
	return ret->kind == VERDICT_DENY;
}

/* True if the verdict's rule looked at the address itself. */
static bool chose_by_address(const struct policy *p, struct verdict v)
{
	const struct img_rule *r = verdict_rule(p, v);

	return r && (IMG_TABLE(p, SEC_NETS, struct img_net)[r->extra].groups &
		     NET_HAS_CIDRS);
}

static bool is_loopback(const struct addr *a)
{
	enum addr_class c = addr_classify(a);

	return c == ADDR_LOOPBACK || c == ADDR_UNSPECIFIED;
}

static bool tor_port(const struct net_ctx *c, struct str host)
{
	if (c->port != 9050 && c->port != 9150 && c->port != 9051)
		return false;
	return str_eq_c(host, "localhost") || (c->addr && is_loopback(c->addr));
}

static struct verdict judge(const struct policy *p, struct str host,
			    struct net_ctx *c)
{
	char text[64];
	/* on the stack: an address fits, so the buffer never grows */
	struct buf b = { .data = text, .size = sizeof(text) };
	struct verdict v, alone;

	if (host.n == 0 && c->addr) {
		addr_format(c->addr, &b);
		host = buf_str(&b);
	}
	if (tor_port(c, host))
		return builtin_verdict(p, VERDICT_DENY, BUILTIN_TOR_PORT);
	v = named_pass(p, host, c);
	if (c->addr && v.kind != VERDICT_DENY && !chose_by_address(p, v) &&
	    address_denied(p, c, &alone))
		return alone;
	return v;
}

/* Lower case, without the root's dot. False if it is no usable name. */
static bool fold_host(struct str host, char *out, struct str *ret)
{
	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n >= HOST_MAX)
		return false;
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];

		if ((unsigned char)c <= ' ')
			return false;
		out[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	*ret = str_from_n(out, host.n);
	return true;
}

static bool is_onion(struct str host)
{
	return str_ends(host, STR(".onion"));
}

struct verdict decide_net(const struct policy *p, const struct op_net *op)
{
	char folded[HOST_MAX];
	struct net_ctx c = { .p = p, .port = op->port };
	struct addr addr, inside;
	struct str host;
	struct verdict v;

	if (!fold_host(op->host, folded, &host) || (!host.n && !op->has_addr))
		return builtin_verdict(p, VERDICT_DENY, BUILTIN_INVALID_OP);
	if (is_onion(host))
		return builtin_verdict(p, VERDICT_DENY, BUILTIN_TOR_NAME);
	if (op->has_addr) {
		memcpy(addr.b, op->addr, sizeof(addr.b));
		c.addr = &addr;
	} else if (addr_parse_loose(host, &addr) == 0) {
		c.addr = &addr;
	}
	v = judge(p, host, &c);
	if (c.addr && !addr_is_v4(c.addr) && addr_unwrap(c.addr, &inside)) {
		c.addr = &inside;
		v = verdict_stricter(v, judge(p, host, &c));
	}
	return v;
}

/*
 * A name may be asked for if some rule could let it be used, whatever the port:
 * rules that deny only some ports or some addresses do not forbid the question,
 * rules that allow only addresses do not permit it.
 */
struct verdict decide_dns(const struct policy *p, const struct op_net *op)
{
	char folded[HOST_MAX];
	struct net_ctx c = { .p = p, .any_port = true };
	struct lookup l = { .p = p,
			    .mask = NET_PASS_DNS,
			    .best = IMAGE_NONE,
			    .accept = accept_net,
			    .arg = &c };
	struct str host;

	if (!fold_host(op->host, folded, &host) || !host.n)
		return builtin_verdict(p, VERDICT_DENY, BUILTIN_INVALID_OP);
	if (is_onion(host))
		return builtin_verdict(p, VERDICT_DENY, BUILTIN_TOR_NAME);
	index_find(&l, &p->h->domains, host);
	index_find_always(&l, p->h->any_net);
	if (l.best != IMAGE_NONE)
		return rule_verdict(p, FAMILY_NET, l.best);
	return builtin_verdict(p, VERDICT_DENY, BUILTIN_DEFAULT_NETWORK);
}
