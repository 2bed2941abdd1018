/* SPDX-License-Identifier: MIT */
/*
 * fuzz_dns.c - DNS queries from arbitrary bytes, and the answers to them
 *
 * An accepted name is canonical; the answer repeats the question and stays
 * within what a resolver allots.
 */
#include <assert.h>
#include <string.h>

#include "netproxy/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_from_n((const char *)data, size);
	_cleanup_buf_ struct buf again = BUF_INIT;
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct addr addrs[16] = { 0 };
	const struct dns_answer a = { .ttl = 60, .addrs = addrs, .n = 16 };
	struct dns_query q;
	struct addr ignored;

	if (dns_parse_query(in, &q) < 0) {
		dns_put_malformed(in, &out);
		assert(out.len == 0 || out.len == 12);
		return 0;
	}
	if (q.name[0]) {
		assert(host_canonical(str_from(q.name), &again, &ignored) == 0);
		assert(str_eq_c(buf_str(&again), q.name));
	}
	(void)dns_name_is_data(str_from(q.name));
	dns_put_answer(&q, in, &a, &out);
	assert(out.len >= q.question_end && out.len < 1500);
	assert(memcmp(out.data + 12, in.p + 12, q.question_end - 12) == 0);
	return 0;
}
