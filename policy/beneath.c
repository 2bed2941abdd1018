/* SPDX-License-Identifier: MIT */
/*
 * beneath.c - is something below a directory meant by a rule that denies?
 *
 * A pattern is taken apart into components, and those of the directory run
 * through them like through an automaton: bit i of a state set says that
 * component i is the next to match. A component with "**" in it takes any number
 * of the directory's.
 */
#include "policy/beneath.h"

#include <errno.h>
#include <stdlib.h>

#include "base/glob.h"
#include "base/macro.h"
#include "policy/extent.h"

#define COMPONENTS_MAX 63U

struct policy_beneath {
	struct places places;
};

struct pattern {
	struct str parts[COMPONENTS_MAX];
	unsigned int n;
};

struct states {
	uint64_t all;
	uint64_t fresh; /* come to by the last component, which was named */
	uint64_t exact; /* the same, by a name and not by "*" */
};

int policy_beneath_new(const struct policy *p, struct policy_beneath **ret)
{
	struct policy_beneath *b = calloc(1, sizeof(*b));
	int r = b ? places_of(p, &b->places) : -ENOMEM;

	if (r < 0) {
		free(b);
		return r;
	}
	*ret = b;
	return 0;
}

struct policy_beneath *policy_beneath_free(struct policy_beneath *b)
{
	if (b)
		places_done(&b->places);
	free(b);
	return NULL;
}

static bool is_deep(struct str part)
{
	return str_find(part, STR("**")) >= 0;
}

/* False when it has too many components. */
static bool split(struct str text, struct pattern *ret)
{
	struct str part;

	ret->n = 0;
	while (str_split(&text, '/', &part)) {
		if (part.n == 0)
			continue;
		if (ret->n == COMPONENTS_MAX)
			return false;
		ret->parts[ret->n++] = part;
	}
	return true;
}

static bool part_matches(struct str part, struct str name)
{
	return glob_is_pattern(part) ? glob_match(part, '/', name)
				     : str_eq(part, name);
}

/* What deep components may stand for nothing. */
static uint64_t closure(const struct pattern *p, uint64_t s)
{
	for (unsigned int i = 0; i < p->n; i++)
		if (s >> i & 1 && is_deep(p->parts[i]))
			s |= UINT64_C(1) << (i + 1);
	return s;
}

static void advance(const struct pattern *p, struct str name, struct states *s)
{
	struct states next = { 0 };

	for (unsigned int i = 0; i < p->n; i++) {
		uint64_t bit = UINT64_C(1) << i;

		if (!(s->all & bit))
			continue;
		if (is_deep(p->parts[i])) {
			next.all |= bit;
		} else if (part_matches(p->parts[i], name)) {
			next.fresh |= bit << 1;
			if (!str_eq_c(p->parts[i], "*"))
				next.exact |= bit << 1;
		}
	}
	next.all = closure(p, next.all | next.fresh);
	*s = next;
}

/* False when nothing of the pattern is left: it ends above dir, or elsewhere. */
static bool walk(const struct pattern *p, struct str dir, struct states *ret)
{
	struct str name;

	*ret = (struct states){ .all = closure(p, 1), .fresh = 1 };
	while (ret->all && str_split(&dir, '/', &name))
		if (name.n)
			advance(p, name, ret);
	ret->all &= (UINT64_C(1) << p->n) - 1;
	ret->exact &= (UINT64_C(1) << p->n) - 1;
	return ret->all != 0;
}

static bool may(struct str pattern, struct str dir)
{
	struct pattern p;
	struct states s;
	uint64_t last;

	if (!split(pattern, &p))
		return true;
	if (p.n == 0 || !walk(&p, dir, &s))
		return false;
	/* A tree around dir: dir itself is in it, too. */
	last = UINT64_C(1) << (p.n - 1);
	if (str_eq_c(p.parts[p.n - 1], "**") && !(s.fresh & last))
		s.all &= ~last;
	return s.all != 0;
}

static bool speaks_of(const struct place *p, enum file_verb verb)
{
	return !p->permits && p->mask & (1U << verb);
}

bool policy_beneath_may(const struct policy_beneath *b, enum file_verb verb,
			struct str dir)
{
	for (size_t i = 0; i < b->places.v.n; i++) {
		const struct place *p = &b->places.v.data[i];

		if (speaks_of(p, verb) && may(p->pattern, dir))
			return true;
	}
	return false;
}

/* A name that the component matches; its wildcards become an "x". */
static void put_example(struct buf *out, struct str part)
{
	bool star = false;

	buf_putc(out, '/');
	for (size_t i = 0; i < part.n; i++) {
		char c = part.p[i];

		if (c == '\\' && i + 1 < part.n)
			c = part.p[++i];
		else if (c == '*' && star)
			continue;
		star = part.p[i] == '*';
		buf_putc(out, c == '*' || c == '?' ? 'x' : c);
	}
}

static bool is_denied(const struct policy *p, enum file_verb verb,
		      struct str path)
{
	struct op op = { .kind = OP_FILE };

	op.file.verb = verb;
	op.file.path = path;
	return policy_decide(p, &op).kind == VERDICT_DENY;
}

int policy_beneath_named(const struct policy_beneath *b, const struct policy *p,
			 enum file_verb verb, struct str dir,
			 struct buf *ret_path)
{
	for (size_t i = 0; i < b->places.v.n; i++) {
		const struct place *place = &b->places.v.data[i];
		struct pattern t;
		struct states s;

		if (!speaks_of(place, verb) || !split(place->pattern, &t) ||
		    t.n == 0 || !walk(&t, dir, &s))
			continue;
		for (unsigned int k = 0; k < t.n; k++) {
			if (!(s.exact >> k & 1))
				continue;
			buf_reset(ret_path);
			buf_put_str(ret_path, dir);
			for (unsigned int j = k; j < t.n; j++)
				put_example(ret_path, t.parts[j]);
			if (ret_path->error)
				return ret_path->error;
			if (is_denied(p, verb, buf_str(ret_path)))
				return 1;
		}
	}
	return 0;
}
