/* SPDX-License-Identifier: MIT */
/*
 * yamlmap.c - members of a YAML tree under construction: caps, duplicate keys,
 * merge keys
 */
#include <errno.h>
#include <stdlib.h>

#include "base/macro.h"
#include "base/yamlbuild.h"

int ybuild_append(struct builder *b, struct ynode *to, struct yentry **last,
		  struct yentry member, const struct ynode *at)
{
	struct yentry *e = NULL;
	const struct ynode *value = member.value;

	if (to->weight + value->weight > b->caps->nodes)
		return fail_at(b, at->line, at->column,
			       "aliases (*) expand to more than %zu values",
			       b->caps->nodes);
	e = arena_alloc(b->arena, sizeof(*e));
	if (!e)
		return -ENOMEM;
	*e = member;
	if (*last)
		(*last)->next = e;
	else
		to->first = e;
	*last = e;
	to->n++;
	to->weight += value->weight;
	if (to->height <= value->height)
		to->height = value->height + 1;
	return 0;
}

static bool is_merge_key(const struct ynode *key)
{
	return key && !key->quoted && str_eq_c(key->text, "<<");
}

struct key_ref {
	const struct yentry *entry;
	size_t order;
};

static int key_ref_cmp(const void *a, const void *b)
{
	const struct key_ref *x = a, *y = b;
	int r = str_cmp(x->entry->key->text, y->entry->key->text);

	if (r)
		return r;
	return x->order < y->order ? -1 : x->order > y->order;
}

/*
 * Sorted by key; one allocation per mapping keeps the check n log n where a
 * pairwise one would let a hostile file buy n^2.
 */
static int sort_keys(const struct ynode *map, struct key_ref **ret)
{
	_cleanup_free_ struct key_ref *refs = NULL;
	size_t n = 0;

	refs = calloc(map->n ? map->n : 1, sizeof(*refs));
	if (!refs)
		return -ENOMEM;
	ynode_foreach(e, map)
	{
		refs[n] = (struct key_ref){ e, n };
		n++;
	}
	qsort(refs, n, sizeof(*refs), key_ref_cmp);
	*ret = TAKE(refs);
	return 0;
}

int ybuild_check_duplicates(struct builder *b, const struct ynode *map)
{
	_cleanup_free_ struct key_ref *refs = NULL;
	int r = map->n > 1 ? sort_keys(map, &refs) : 0;

	if (r < 0 || map->n < 2)
		return r;
	for (size_t i = 1; i < map->n; i++) {
		const struct ynode *a = refs[i - 1].entry->key;
		const struct ynode *k = refs[i].entry->key;

		if (str_eq(a->text, k->text))
			return fail_at(b, k->line, k->column,
				       "key \"%.80s\" is given twice (first on "
				       "line %u)",
				       k->text.p, a->line);
	}
	return 0;
}

/* Appends what `from` has and `map` lacks. */
static int merge_one(struct builder *b, struct ynode *map, struct yentry **last,
		     const struct ynode *from)
{
	_cleanup_free_ struct key_ref *refs = NULL;
	size_t n = map->n;
	int r = 0;

	if (from->type != YNODE_MAPPING)
		return fail_at(b, from->line, from->column,
			       "<<: expected a mapping or a list of mappings");
	r = sort_keys(map, &refs);
	if (r < 0)
		return r;
	ynode_foreach(e, from)
	{
		size_t lo = 0, hi = n;

		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;

			if (str_cmp(refs[mid].entry->key->text, e->key->text) <
			    0)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (lo < n && str_eq(refs[lo].entry->key->text, e->key->text))
			continue;
		if (++b->nodes > b->caps->nodes)
			return fail_at(b, from->line, from->column,
				       "more than %zu values", b->caps->nodes);
		r = ybuild_append(b, map, last,
				  (struct yentry){ e->key, e->value, NULL },
				  from);
		if (r < 0)
			return r;
	}
	return 0;
}

int ybuild_merge_keys(struct builder *b, struct frame *f)
{
	struct yentry *e = f->node->first, *prev = NULL;
	const struct ynode *from = NULL;
	int r = 0;

	while (e && !is_merge_key(e->key)) {
		prev = e;
		e = e->next;
	}
	if (!e)
		return 0;
	from = e->value;
	if (prev)
		prev->next = e->next;
	else
		f->node->first = e->next;
	if (f->last == e)
		f->last = prev;
	f->node->n--;
	if (from->type != YNODE_SEQUENCE)
		return merge_one(b, f->node, &f->last, from);
	ynode_foreach(it, from)
	{
		r = merge_one(b, f->node, &f->last, it->value);
		if (r < 0)
			return r;
	}
	return 0;
}
