/* SPDX-License-Identifier: MIT */
/*
 * places.c - where datagrams could be allowed to go
 *
 * A superset of what policy_decide() allows, as a router can say it: networks
 * and ranges of ports of the rules that list both and do not deny. Each datagram
 * is judged all the same.
 */
#include <string.h>

#include "policy/decide.h"
#include "policy/policy.h"

struct places {
	struct policy_network *ret;
	size_t max, n;
};

static void add_network(struct places *out, const struct img_cidr *c,
			const uint32_t *ports, uint32_t n)
{
	for (uint32_t i = 0, next; i < n; i = next) {
		for (next = i + 1; next < n; next++)
			if (ports[next] > ports[next - 1] + 1)
				break;
		if (out->n < out->max) {
			struct policy_network *p = &out->ret[out->n];

			memcpy(p->net, c->net, sizeof(p->net));
			p->bits = (uint8_t)(c->bits < 128 ? c->bits : 128);
			p->first = (uint16_t)ports[i];
			p->last = (uint16_t)ports[next - 1];
		}
		out->n++;
	}
}

size_t policy_datagram_places(const struct policy *p, bool denied_too,
			      struct policy_network *ret, size_t max)
{
	const struct img_span family = p->h->family[FAMILY_NET];
	const struct img_rule *rules = img_rules(p, FAMILY_NET);
	struct places out = { .ret = ret, .max = max };

	for (uint32_t i = 0; i < family.n; i++) {
		const struct img_net *n =
			IMG_TABLE(p, SEC_NETS, struct img_net) + rules[i].extra;
		const struct img_cidr *cidrs =
			IMG_TABLE(p, SEC_CIDRS, struct img_cidr) +
			n->cidrs.first;

		if (!(n->groups & NET_HAS_PORTS) ||
		    (rules[i].kind == VERDICT_DENY && !denied_too))
			continue;
		for (uint32_t c = 0; c < n->cidrs.n; c++)
			add_network(&out, &cidrs[c],
				    IMG_TABLE(p, SEC_NUMBERS, uint32_t) +
					    n->ports.first,
				    n->ports.n);
	}
	return out.n;
}
