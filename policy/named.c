/* SPDX-License-Identifier: MIT */
/*
 * named.c - does a rule mean this very file or host, or just everything?
 */
#include "policy/decide.h"
#include "policy/policy.h"

static bool is_wild(char c)
{
	return c == '*' || c == '?' || c == '[' || c == '{' || c == '\\';
}

/* Is something literal said after the prefix? */
static bool says_more(struct str pattern, struct str prefix)
{
	return str_starts(pattern, prefix) && pattern.n > prefix.n &&
	       !is_wild(pattern.p[prefix.n]);
}

bool policy_rule_names(const struct policy *p, struct verdict v,
		       struct str path, struct str prefix)
{
	const struct img_rule *r = verdict_rule(p, v);

	if (!r || !verdict_permits(v.kind))
		return false;
	for (uint32_t i = 0; i < r->sources.n; i++) {
		struct str s = img_str_at(p, r->sources, i);

		if (str_eq(s, path) || says_more(s, prefix))
			return true;
	}
	return false;
}

bool policy_rule_names_host(const struct policy *p, struct verdict v,
			    struct str host)
{
	const struct img_rule *r = verdict_rule(p, v);
	struct img_span nets = p->h->family[FAMILY_NET];
	uint32_t i = v.rule - RULE_ID_BASE;

	if (!r || i < nets.first || i - nets.first >= nets.n)
		return false;
	for (uint32_t k = 0; k < r->sources.n; k++) {
		struct str s = img_str_at(p, r->sources, k);

		if (str_eq_icase(s, host) || str_eq_c(s, "**"))
			return true;
	}
	return r->sources.n == 0;
}
