/* SPDX-License-Identifier: MIT */
/*
 * socket_words.c - names of socket families, types and protocols as numbers
 *
 * Numbers are those of the kernel's headers; C libraries know only some.
 */
#include "base/socket_words.h"

#include <strings.h>

#include "base/macro.h"
#include "base/num.h"

struct word {
	const char *name;
	int number;
};

static const struct word families[] = {
	{ "AF_UNSPEC", 0 },    { "AF_UNIX", 1 },        { "AF_LOCAL", 1 },
	{ "AF_INET", 2 },      { "AF_AX25", 3 },        { "AF_IPX", 4 },
	{ "AF_APPLETALK", 5 }, { "AF_NETROM", 6 },      { "AF_BRIDGE", 7 },
	{ "AF_ATMPVC", 8 },    { "AF_X25", 9 },         { "AF_INET6", 10 },
	{ "AF_ROSE", 11 },     { "AF_DECnet", 12 },     { "AF_NETBEUI", 13 },
	{ "AF_SECURITY", 14 }, { "AF_KEY", 15 },        { "AF_NETLINK", 16 },
	{ "AF_PACKET", 17 },   { "AF_ASH", 18 },        { "AF_ECONET", 19 },
	{ "AF_ATMSVC", 20 },   { "AF_RDS", 21 },        { "AF_SNA", 22 },
	{ "AF_IRDA", 23 },     { "AF_PPPOX", 24 },      { "AF_WANPIPE", 25 },
	{ "AF_LLC", 26 },      { "AF_IB", 27 },         { "AF_MPLS", 28 },
	{ "AF_CAN", 29 },      { "AF_TIPC", 30 },       { "AF_BLUETOOTH", 31 },
	{ "AF_IUCV", 32 },     { "AF_RXRPC", 33 },      { "AF_ISDN", 34 },
	{ "AF_PHONET", 35 },   { "AF_IEEE802154", 36 }, { "AF_CAIF", 37 },
	{ "AF_ALG", 38 },      { "AF_NFC", 39 },        { "AF_VSOCK", 40 },
	{ "AF_KCM", 41 },      { "AF_QIPCRTR", 42 },    { "AF_SMC", 43 },
	{ "AF_XDP", 44 },      { "AF_MCTP", 45 },
};

static const struct word types[] = {
	{ "SOCK_STREAM", 1 },  { "SOCK_DGRAM", 2 },     { "SOCK_RAW", 3 },
	{ "SOCK_RDM", 4 },     { "SOCK_SEQPACKET", 5 }, { "SOCK_DCCP", 6 },
	{ "SOCK_PACKET", 10 },
};

static const struct word protocols[] = {
	{ "IPPROTO_IP", 0 },       { "IPPROTO_ICMP", 1 },
	{ "IPPROTO_TCP", 6 },      { "IPPROTO_UDP", 17 },
	{ "IPPROTO_DCCP", 33 },    { "IPPROTO_ICMPV6", 58 },
	{ "IPPROTO_SCTP", 132 },   { "IPPROTO_UDPLITE", 136 },
	{ "IPPROTO_RAW", 255 },    { "IPPROTO_MPTCP", 262 },
	{ "NETLINK_ROUTE", 0 },    { "NETLINK_XFRM", 6 },
	{ "NETLINK_AUDIT", 9 },    { "NETLINK_NETFILTER", 12 },
	{ "NETLINK_GENERIC", 16 },
};

static bool same(struct str word, const char *name)
{
	return strlen(name) == word.n && strncasecmp(word.p, name, word.n) == 0;
}

/* The whole name, what follows its first underscore, or a number. */
static int find(const struct word *words, size_t n, struct str word)
{
	int64_t number;

	for (size_t i = 0; i < n; i++)
		if (same(word, words[i].name) ||
		    same(word, strchr(words[i].name, '_') + 1))
			return words[i].number;
	return num_parse_range(word, 0, 65535, &number) == 0 ? (int)number : -1;
}

int socket_family(struct str word)
{
	return find(families, ARRAY_LEN(families), word);
}

int socket_type(struct str word)
{
	return find(types, ARRAY_LEN(types), word);
}

int socket_protocol(struct str word)
{
	return find(protocols, ARRAY_LEN(protocols), word);
}

const char *socket_family_name(int family)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (families[i].number == family)
			return families[i].name;
	return NULL;
}
