/* SPDX-License-Identifier: MIT */
/*
 * addr.h - internet addresses as 16 bytes, and host names in one spelling
 *
 * An address is compared, judged and dialled in one form: 16 bytes, IPv4 as
 * ::ffff:a.b.c.d. Text forms that some resolver accepts (octal, hexadecimal,
 * decimal, short IPv4) are recognised, so that a name which is an address in
 * disguise is judged as the address.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct addr {
	uint8_t b[16];
};

/* What an address is for; the order is from harmful to harmless. */
enum addr_class {
	ADDR_UNSPECIFIED = 0, /* 0.0.0.0, :: (the kernel dials loopback) */
	ADDR_LOOPBACK,        /* 127.0.0.0/8, ::1 */
	ADDR_METADATA,        /* cloud instance metadata and credentials */
	ADDR_LINK_LOCAL,      /* 169.254.0.0/16, fe80::/10 */
	ADDR_MULTICAST,       /* 224.0.0.0/4, ff00::/8, broadcast */
	ADDR_PRIVATE,         /* RFC 1918, CGNAT 100.64.0.0/10, fc00::/7 */
	ADDR_RESERVED,        /* 0.0.0.0/8, class E, ... */
	ADDR_PUBLIC,
	ADDR_CLASS_MAX,
};

void addr_from_v4(uint32_t addr_be, struct addr *ret);
bool addr_is_v4(const struct addr *a); /* mapped form */
/*
 * From a socket address of n bytes (AF_INET, AF_INET6). v4-mapped input stays
 * mapped; the scope id is ignored. -EAFNOSUPPORT, -EINVAL (too short).
 */
int addr_from_sockaddr(const void *sa, size_t n, struct addr *ret,
		       uint16_t *ret_port);

/*
 * The IPv4 address that the transition mechanisms would really reach:
 * v4-mapped, v4-compatible, NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), 6to4,
 * Teredo. Return: true and *ret in mapped form if a carries one.
 */
bool addr_unwrap(const struct addr *a, struct addr *ret);

/* The more harmful of the class of a and of what addr_unwrap() finds in it. */
enum addr_class addr_classify(const struct addr *a);

/*
 * Strict text: dotted quad without leading zeros, RFC 4291 IPv6 with optional
 * brackets; a %scope is refused. 0 or -EINVAL.
 */
int addr_parse(struct str s, struct addr *ret);
/*
 * Also what inet_aton(3) takes: 1 to 4 parts, decimal, 0octal or 0xhex, and an
 * IPv6 address with a %scope. For judging only. 0 or -EINVAL.
 */
int addr_parse_loose(struct str s, struct addr *ret);
/* Canonical text (RFC 5952; mapped as a.b.c.d), appended. */
void addr_format(const struct addr *a, struct buf *out);

/* "ADDR/BITS"; *ret_bits counts in the 128-bit form (v4 /8 gives 104). */
int addr_parse_cidr(struct str s, struct addr *ret, unsigned int *ret_bits);
bool addr_in_cidr(const struct addr *a, const struct addr *net,
		  unsigned int bits);

/*
 * Canonical host for judging and dialling, appended to out: lower case, one
 * trailing dot removed, every label 1-63 of [a-z0-9_-] not starting or ending
 * with '-', at most 253 bytes. A name that is an address in any loose form is
 * given as the address's canonical text and *ret_addr is set. Non-ASCII must
 * come as punycode.
 * Return: 1 address, 0 name, -EINVAL.
 */
int host_canonical(struct str s, struct buf *out, struct addr *ret_addr);

/* Names that cloud metadata services answer to (canonical form). */
bool host_is_metadata(struct str canonical);

#endif
