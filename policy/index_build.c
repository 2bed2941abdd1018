/* SPDX-License-Identifier: MIT */
/*
 * index_build.c - sort patterns into hash tables and radix trees
 *
 * A pattern goes to exactly one place, the one where it has fewest companions:
 * its literal head or tail if it has one, else a literal component in its
 * middle, else the list of those that are always tried.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/index.h"

void index_build_done(struct index_build *b)
{
	vec_done(&b->entries);
	arena_done(&b->arena);
}

static int copy_text(struct index_build *b, struct str s, struct str *ret)
{
	char *copy = arena_dup(&b->arena, s);

	if (!copy)
		return -ENOMEM;
	*ret = str_from_n(copy, s.n);
	return 0;
}

int index_add_exact(struct index_build *b, struct str key, uint32_t rule,
		    uint32_t mask)
{
	struct index_entry e = { .item = { rule, IMAGE_NONE, mask },
				 .exact = true };

	if (copy_text(b, key, &e.head) < 0)
		return -ENOMEM;
	return vec_push(&b->entries, e);
}

/*
 * The longest component between two separators that has nothing special in
 * it. Whatever the stars match, it is a component of every matching text.
 */
static struct str inner_component(const struct glob *g, char sep)
{
	struct str rest = g->tokens, part, best = STR_NONE;
	bool first = true;

	if (!sep || g->shape != GLOB_TOKENS)
		return best;
	while (str_split(&rest, sep, &part)) {
		bool plain = !first && rest.p != NULL;

		for (size_t i = 0; i < part.n; i++)
			plain &= part.p[i] < 1 || part.p[i] > 3;
		if (plain && part.n > best.n)
			best = part;
		first = false;
	}
	return best;
}

struct add_ctx {
	struct index_build *b;
	struct writer *w;
	uint32_t rule, mask;
};

static int add_one(void *arg, struct str pattern)
{
	_cleanup_glob_build_ struct glob_build gb = { 0 };
	struct index_entry e = { 0 };
	struct add_ctx *c = arg;
	struct glob g;
	int r;

	r = glob_compile(pattern, c->b->sep, &gb);
	if (r < 0)
		return r;
	g = glob_view(&gb);
	if (g.shape == GLOB_EXACT)
		return index_add_exact(c->b, g.prefix, c->rule, c->mask);
	e.item =
		(struct img_item){ c->rule, writer_add_pat(c->w, &g), c->mask };
	if (copy_text(c->b, g.prefix, &e.head) < 0 ||
	    copy_text(c->b, g.suffix, &e.tail) < 0 ||
	    copy_text(c->b, inner_component(&g, c->b->sep), &e.inner) < 0)
		return -ENOMEM;
	return vec_push(&c->b->entries, e);
}

int index_add(struct index_build *b, struct writer *w, struct str pattern,
	      uint32_t rule, uint32_t mask)
{
	struct add_ctx c = { b, w, rule, mask };

	if (glob_check(pattern))
		return -EINVAL;
	return glob_expand(pattern, add_one, &c);
}

/* A key and the item it leads to, for sorting. */
struct keyed {
	struct str key;
	struct img_item item;
};

struct keyed_list {
	VEC(struct keyed) v;
};

static void keyed_done(struct keyed_list *l)
{
	vec_done(&l->v);
}

static int keyed_order(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;
	int r = str_cmp(x->key, y->key);

	if (r != 0)
		return r;
	return (x->item.rule > y->item.rule) - (x->item.rule < y->item.rule);
}

static int item_order(const void *a, const void *b)
{
	const struct img_item *x = a, *y = b;

	return (x->rule > y->rule) - (x->rule < y->rule);
}

static int text_order(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* How many of the sorted texts equal s, up to 64. */
static size_t count_equal(const struct str *sorted, size_t n, struct str s)
{
	size_t lo = 0, hi = n, count = 0;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (str_cmp(sorted[mid], s) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo + count < n && count < 64 && str_eq(sorted[lo + count], s))
		count++;
	return count;
}

struct census {
	struct str *heads, *tails; /* owned arrays, sorted */
	size_t n;
};

static void census_done(struct census *c)
{
	free(c->heads);
	free(c->tails);
}

static int census_take(const struct index_build *b, struct census *c)
{
	c->heads = calloc(b->entries.n + 1, sizeof(*c->heads));
	c->tails = calloc(b->entries.n + 1, sizeof(*c->tails));
	if (!c->heads || !c->tails)
		return -ENOMEM;
	for (size_t i = 0; i < b->entries.n; i++) {
		if (b->entries.data[i].exact)
			continue;
		c->heads[c->n] = b->entries.data[i].head;
		c->tails[c->n++] = b->entries.data[i].tail;
	}
	qsort(c->heads, c->n, sizeof(*c->heads), text_order);
	qsort(c->tails, c->n, sizeof(*c->tails), text_order);
	return 0;
}

enum place {
	PLACE_EXACT = 0,
	PLACE_HEAD,
	PLACE_TAIL,
	PLACE_INNER,
	PLACE_ALWAYS,
	PLACE_MAX,
};

/* A text that is only a separator says nothing. */
static bool telling(const struct index_build *b, struct str s)
{
	return s.n > 1 || (s.n == 1 && s.p[0] != b->sep);
}

static enum place place_of(const struct index_build *b, const struct census *c,
			   const struct index_entry *e)
{
	bool head = telling(b, e->head), tail = telling(b, e->tail);
	size_t n_head, n_tail;

	if (e->exact)
		return PLACE_EXACT;
	if (!head && !tail)
		return e->inner.n ? PLACE_INNER : PLACE_ALWAYS;
	if (!head || !tail)
		return head ? PLACE_HEAD : PLACE_TAIL;
	n_head = count_equal(c->heads, c->n, e->head);
	n_tail = count_equal(c->tails, c->n, e->tail);
	if (n_head != n_tail)
		return n_head < n_tail ? PLACE_HEAD : PLACE_TAIL;
	return e->head.n >= e->tail.n ? PLACE_HEAD : PLACE_TAIL;
}

static int reversed(struct index_build *b, struct str s, struct str *ret)
{
	char *copy = arena_dup(&b->arena, s);

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < s.n; i++)
		copy[i] = s.p[s.n - 1 - i];
	*ret = str_from_n(copy, s.n);
	return 0;
}

static int distribute(struct index_build *b, struct keyed_list lists[PLACE_MAX])
{
	__attribute__((cleanup(census_done))) struct census c = { 0 };
	int r;

	r = census_take(b, &c);
	for (size_t i = 0; r == 0 && i < b->entries.n; i++) {
		struct index_entry *e = &b->entries.data[i];
		enum place place = place_of(b, &c, e);
		struct keyed k = { STR_NONE, e->item };

		if (place == PLACE_EXACT || place == PLACE_HEAD)
			k.key = e->head;
		if (place == PLACE_INNER)
			k.key = e->inner;
		if (place == PLACE_TAIL)
			r = reversed(b, e->tail, &k.key);
		if (r == 0)
			r = vec_push(&lists[place].v, k);
	}
	return r;
}

/* Items [lo, hi) of a sorted list. */
static struct img_span write_items(struct writer *w, const struct keyed_list *l,
				   size_t lo, size_t hi)
{
	uint32_t first = writer_count(w, SEC_ITEMS);

	for (size_t i = lo; i < hi; i++)
		(void)writer_add(w, SEC_ITEMS, &l->v.data[i].item);
	return writer_since(w, SEC_ITEMS, first);
}

static size_t same_key_end(const struct keyed_list *l, size_t lo)
{
	size_t hi = lo + 1;

	while (hi < l->v.n && str_eq(l->v.data[hi].key, l->v.data[lo].key))
		hi++;
	return hi;
}

static int write_hash(struct writer *w, struct keyed_list *l,
		      struct img_span *ret)
{
	size_t n = l->v.n, size = 1, mask;
	_cleanup_free_ struct img_slot *slots = NULL;

	*ret = (struct img_span){ writer_count(w, SEC_SLOTS), 0 };
	if (n == 0)
		return 0;
	qsort(l->v.data, n, sizeof(*l->v.data), keyed_order);
	while (size < 2 * n)
		size *= 2;
	mask = size - 1;
	slots = calloc(size, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t lo = 0, hi; lo < n; lo = hi) {
		struct str key = l->v.data[lo].key;
		uint32_t hash = img_hash(key);
		size_t at = hash & mask;

		hi = same_key_end(l, lo);
		while (slots[at].items.n)
			at = (at + 1) & mask;
		slots[at].hash = hash;
		slots[at].key = writer_str(w, key);
		slots[at].items = write_items(w, l, lo, hi);
	}
	for (size_t i = 0; i < size; i++)
		(void)writer_add(w, SEC_SLOTS, &slots[i]);
	*ret = writer_since(w, SEC_SLOTS, ret->first);
	return 0;
}

/* A node to be filled: entries [lo, hi) share their first `depth` bytes. */
struct task {
	size_t lo, hi, depth;
};

struct tree {
	VEC(struct img_node) nodes;
	VEC(struct task) tasks; /* one per node */
};

static void tree_done(struct tree *t)
{
	vec_done(&t->nodes);
	vec_done(&t->tasks);
}

static size_t shared_prefix(struct str a, struct str b, size_t from)
{
	size_t n = from;

	while (n < a.n && n < b.n && a.p[n] == b.p[n])
		n++;
	return n;
}

static int add_child(struct writer *w, const struct keyed_list *l,
		     struct tree *t, size_t lo, size_t hi, size_t depth)
{
	struct str first = l->v.data[lo].key;
	size_t end = shared_prefix(first, l->v.data[hi - 1].key, depth);
	struct img_node node = {
		.label =
			writer_str(w, str_from_n(first.p + depth, end - depth)),
	};
	struct task task = { lo, hi, end };

	if (vec_push(&t->nodes, node) < 0)
		return -ENOMEM;
	return vec_push(&t->tasks, task);
}

static int fill_node(struct writer *w, const struct keyed_list *l,
		     struct tree *t, size_t index)
{
	struct task task = t->tasks.data[index];
	size_t at = task.lo, first_child = t->nodes.n, n_keys = 0, hi;
	char keys[256];
	struct img_node *node;
	int r;

	while (at < task.hi && l->v.data[at].key.n == task.depth)
		at++;
	t->nodes.data[index].items = write_items(w, l, task.lo, at);
	for (; at < task.hi; at = hi) {
		char c = l->v.data[at].key.p[task.depth];

		hi = at + 1;
		while (hi < task.hi && l->v.data[hi].key.p[task.depth] == c)
			hi++;
		keys[n_keys++] = c;
		r = add_child(w, l, t, at, hi, task.depth);
		if (r < 0)
			return r;
	}
	node = &t->nodes.data[index];
	node->keys = writer_str(w, str_from_n(keys, n_keys));
	node->children =
		(struct img_span){ (uint32_t)first_child, (uint32_t)n_keys };
	return 0;
}

static int write_tree(struct writer *w, struct keyed_list *l, uint32_t *ret)
{
	__attribute__((cleanup(tree_done))) struct tree t = { 0 };
	uint32_t base = writer_count(w, SEC_NODES);
	struct img_node root = { 0 };
	struct task all = { 0, l->v.n, 0 };
	int r;

	*ret = IMAGE_NONE;
	if (l->v.n == 0)
		return 0;
	qsort(l->v.data, l->v.n, sizeof(*l->v.data), keyed_order);
	r = vec_push(&t.nodes, root);
	if (r == 0)
		r = vec_push(&t.tasks, all);
	for (size_t i = 0; r == 0 && i < t.nodes.n; i++)
		r = fill_node(w, l, &t, i);
	if (r < 0)
		return r;
	for (size_t i = 0; i < t.nodes.n; i++) {
		t.nodes.data[i].children.first += base;
		(void)writer_add(w, SEC_NODES, &t.nodes.data[i]);
	}
	*ret = base;
	return 0;
}

static struct img_span write_always(struct writer *w, struct keyed_list *l)
{
	uint32_t first = writer_count(w, SEC_ITEMS);
	struct img_span span;

	(void)write_items(w, l, 0, l->v.n);
	span = writer_since(w, SEC_ITEMS, first);
	if (w->error == 0 && span.n > 1)
		qsort(w->sec[SEC_ITEMS].data + first * sizeof(struct img_item),
		      span.n, sizeof(struct img_item), item_order);
	return span;
}

int index_write(struct index_build *b, struct writer *w, struct img_index *ret)
{
	struct keyed_list lists[PLACE_MAX] = { 0 };
	struct img_index ix = { .sep = (unsigned char)b->sep };
	int r;

	r = distribute(b, lists);
	if (r == 0)
		r = write_hash(w, &lists[PLACE_EXACT], &ix.exact);
	if (r == 0)
		r = write_hash(w, &lists[PLACE_INNER], &ix.inner);
	if (r == 0)
		r = write_tree(w, &lists[PLACE_HEAD], &ix.heads);
	if (r == 0)
		r = write_tree(w, &lists[PLACE_TAIL], &ix.tails);
	if (r == 0)
		ix.always = write_always(w, &lists[PLACE_ALWAYS]);
	for (size_t i = 0; i < PLACE_MAX; i++)
		keyed_done(&lists[i]);
	*ret = ix;
	return r;
}
