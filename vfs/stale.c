/* SPDX-License-Identifier: MIT */
/*
 * stale.c - attributes that the kernel has dropped by itself
 *
 * A file is counted once per listing, in the directory where it was looked up
 * last. Where it has moved since, a count is wrong by one until the next
 * listing, which costs a listing too many or too few.
 */
#include "vfs/stale.h"

/* Of fewer each is asked for alone. */
#define STALE_MIN 4U

static bool is_counted(const struct inode *i)
{
	return i->stale_gen == i->parent->list_gen + 1;
}

void stale_file(struct inode_table *t, struct inode *i)
{
	(void)pthread_mutex_lock(&t->lock);
	if (i->parent && !is_counted(i)) {
		i->stale_gen = i->parent->list_gen + 1;
		i->parent->n_stale++;
	}
	(void)pthread_mutex_unlock(&t->lock);
}

void stale_told(struct inode_table *t, struct inode *i)
{
	(void)pthread_mutex_lock(&t->lock);
	if (i->stale_gen > 0 && i->parent && is_counted(i) &&
	    i->parent->n_stale > 0)
		i->parent->n_stale--;
	i->stale_gen = 0;
	(void)pthread_mutex_unlock(&t->lock);
}

bool stale_list(struct inode_table *t, struct inode *dir)
{
	bool kept, anew;

	(void)pthread_mutex_lock(&t->lock);
	kept = __atomic_load_n(&dir->list_kept, __ATOMIC_RELAXED);
	anew = kept && dir->n_stale >= STALE_MIN &&
	       dir->n_stale >= dir->n_listed / 2;
	if (anew || !kept) {
		dir->n_stale = 0;
		dir->list_gen++;
	}
	(void)pthread_mutex_unlock(&t->lock);
	return anew;
}

void stale_listed(struct inode_table *t, struct inode *dir, uint32_t n,
		  bool kept)
{
	(void)pthread_mutex_lock(&t->lock);
	dir->n_listed = n;
	if (kept)
		__atomic_store_n(&dir->list_kept, true, __ATOMIC_RELAXED);
	(void)pthread_mutex_unlock(&t->lock);
}

void stale_names(struct inode *dir)
{
	__atomic_store_n(&dir->list_kept, false, __ATOMIC_RELAXED);
}
