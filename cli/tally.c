/* SPDX-License-Identifier: MIT */
/*
 * tally.c - counting distinct texts
 */
#include "cli/tally.h"

#include <errno.h>

void tally_done(struct tally *t)
{
	vec_done(&t->items);
	free(t->slots);
	t->slots = NULL;
	t->n_slots = 0;
}

/* FNV-1a: the texts are ours to count, not an attacker's to collide; a bad
 * case costs time in a report and nothing else. */
static size_t hash(struct str s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

/* The slot of text, or the free one where it belongs. */
static uint32_t *find(const struct tally *t, struct str text)
{
	size_t i = hash(text) & (t->n_slots - 1);

	while (t->slots[i] &&
	       !str_eq(t->items.data[t->slots[i] - 1].text, text))
		i = (i + 1) & (t->n_slots - 1);
	return &t->slots[i];
}

static int grow(struct tally *t)
{
	struct tally bigger = { .n_slots = t->n_slots ? t->n_slots * 2 : 64 };

	bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	free(t->slots);
	t->slots = bigger.slots;
	t->n_slots = bigger.n_slots;
	for (size_t i = 0; i < t->items.n; i++)
		*find(t, t->items.data[i].text) = (uint32_t)i + 1;
	return 0;
}

int tally_add(struct tally *t, struct str text, bool denied)
{
	uint32_t *slot;
	int r = 0;

	if (text.n == 0)
		return 0;
	if (t->items.n * 2 >= t->n_slots)
		r = grow(t);
	if (r < 0)
		return r;
	slot = find(t, text);
	if (*slot == 0) {
		r = vec_push(&t->items,
			     (struct tally_item){ .text = text,
						  .order = t->items.n });
		if (r < 0)
			return r;
		*slot = (uint32_t)t->items.n;
	}
	t->items.data[*slot - 1].n++;
	t->items.data[*slot - 1].denied += denied;
	return 0;
}

static int by_count(const void *a, const void *b)
{
	const struct tally_item *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return x->order < y->order ? -1 : 1;
}

void tally_sort(struct tally *t)
{
	if (t->items.n)
		qsort(t->items.data, t->items.n, sizeof(t->items.data[0]),
		      by_count);
}
