/* SPDX-License-Identifier: MIT */
/*
 * dns.h - DNS messages (RFC 1035) as far as a stub needs them; pure
 *
 * A query has one question and no compression; its name must be one that
 * host_canonical() takes. An answer repeats the question and carries addresses
 * of it: no additional data, no other records.
 */
#ifndef NETPROXY_DNS_H
#define NETPROXY_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/str.h"

#define DNS_QUERY_MAX 512

enum dns_type {
	DNS_A = 1,
	DNS_PTR = 12,
	DNS_AAAA = 28,
	DNS_SVCB = 64,
	DNS_HTTPS = 65,
};

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
};

struct dns_query {
	uint16_t id, type;
	bool recursion_desired;
	char name[256];      /* canonical text; "" if it is no host name */
	size_t question_end; /* of the question in the query's bytes */
};

/* -EBADMSG: not even an error can be answered. */
int dns_parse_query(struct str in, struct dns_query *ret);

/* What is answered, in seconds and addresses of the type asked for. */
struct dns_answer {
	enum dns_rcode rcode;
	uint32_t ttl;
	const struct addr *addrs; /* others than of query->type are left out */
	size_t n;
};

/* query: the bytes that q was parsed from. */
void dns_put_answer(const struct dns_query *q, struct str query,
		    const struct dns_answer *a, struct buf *out);

/* "Format error", or "not implemented", to a query that was not parsed; nothing
 * to what is no query at all. */
void dns_put_malformed(struct str query, struct buf *out);

/*
 * True for a name that carries data rather than names a host: a label longer
 * than 48, or one of at least 24 that is all hexadecimal or of high entropy.
 */
bool dns_name_is_data(struct str name);

#endif
