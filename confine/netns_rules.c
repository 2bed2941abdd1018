/* SPDX-License-Identifier: MIT */
/*
 * netns_rules.c - addresses, routes and the nft table of a new namespace
 *
 * As `ip` and `nft` would be told it:
 *
 *	ip link set lo up
 *	ip addr add 192.0.0.8/32 dev lo		(RFC 7600: nobody's address)
 *	ip addr add 100::8/128 dev lo		(RFC 6666: discarded)
 *	ip route add local default dev lo table 100 src 192.0.0.8
 *	ip rule add priority 100 ipproto tcp lookup 100
 *	ip rule add priority 101 ipproto udp dport 53 lookup 100
 *	ip rule add priority 102 to NET ipproto udp dport A-B lookup 100
 *						(netns_set_places())
 *	ip rule add priority 103 prohibit	(and the same for IPv6)
 *	table inet agentsh {
 *		chain capture {
 *			type filter hook prerouting priority mangle
 *			meta l4proto != {tcp, udp} accept
 *			th dport 53 accept
 *			ip daddr 127.0.0.0/8 accept
 *			ip daddr 192.0.0.8 accept
 *			ip6 daddr ::1 accept
 *			ip6 daddr 100::8 accept
 *			meta l4proto tcp tproxy to :1
 *			meta l4proto udp tproxy to :1
 *		}
 *	}
 *
 * Kernels without tproxy may have NAT. Then the chain is of type nat, at the
 * output hook (prerouting sees no address of our own packets changed any more),
 * and its last word is `redirect to :1`; conntrack keeps where it was to go. For
 * TCP, that is: datagrams have no way there.
 *
 * The routes say who may send at all: whatever is neither TCP nor DNS finds
 * `prohibit`, which is EACCES at connect() or sendto(). The namespace's own
 * address must be one that nobody wants to reach: packets to it are not
 * captured. Where no listener is, the kernel answers TCP with a reset.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "base/macro.h"
#include "confine/netlink.h"
#include "confine/netns.h"

#define LOOPBACK    1 /* the device's index in every namespace */
#define TABLE       100
#define PRIO_TCP    100
#define PRIO_DNS    101
#define PRIO_PLACES 102
#define PRIO_REST   103
#define PER_TALK    64 /* rules, of less than 100 bytes */
#define CREATE      ((uint16_t)(NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK))
#define NFT(type)   ((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | (type)))
#define PRIO_MANGLE (-150)
#define PRIO_DNAT   (-100)
/* The build that tests the other way asks for what no kernel has. */
#ifndef NETNS_TPROXY
#	define NETNS_TPROXY "tproxy"
#endif

static const uint8_t nobodys4[4] = { 192, 0, 0, 8 };
static const uint8_t own6[16] = { 1, 0, [15] = 8 };
static const uint8_t loopback6[16] = { [15] = 1 };

/* --- addresses and routes --- */

static int link_up(void)
{
	struct netlink n = { .n = 0 };
	const struct ifinfomsg up = { .ifi_index = LOOPBACK,
				      .ifi_flags = IFF_UP,
				      .ifi_change = IFF_UP };

	netlink_begin(&n, RTM_NEWLINK, NLM_F_ACK, &up, sizeof(up));
	return netlink_talk(&n, NETLINK_ROUTE);
}

/* place: NULL = everywhere. */
static void begin_rule_of(struct netlink *n, uint8_t family, uint32_t priority,
			  uint8_t action, const struct netns_place *place)
{
	size_t skip = family == AF_INET ? 12 : 0;
	const struct fib_rule_hdr h = {
		.family = family,
		.dst_len = place ? (uint8_t)(place->bits - 8 * skip) : 0,
		.table = action == FR_ACT_TO_TBL ? TABLE : 0,
		.action = action,
	};

	netlink_begin(n, RTM_NEWRULE, CREATE, &h, sizeof(h));
	netlink_put_u32(n, FRA_PRIORITY, priority);
	if (h.dst_len)
		netlink_put(n, FRA_DST, place->net.b + skip, 16 - skip);
}

static void put_rule(struct netlink *n, uint8_t family, uint32_t priority,
		     uint8_t action, uint8_t protocol, uint16_t port)
{
	const struct fib_rule_port_range range = { port, port };

	begin_rule_of(n, family, priority, action, NULL);
	if (protocol)
		netlink_put(n, FRA_IP_PROTO, &protocol, sizeof(protocol));
	if (port)
		netlink_put(n, FRA_DPORT_RANGE, &range, sizeof(range));
}

static int route_family(uint8_t family, const uint8_t *own, size_t len)
{
	struct netlink n = { .n = 0 };
	const struct ifaddrmsg a = { .ifa_family = family,
				     .ifa_prefixlen = (uint8_t)(len * 8),
				     .ifa_flags = IFA_F_PERMANENT | IFA_F_NODAD,
				     .ifa_index = LOOPBACK };
	const struct rtmsg r = { .rtm_family = family,
				 .rtm_table = TABLE,
				 .rtm_protocol = RTPROT_STATIC,
				 .rtm_scope = RT_SCOPE_HOST,
				 .rtm_type = RTN_LOCAL };

	netlink_begin(&n, RTM_NEWADDR, CREATE, &a, sizeof(a));
	netlink_put(&n, IFA_LOCAL, own, len);
	netlink_put(&n, IFA_ADDRESS, own, len);
	netlink_begin(&n, RTM_NEWROUTE, CREATE, &r, sizeof(r));
	netlink_put_u32(&n, RTA_OIF, LOOPBACK);
	netlink_put(&n, RTA_PREFSRC, own, len);
	put_rule(&n, family, PRIO_TCP, FR_ACT_TO_TBL, IPPROTO_TCP, 0);
	put_rule(&n, family, PRIO_DNS, FR_ACT_TO_TBL, IPPROTO_UDP, 53);
	put_rule(&n, family, PRIO_REST, FR_ACT_PROHIBIT, 0, 0);
	return netlink_talk(&n, NETLINK_ROUTE);
}

/* --- where datagrams may go --- */

static void close_places(uint8_t family)
{
	const struct fib_rule_hdr h = { .family = family };
	int r;

	do {
		struct netlink n = { .n = 0 };

		netlink_begin(&n, RTM_DELRULE, NLM_F_ACK, &h, sizeof(h));
		netlink_put_u32(&n, FRA_PRIORITY, PRIO_PLACES);
		r = netlink_talk(&n, NETLINK_ROUTE);
	} while (r == 0); /* until there is none */
}

static bool is_v4_place(const struct netns_place *p)
{
	return p->bits >= 96 && addr_is_v4(&p->net);
}

static void put_place(struct netlink *n, uint8_t family,
		      const struct netns_place *p)
{
	const uint8_t udp = IPPROTO_UDP;
	const struct fib_rule_port_range range = { p->first, p->last };

	begin_rule_of(n, family, PRIO_PLACES, FR_ACT_TO_TBL, p);
	netlink_put(n, FRA_IP_PROTO, &udp, sizeof(udp));
	netlink_put(n, FRA_DPORT_RANGE, &range, sizeof(range));
}

static int open_family(uint8_t family, const struct netns_place *p, size_t n)
{
	struct netlink talk = { .n = 0 };
	size_t put = 0;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (is_v4_place(&p[i]) != (family == AF_INET))
			continue;
		put_place(&talk, family, &p[i]);
		if (++put % PER_TALK == 0)
			r = netlink_talk(&talk, NETLINK_ROUTE);
	}
	if (r == 0 && put % PER_TALK)
		r = netlink_talk(&talk, NETLINK_ROUTE);
	return r;
}

int netns_set_places(const struct netns_place *p, size_t n)
{
	int r;

	close_places(AF_INET);
	close_places(AF_INET6);
	r = open_family(AF_INET, p, n);
	/* without IPv6 nothing can be sent by it */
	if (r == 0 && open_family(AF_INET6, p, n) < 0)
		close_places(AF_INET6);
	if (r < 0)
		close_places(AF_INET);
	return r;
}

/* --- nft: a rule is a list of expressions on registers --- */

static size_t expression(struct netlink *n, const char *name, size_t *ret_data)
{
	size_t element = netlink_nest(n, NFTA_LIST_ELEM);

	netlink_put_text(n, NFTA_EXPR_NAME, name);
	*ret_data = netlink_nest(n, NFTA_EXPR_DATA);
	return element;
}

static void end_expression(struct netlink *n, size_t element, size_t data)
{
	netlink_unnest(n, data);
	netlink_unnest(n, element);
}

static void load_meta(struct netlink *n, uint32_t key)
{
	size_t d, e = expression(n, "meta", &d);

	netlink_put_be32(n, NFTA_META_KEY, key);
	netlink_put_be32(n, NFTA_META_DREG, NFT_REG_1);
	end_expression(n, e, d);
}

static void load_payload(struct netlink *n, uint32_t base, uint32_t offset,
			 uint32_t len)
{
	size_t d, e = expression(n, "payload", &d);

	netlink_put_be32(n, NFTA_PAYLOAD_DREG, NFT_REG_1);
	netlink_put_be32(n, NFTA_PAYLOAD_BASE, base);
	netlink_put_be32(n, NFTA_PAYLOAD_OFFSET, offset);
	netlink_put_be32(n, NFTA_PAYLOAD_LEN, len);
	end_expression(n, e, d);
}

/* The rule goes on only if register 1 compares so. */
static void compare(struct netlink *n, uint32_t how, const void *value,
		    size_t len)
{
	size_t v, d, e = expression(n, "cmp", &d);

	netlink_put_be32(n, NFTA_CMP_SREG, NFT_REG_1);
	netlink_put_be32(n, NFTA_CMP_OP, how);
	v = netlink_nest(n, NFTA_CMP_DATA);
	netlink_put(n, NFTA_DATA_VALUE, value, len);
	netlink_unnest(n, v);
	end_expression(n, e, d);
}

static void accept_it(struct netlink *n)
{
	size_t verdict, v, d, e = expression(n, "immediate", &d);

	netlink_put_be32(n, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	v = netlink_nest(n, NFTA_IMMEDIATE_DATA);
	verdict = netlink_nest(n, NFTA_DATA_VERDICT);
	netlink_put_be32(n, NFTA_VERDICT_CODE, NF_ACCEPT);
	netlink_unnest(n, verdict);
	netlink_unnest(n, v);
	end_expression(n, e, d);
}

static void to_listener(struct netlink *n, enum netns_how how)
{
	const uint16_t port = htons(NETNS_TCP_PORT);
	size_t v, d, e = expression(n, "immediate", &d);

	netlink_put_be32(n, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	v = netlink_nest(n, NFTA_IMMEDIATE_DATA);
	netlink_put(n, NFTA_DATA_VALUE, &port, sizeof(port));
	netlink_unnest(n, v);
	end_expression(n, e, d);
	if (how == NETNS_BY_TPROXY) {
		e = expression(n, NETNS_TPROXY, &d);
		netlink_put_be32(n, NFTA_TPROXY_FAMILY, NFPROTO_UNSPEC);
		netlink_put_be32(n, NFTA_TPROXY_REG_PORT, NFT_REG_1);
	} else {
		e = expression(n, "redir", &d);
		netlink_put_be32(n, NFTA_REDIR_REG_PROTO_MIN, NFT_REG_1);
		netlink_put_be32(n, NFTA_REDIR_FLAGS,
				 NF_NAT_RANGE_PROTO_SPECIFIED);
	}
	end_expression(n, e, d);
}

static void begin_nft(struct netlink *n, uint16_t type, uint16_t flags)
{
	const struct nfgenmsg g = { .nfgen_family = NFPROTO_INET };

	netlink_begin(n, NFT(type), flags, &g, sizeof(g));
}

static void batch(struct netlink *n, uint16_t type)
{
	const struct nfgenmsg g = { .res_id = htons(NFNL_SUBSYS_NFTABLES) };

	netlink_begin(n, type, 0, &g, sizeof(g));
}

static size_t begin_rule(struct netlink *n)
{
	begin_nft(n, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK);
	netlink_put_text(n, NFTA_RULE_TABLE, "agentsh");
	netlink_put_text(n, NFTA_RULE_CHAIN, "capture");
	return netlink_nest(n, NFTA_RULE_EXPRESSIONS);
}

static void put_table(struct netlink *n, uint16_t type, uint16_t flags)
{
	begin_nft(n, type, flags | NLM_F_ACK);
	netlink_put_text(n, NFTA_TABLE_NAME, "agentsh");
}

static void put_chain(struct netlink *n, enum netns_how how)
{
	const bool nat = how == NETNS_BY_REDIRECT;
	size_t hook;

	put_table(n, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	if (nat) { /* what was tried before it may be there */
		put_table(n, NFT_MSG_DELTABLE, 0);
		put_table(n, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	}
	begin_nft(n, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK);
	netlink_put_text(n, NFTA_CHAIN_TABLE, "agentsh");
	netlink_put_text(n, NFTA_CHAIN_NAME, "capture");
	hook = netlink_nest(n, NFTA_CHAIN_HOOK);
	netlink_put_be32(n, NFTA_HOOK_HOOKNUM,
			 nat ? NF_INET_LOCAL_OUT : NF_INET_PRE_ROUTING);
	netlink_put_be32(n, NFTA_HOOK_PRIORITY,
			 (uint32_t)(nat ? PRIO_DNAT : PRIO_MANGLE));
	netlink_unnest(n, hook);
	netlink_put_text(n, NFTA_CHAIN_TYPE, nat ? "nat" : "filter");
}

/* Packets to an address of the namespace itself go on. */
static void spare_address(struct netlink *n, uint8_t family,
			  const uint8_t *addr, size_t len)
{
	size_t rule = begin_rule(n);

	load_meta(n, NFT_META_NFPROTO);
	compare(n, NFT_CMP_EQ, &family, sizeof(family));
	load_payload(n, NFT_PAYLOAD_NETWORK_HEADER,
		     family == NFPROTO_IPV4 ? 16 : 24, (uint32_t)len);
	compare(n, NFT_CMP_EQ, addr, len);
	accept_it(n);
	netlink_unnest(n, rule);
}

int netns_filter(const uint8_t *own4, enum netns_how how)
{
	struct netlink n = { .n = 0 };
	const uint8_t tcp = IPPROTO_TCP, udp = IPPROTO_UDP, loopback4 = 127;
	const uint16_t dns = htons(53);
	size_t rule;

	if (!own4)
		own4 = nobodys4;
	batch(&n, NFNL_MSG_BATCH_BEGIN);
	put_chain(&n, how);
	rule = begin_rule(&n);
	load_meta(&n, NFT_META_L4PROTO);
	compare(&n, NFT_CMP_NEQ, &tcp, sizeof(tcp));
	compare(&n, NFT_CMP_NEQ, &udp, sizeof(udp));
	accept_it(&n);
	netlink_unnest(&n, rule);
	rule = begin_rule(&n);
	load_payload(&n, NFT_PAYLOAD_TRANSPORT_HEADER, 2, sizeof(dns));
	compare(&n, NFT_CMP_EQ, &dns, sizeof(dns));
	accept_it(&n);
	netlink_unnest(&n, rule);
	spare_address(&n, NFPROTO_IPV4, &loopback4, 1);
	spare_address(&n, NFPROTO_IPV4, own4, 4);
	spare_address(&n, NFPROTO_IPV6, loopback6, sizeof(loopback6));
	spare_address(&n, NFPROTO_IPV6, own6, sizeof(own6));
	rule = begin_rule(&n);
	load_meta(&n, NFT_META_L4PROTO);
	compare(&n, NFT_CMP_EQ, &tcp, sizeof(tcp));
	to_listener(&n, how);
	netlink_unnest(&n, rule);
	if (how == NETNS_BY_TPROXY) {
		rule = begin_rule(&n);
		load_meta(&n, NFT_META_L4PROTO);
		compare(&n, NFT_CMP_EQ, &udp, sizeof(udp));
		to_listener(&n, how);
		netlink_unnest(&n, rule);
	}
	batch(&n, NFNL_MSG_BATCH_END);
	return netlink_talk(&n, NETLINK_NETFILTER);
}

int netns_configure(const uint8_t *own4)
{
	int r = link_up();

	if (!own4)
		own4 = nobodys4;
	if (r == 0)
		r = route_family(AF_INET, own4, 4);
	/* Without IPv6 nothing can be sent by it either. */
	if (r == 0)
		(void)route_family(AF_INET6, own6, sizeof(own6));
	return r;
}
