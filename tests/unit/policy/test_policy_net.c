/* SPDX-License-Identifier: MIT */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/net.h"
#include "policy/policy.h"

static const char RULES[] =
	"version: 1\n"
	"name: t\n"
	"network_rules:\n"
	"  - {name: ask, domains: [ask.test], decision: approve}\n"
	"  - {name: no, domains: [no.test], decision: deny}\n"
	"  - {name: lan, cidrs: [10.1.0.0/16], decision: allow}\n"
	"  - {name: one, cidrs: [169.254.169.254/32], ports: [80], "
	"decision: allow}\n"
	"  - {name: dns, cidrs: [9.9.9.9/32], ports: [5353], decision: allow}\n"
	"  - {name: wide, cidrs: [0.0.0.0/0], ports: [443], decision: allow}\n"
	"  - {name: name, domains: [\"*.test\"], decision: allow}\n"
	"  - {name: port, ports: [8443], decision: allow}\n";

static const struct row {
	const char *host, *addr;
	uint16_t port;
	uint8_t protocol;
	bool allowed;
	const char *builtin;
} rows[] = {
	{ "a.test", NULL, 80, IPPROTO_TCP, true, NULL },
	{ "no.test", NULL, 80, IPPROTO_TCP, false, NULL },
	/* to be asked for, so not allowed as it stands */
	{ "ask.test", NULL, 80, IPPROTO_TCP, false, NULL },
	{ "a.test", "1.2.3.4", 80, IPPROTO_TCP, true, NULL },
	/* a name, a port or the whole internet opens nothing special */
	{ "a.test", "192.168.1.1", 80, IPPROTO_TCP, false,
	  "net-floor-special-address" },
	{ "", "192.168.1.1", 8443, IPPROTO_TCP, false,
	  "net-floor-special-address" },
	{ "", "192.168.1.1", 443, IPPROTO_TCP, false,
	  "net-floor-special-address" },
	{ "", "8.8.8.8", 443, IPPROTO_TCP, true, NULL },
	{ "a.test", "127.0.0.1", 80, IPPROTO_TCP, false,
	  "net-floor-special-address" },
	{ "a.test", "224.0.0.1", 80, IPPROTO_TCP, false,
	  "net-floor-special-address" },
	{ "a.test", "fd00::1", 80, IPPROTO_TCP, false,
	  "net-floor-special-address" },
	/* its own network does */
	{ "", "10.1.2.3", 80, IPPROTO_TCP, true, NULL },
	{ "a.test", "10.1.2.3", 80, IPPROTO_TCP, true, NULL },
	/* metadata: its own address and nothing less */
	{ "a.test", "169.254.169.254", 443, IPPROTO_TCP, false,
	  "net-floor-metadata" },
	{ "", "169.254.169.254", 80, IPPROTO_TCP, true, NULL },
	{ "", "168.63.129.16", 443, IPPROTO_TCP, false, "net-floor-metadata" },
	/* IPv4 in transition addresses */
	{ "a.test", "64:ff9b::1.2.3.4", 80, IPPROTO_TCP, false,
	  "net-floor-wrapped-address" },
	{ "a.test", "2002:102:304::", 80, IPPROTO_TCP, false,
	  "net-floor-wrapped-address" },
	/* datagrams: address and port */
	{ "", "8.8.8.8", 8443, IPPROTO_UDP, false, "net-floor-datagram" },
	{ "", "9.9.9.9", 5353, IPPROTO_UDP, true, NULL },
	/* this host, whatever the rule */
	{ "", "10.1.0.9", 18080, IPPROTO_TCP, false,
	  "net-floor-control-plane" },
	{ "", "10.1.0.9", 18081, IPPROTO_TCP, true, NULL },
};

static struct op make_op(const struct row *r)
{
	struct op op = { .kind = OP_NET };
	struct addr a;

	op.net.host = str_from(r->host);
	op.net.port = r->port;
	op.net.protocol = r->protocol;
	if (r->addr) {
		assert_int_equal(addr_parse(str_from(r->addr), &a), 0);
		memcpy(op.net.addr, a.b, sizeof(a.b));
		op.net.has_addr = true;
	}
	return op;
}

static struct policy *compile(void)
{
	struct diag diag = DIAG_INIT;
	struct policy *p;

	assert_int_equal(
		policy_compile("t", str_from(RULES), NULL, 1, &p, &diag), 0);
	diag_done(&diag);
	return p;
}

static void test_floor(void **state)
{
	struct policy *p = compile();
	struct addr own;
	const struct net_floor f = { .closed = { 18080 },
				     .own = &own,
				     .n_own = 1 };

	(void)state;
	assert_int_equal(addr_parse(STR("10.1.0.9"), &own), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct op op = make_op(r);
		struct net_answer a = net_decide(p, &f, &op);

		if (a.allowed != r->allowed || !a.builtin != !r->builtin ||
		    (a.builtin && strcmp(a.builtin, r->builtin) != 0))
			fail_msg("row %zu: %s %s", i,
				 a.allowed ? "allowed" : "denied",
				 a.builtin ? a.builtin : "by policy");
	}
	(void)policy_unref(p);
}

static void test_loopback_of_who_dials(void **state)
{
	const struct row r = { "",          "127.0.0.1", 5432,
			       IPPROTO_TCP, true,        "loopback" };
	const struct net_floor f = { .loopback_open = true };
	struct policy *p = compile();
	struct op op = make_op(&r);
	struct net_answer a = net_decide(p, &f, &op);

	(void)state;
	assert_true(a.allowed);
	assert_string_equal(a.builtin, "loopback");
	(void)policy_unref(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_loopback_of_who_dials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
