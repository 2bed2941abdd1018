/* SPDX-License-Identifier: MIT */
/*
 * dirtimes.c - times that directories get back at the end of an undo
 */
#include "trash/dirtimes.h"

#include <errno.h>
#include <stdlib.h>

#include "base/path.h"

static uint64_t hash_path(struct str path)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < path.n; i++)
		h = (h ^ (uint8_t)path.p[i]) * 0x100000001b3ULL;
	return h ^ (h >> 31);
}

static void place_slot(struct dirtimes *d, size_t entry)
{
	size_t i = d->entries.data[entry].hash & (d->size - 1);

	while (d->slots[i])
		i = (i + 1) & (d->size - 1);
	d->slots[i] = (uint32_t)entry + 1;
}

/* At most half full. */
static int rebuild(struct dirtimes *d, size_t want)
{
	size_t size = 64;
	uint32_t *slots;

	while (size < want * 2)
		size *= 2;
	slots = calloc(size, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(d->slots);
	d->slots = slots;
	d->size = size;
	for (size_t i = 0; i < d->entries.n; i++)
		place_slot(d, i);
	return 0;
}

struct dirtime *dirtimes_find(const struct dirtimes *d, struct str path)
{
	uint64_t hash = hash_path(path);
	struct dirtime *found = NULL;

	if (d->size == 0)
		return NULL;
	/* Of two for one path (after a rename) the later one counts. */
	for (size_t i = hash & (d->size - 1); d->slots[i];
	     i = (i + 1) & (d->size - 1)) {
		struct dirtime *e = &d->entries.data[d->slots[i] - 1];

		if (e->hash == hash && str_eq_c(path, e->path) &&
		    (!found || e > found))
			found = e;
	}
	return found;
}

int dirtimes_note(struct dirtimes *d, struct str path,
		  const struct record_stat *st, struct dirtime **ret)
{
	struct dirtime *e = dirtimes_find(d, path);
	struct dirtime fresh = { .hash = hash_path(path), .st = *st };
	int r = 0;

	if (e) {
		e->st = *st;
		*ret = e;
		return 0;
	}
	if (d->entries.n >= UINT32_MAX / 4)
		return -ENOMEM;
	if ((d->entries.n + 1) * 2 > d->size)
		r = rebuild(d, d->entries.n + 1);
	if (r < 0)
		return r;
	fresh.path = str_dup(path);
	r = fresh.path ? vec_push(&d->entries, fresh) : -ENOMEM;
	if (r < 0) {
		free(fresh.path);
		return r;
	}
	place_slot(d, d->entries.n - 1);
	*ret = &d->entries.data[d->entries.n - 1];
	return 0;
}

/* The entry's path with `from` replaced by `to`. */
static int rebase(struct dirtime *e, struct str from, struct str to)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *path;

	buf_put_str(&b, to);
	buf_put_str(&b, str_skip(str_from(e->path), from.n));
	path = b.error ? NULL : str_dup(buf_str(&b));
	if (!path)
		return -ENOMEM;
	free(e->path);
	e->path = path;
	e->hash = hash_path(str_from(path));
	return 0;
}

static int move(struct dirtimes *d, struct str a, struct str b, bool both)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < d->entries.n; i++) {
		struct dirtime *e = &d->entries.data[i];
		struct str path = str_from(e->path);
		bool under_a = path_beneath(path, a);

		if (!under_a && !(both && path_beneath(path, b)))
			continue;
		any = true;
		r = under_a ? rebase(e, a, b) : rebase(e, b, a);
	}
	if (r < 0 || !any)
		return r;
	return rebuild(d, d->entries.n);
}

int dirtimes_moved(struct dirtimes *d, struct str from, struct str to)
{
	return move(d, from, to, false);
}

int dirtimes_swapped(struct dirtimes *d, struct str a, struct str b)
{
	return move(d, a, b, true);
}

void dirtimes_done(struct dirtimes *d)
{
	for (size_t i = 0; i < d->entries.n; i++)
		free(d->entries.data[i].path);
	vec_done(&d->entries);
	free(d->slots);
	*d = (struct dirtimes){ 0 };
}
