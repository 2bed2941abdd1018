/* SPDX-License-Identifier: MIT */
/*
 * below.c - is everything below a directory permitted, whatever it is called
 */
#include <errno.h>

#include "base/glob.h"
#include "policy/extent.h"
#include "policy/image.h"
#include "policy/policy.h"

#define ARENA_LIMIT (1U << 20)

struct look {
	struct arena arena;
	struct str dir;
	bool covers;  /* one pattern is all that is below dir, or more */
	bool touches; /* one may be about something below dir */
};

static int look_at(void *arg, struct str pattern)
{
	struct look *l = arg;
	enum extent extent;
	struct str path;
	int r = extent_of(pattern, &l->arena, &path, &extent);

	if (r < 0)
		return r;
	if (r == 0 || extent_overlap(path, l->dir))
		l->touches = true;
	if (r > 0 && extent == EXTENT_TREE && extent_below(l->dir, path))
		l->covers = true;
	return 0;
}

static int look_at_rule(struct look *l, const struct policy *p,
			const struct img_rule *rule)
{
	int r = 0;

	l->covers = l->touches = false;
	for (uint32_t i = 0; i < rule->sources.n && r >= 0; i++) {
		struct str s = img_str_at(p, rule->sources, i);

		r = str_index(s, '{') < 0 ? look_at(l, s)
					  : glob_expand(s, look_at, l);
	}
	return r;
}

bool policy_permits_below(const struct policy *p, struct str dir,
			  enum file_verb verb)
{
	const struct img_rule *rules = img_rules(p, FAMILY_FILE);
	struct look l = { .arena = ARENA_INIT(ARENA_LIMIT), .dir = dir };
	bool yes = false, sure = true;

	for (uint32_t i = 0; i < p->h->family[FAMILY_FILE].n && sure && !yes;
	     i++) {
		bool permits =
			verdict_permits((enum verdict_kind)rules[i].kind);

		if (!(rules[i].mask & 1U << verb))
			continue;
		if (look_at_rule(&l, p, &rules[i]) < 0)
			sure = false;
		else if (permits)
			yes = l.covers;
		else
			sure = !l.touches;
	}
	arena_done(&l.arena);
	return yes;
}
