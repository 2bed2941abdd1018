/* SPDX-License-Identifier: MIT */
/*
 * extent.c - where in the file system the patterns of file rules lead
 */
#include "policy/extent.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/glob.h"
#include "policy/image.h"

#define ARENA_LIMIT (64U << 20)

/*
 * The literal text up to the first wildcard, in the arena. The rest is what the
 * pattern goes on with: "" when it has no wildcard.
 */
static int literal_head(struct str pattern, struct arena *a, struct str *ret,
			struct str *ret_rest)
{
	char *out = arena_alloc(a, pattern.n + 1);
	size_t n = 0, i = 0;

	if (!out)
		return -ENOMEM;
	for (; i < pattern.n && !memchr("*?[{", pattern.p[i], 4); i++) {
		if (pattern.p[i] == '\\' && i + 1 < pattern.n)
			i++;
		out[n++] = pattern.p[i];
	}
	*ret = str_from_n(out, n);
	*ret_rest = str_skip(pattern, i);
	return 0;
}

int extent_of(struct str pattern, struct arena *a, struct str *ret_path,
	      enum extent *ret)
{
	struct str path, rest;
	ptrdiff_t slash;
	int r;

	if (glob_is_pattern(pattern) && !glob_valid(pattern))
		return 0;
	r = literal_head(pattern, a, &path, &rest);
	if (r < 0)
		return r;
	*ret = EXTENT_FILE;
	if (rest.n) {
		slash = str_rindex(path, '/');
		*ret = str_eq_c(rest, "**") && slash == (ptrdiff_t)path.n - 1
			       ? EXTENT_TREE
			       : EXTENT_SOME;
		if (slash > 0) {
			path.n = (size_t)slash;
			((char *)(uintptr_t)path.p)[path.n] = 0;
		} else {
			path = STR("/");
		}
	}
	if (path.n == 0 || path.p[0] != '/')
		return 0;
	*ret_path = path;
	return 1;
}

struct gathering {
	struct places *out;
	struct place next; /* what all patterns of a rule share */
};

static int gather(void *arg, struct str pattern)
{
	struct gathering *g = arg;
	struct place p = g->next;
	int r = extent_of(pattern, &g->out->arena, &p.path, &p.extent);

	if (r <= 0)
		return r;
	p.pattern = str_from_n(arena_dup(&g->out->arena, pattern), pattern.n);
	return p.pattern.p ? vec_push(&g->out->v, p) : -ENOMEM;
}

static int gather_rule(struct gathering *g, const struct policy *p,
		       const struct img_rule *rule)
{
	int r = 0;

	for (uint32_t i = 0; i < rule->sources.n && r >= 0; i++) {
		struct str s = img_str_at(p, rule->sources, i);

		r = str_index(s, '{') < 0 ? gather(g, s)
					  : glob_expand(s, gather, g);
	}
	return r < 0 ? r : 0;
}

int places_of(const struct policy *p, struct places *ret)
{
	const struct img_rule *rules = img_rules(p, FAMILY_FILE);
	struct places all = { .arena = ARENA_INIT(ARENA_LIMIT) };
	struct gathering g = { .out = &all };
	int r = 0;

	for (uint32_t i = 0; i < p->h->family[FAMILY_FILE].n && r == 0; i++) {
		g.next = (struct place){
			.rule = i,
			.mask = rules[i].mask,
			.permits = verdict_permits(
				(enum verdict_kind)rules[i].kind),
		};
		r = gather_rule(&g, p, &rules[i]);
	}
	if (r < 0) {
		places_done(&all);
		return r;
	}
	*ret = all;
	return 0;
}

void places_done(struct places *p)
{
	vec_done(&p->v);
	arena_done(&p->arena);
}
