/* SPDX-License-Identifier: MIT */
/*
 * seen.c - bounded open-addressing tables keyed by inode
 */
#include "trash/seen.h"

#include <stdlib.h>
#include <string.h>

#include "trash/record.h"

#define TABLE_MIN 256U
#define TABLE_MAX (1U << 18) /* slots: 12 MiB of seen, 6 MiB of links */

static size_t hash_inode(uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino ^ (dev << 40)) * 0x9e3779b97f4a7c15ULL;

	return (size_t)(h ^ (h >> 29));
}

static struct seen_slot *seen_find(struct seen_slot *slots, size_t size,
				   uint64_t dev, uint64_t ino)
{
	size_t i = hash_inode(dev, ino) & (size - 1);

	while (slots[i].group != 0 &&
	       (slots[i].dev != dev || slots[i].ino != ino))
		i = (i + 1) & (size - 1);
	return &slots[i];
}

enum seen_level seen_get(const struct seen *s, const struct record_stat *st,
			 uint32_t group, uint64_t epoch)
{
	const struct seen_slot *slot;

	if (s->n == 0 || !st->btime_ns)
		return SEEN_NOT;
	slot = seen_find(s->slots, s->size, st->dev, st->ino);
	if (slot->group != group || slot->epoch != epoch ||
	    slot->btime_ns != st->btime_ns)
		return SEEN_NOT;
	return (enum seen_level)slot->level;
}

static bool seen_grow(struct seen *s)
{
	size_t size = s->size ? s->size * 2 : TABLE_MIN;
	struct seen_slot *slots;

	if (s->n * 2 < s->size)
		return true;
	if (size > TABLE_MAX) { /* forget everything */
		memset(s->slots, 0, s->size * sizeof(*s->slots));
		s->n = 0;
		return true;
	}
	slots = calloc(size, sizeof(*slots));
	if (!slots)
		return false;
	for (size_t i = 0; i < s->size; i++)
		if (s->slots[i].group != 0)
			*seen_find(slots, size, s->slots[i].dev,
				   s->slots[i].ino) = s->slots[i];
	free(s->slots);
	s->slots = slots;
	s->size = size;
	return true;
}

void seen_put(struct seen *s, const struct record_stat *st, uint32_t group,
	      uint64_t epoch, enum seen_level level)
{
	struct seen_slot *slot;

	if (!st->btime_ns || !seen_grow(s))
		return;
	slot = seen_find(s->slots, s->size, st->dev, st->ino);
	if (slot->group == 0)
		s->n++;
	*slot = (struct seen_slot){
		.dev = st->dev,
		.ino = st->ino,
		.btime_ns = st->btime_ns,
		.epoch = epoch,
		.group = group,
		.level = level,
	};
}

void seen_done(struct seen *s)
{
	free(s->slots);
	*s = (struct seen){ 0 };
}

static struct links_slot *links_find(struct links_slot *slots, size_t size,
				     uint64_t dev, uint64_t ino)
{
	size_t i = hash_inode(dev, ino) & (size - 1);

	while (slots[i].ino != 0 &&
	       (slots[i].dev != dev || slots[i].ino != ino))
		i = (i + 1) & (size - 1);
	return &slots[i];
}

static bool links_grow(struct links *l)
{
	size_t size = l->size ? l->size * 2 : TABLE_MIN, used = 0;
	struct links_slot *slots;

	if (l->used * 2 < l->size)
		return true;
	if (size > TABLE_MAX)
		return false;
	slots = calloc(size, sizeof(*slots));
	if (!slots)
		return false;
	for (size_t i = 0; i < l->size; i++) {
		if (l->slots[i].n == 0)
			continue;
		*links_find(slots, size, l->slots[i].dev, l->slots[i].ino) =
			l->slots[i];
		used++;
	}
	free(l->slots);
	l->slots = slots;
	l->size = size;
	l->used = used;
	return true;
}

void links_add(struct links *l, uint64_t dev, uint64_t ino, int n)
{
	struct links_slot *slot;

	if (ino == 0 || !links_grow(l))
		return;
	slot = links_find(l->slots, l->size, dev, ino);
	if (slot->ino == 0)
		l->used++;
	slot->dev = dev;
	slot->ino = ino;
	if (n > 0)
		slot->n += (uint32_t)n;
	else if (slot->n >= (uint32_t)-n)
		slot->n -= (uint32_t)-n;
}

uint32_t links_get(const struct links *l, uint64_t dev, uint64_t ino)
{
	if (l->used == 0)
		return 0;
	return links_find(l->slots, l->size, dev, ino)->n;
}

void links_done(struct links *l)
{
	free(l->slots);
	*l = (struct links){ 0 };
}
