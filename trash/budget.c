/* SPDX-License-Identifier: MIT */
/*
 * budget.c - room for one more entry
 */
#include <errno.h>

#include "trash/purge.h"
#include "trash/store.h"

static bool fits(const struct trash *t, uint64_t bytes, uint64_t entries)
{
	if (t->opt.max_bytes && bytes > t->opt.max_bytes)
		return false;
	return !t->opt.max_entries || entries <= t->opt.max_entries;
}

static bool try_take(struct trash *t, uint64_t bytes)
{
	uint64_t b =
		__atomic_add_fetch(&t->state->bytes, bytes, __ATOMIC_RELAXED);
	uint64_t e =
		__atomic_add_fetch(&t->state->entries, 1, __ATOMIC_RELAXED);

	if (fits(t, b, e))
		return true;
	budget_give(t, bytes, 1);
	return false;
}

/* Subtracts, stopping at zero: the figures may be off after a power cut. */
static void sub(uint64_t *p, uint64_t n)
{
	uint64_t old = __atomic_load_n(p, __ATOMIC_RELAXED);

	while (!__atomic_compare_exchange_n(p, &old, old > n ? old - n : 0,
					    true /* weak */, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
}

void budget_give(struct trash *t, uint64_t bytes, uint64_t entries)
{
	sub(&t->state->bytes, bytes);
	sub(&t->state->entries, entries);
}

int budget_take(struct trash *t, uint64_t bytes)
{
	uint64_t want_bytes = t->opt.max_bytes, want_entries;
	int r;

	if (t->opt.read_only || !t->state)
		return -EROFS;
	if (try_take(t, bytes))
		return 0;
	switch (t->opt.on_full) {
	case TRASH_FULL_DENY:
		return -EDQUOT;
	case TRASH_FULL_DROP:
		return 1;
	case TRASH_FULL_EVICT:
		break;
	}
	if (t->opt.max_bytes && bytes > t->opt.max_bytes)
		return -EDQUOT;
	/* A twentieth more than asked for, so that this does not happen at
	 * every operation. */
	want_bytes = t->opt.max_bytes - t->opt.max_bytes / 20;
	want_bytes = want_bytes > bytes ? want_bytes - bytes : 0;
	want_entries = t->opt.max_entries - t->opt.max_entries / 20;
	want_entries = want_entries > 1 ? want_entries - 1 : 0;
	r = purge_evict(t, t->opt.max_bytes ? want_bytes : UINT64_MAX,
			t->opt.max_entries ? want_entries : UINT64_MAX);
	if (r < 0)
		return r;
	return try_take(t, bytes) ? 0 : -EDQUOT;
}
