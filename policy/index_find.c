/* SPDX-License-Identifier: MIT */
/*
 * index_find.c - walk a text once through the indexes of a policy image
 */
#include <string.h>

#include "policy/index.h"

bool img_pat_run(const struct policy *p, uint32_t pat, struct str text)
{
	const struct img_pat *g = IMG_TABLE(p, SEC_PATS, struct img_pat) + pat;
	struct glob view = { .shape = (enum glob_shape)g->shape,
			     .sep = (char)g->sep,
			     .prefix = img_str(p, g->prefix),
			     .suffix = img_str(p, g->suffix),
			     .tokens = img_str(p, g->tokens) };

	if (view.shape >= GLOB_TOKENS)
		view.prog = img_prog(p, &g->prog);
	return glob_run(&view, text);
}

uint32_t img_hash(struct str s)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ s.n;
	uint64_t word;
	size_t i = 0;

	for (; i + 8 <= s.n; i += 8) {
		memcpy(&word, s.p + i, 8);
		h = (h ^ word) * 0x9E3779B97F4A7C15ULL;
		h ^= h >> 32;
	}
	for (; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3ULL;
	h ^= h >> 29;
	h *= 0xBF58476D1CE4E5B9ULL;
	return (uint32_t)(h >> 32);
}

static void try_items(struct lookup *l, struct img_span span, struct str text)
{
	const struct img_item *item =
		IMG_TABLE(l->p, SEC_ITEMS, struct img_item) + span.first;

	for (uint32_t i = 0; i < span.n; i++, item++) {
		if (item->rule >= l->best)
			return;
		if (!(item->mask & l->mask))
			continue;
		if (item->pat != IMAGE_NONE &&
		    !img_pat_run(l->p, item->pat, text))
			continue;
		if (!l->accept || l->accept(l->arg, item->rule))
			l->best = item->rule;
	}
}

static void find_slot(struct lookup *l, struct img_span slots, struct str key,
		      struct str text)
{
	const struct img_slot *table =
		IMG_TABLE(l->p, SEC_SLOTS, struct img_slot) + slots.first;
	uint32_t hash, at;

	if (slots.n == 0)
		return;
	hash = img_hash(key);
	at = hash & (slots.n - 1);
	for (uint32_t i = 0; i < slots.n; i++, at = (at + 1) & (slots.n - 1)) {
		const struct img_slot *s = &table[at];

		if (s->items.n == 0)
			return;
		if (s->hash == hash && str_eq(img_str(l->p, s->key), key)) {
			try_items(l, s->items, text);
			return;
		}
	}
}

static const struct img_node *child_of(const struct policy *p,
				       const struct img_node *node, char c)
{
	struct str keys = img_str(p, node->keys);
	const char *found = keys.n ? memchr(keys.p, c, keys.n) : NULL;

	if (!found)
		return NULL;
	return IMG_TABLE(p, SEC_NODES, struct img_node) + node->children.first +
	       (uint32_t)(found - keys.p);
}

static void walk_heads(struct lookup *l, uint32_t root, struct str text)
{
	const struct img_node *node =
		IMG_TABLE(l->p, SEC_NODES, struct img_node) + root;
	struct str rest = text;

	for (;;) {
		struct str label;

		try_items(l, node->items, text);
		if (rest.n == 0)
			return;
		node = child_of(l->p, node, rest.p[0]);
		if (!node)
			return;
		label = img_str(l->p, node->label);
		if (!str_starts(rest, label))
			return;
		rest = str_skip(rest, label.n);
	}
}

/* Labels of this tree are spelled backwards. */
static bool ends_with_reversed(struct str text, struct str label)
{
	if (label.n > text.n)
		return false;
	for (size_t i = 0; i < label.n; i++) {
		if (text.p[text.n - 1 - i] != label.p[i])
			return false;
	}
	return true;
}

static void walk_tails(struct lookup *l, uint32_t root, struct str text)
{
	const struct img_node *node =
		IMG_TABLE(l->p, SEC_NODES, struct img_node) + root;
	struct str rest = text;

	for (;;) {
		struct str label;

		try_items(l, node->items, text);
		if (rest.n == 0)
			return;
		node = child_of(l->p, node, rest.p[rest.n - 1]);
		if (!node)
			return;
		label = img_str(l->p, node->label);
		if (!ends_with_reversed(rest, label))
			return;
		rest.n -= label.n;
	}
}

static void find_inner(struct lookup *l, const struct img_index *ix,
		       struct str text)
{
	struct str rest = text, part;

	if (ix->inner.n == 0)
		return;
	while (str_split(&rest, (char)ix->sep, &part)) {
		if (part.n > 0)
			find_slot(l, ix->inner, part, text);
	}
}

void index_find_key(struct lookup *l, const struct img_index *ix,
		    struct str key)
{
	find_slot(l, ix->exact, key, key);
}

void index_find(struct lookup *l, const struct img_index *ix, struct str text)
{
	find_slot(l, ix->exact, text, text);
	if (ix->heads != IMAGE_NONE)
		walk_heads(l, ix->heads, text);
	if (ix->tails != IMAGE_NONE)
		walk_tails(l, ix->tails, text);
	find_inner(l, ix, text);
	try_items(l, ix->always, text);
}

void index_find_always(struct lookup *l, struct img_span items)
{
	try_items(l, items, STR_NONE);
}
