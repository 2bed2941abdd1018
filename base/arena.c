/* SPDX-License-Identifier: MIT */
/*
 * arena.c - capped bump allocator; everything is freed at once
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define ARENA_ALIGN       16
#define ARENA_BLOCK_FIRST 1024
#define ARENA_BLOCK_MAX   (64U << 10)

struct arena_block {
	struct arena_block *next;
	size_t used, size; /* bytes of data[] */
	alignas(ARENA_ALIGN) unsigned char data[];
};

void arena_done(struct arena *a)
{
	while (a->head) {
		struct arena_block *block = a->head;

		a->head = block->next;
		free(block);
	}
	a->used = 0;
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->head;

	if (!keep)
		return;
	a->head = keep->next;
	arena_done(a);
	/* A block made for one huge request is not worth keeping. */
	if (keep->size > ARENA_BLOCK_MAX) {
		free(keep);
		return;
	}
	memset(keep->data, 0, keep->used);
	keep->used = 0;
	keep->next = NULL;
	a->head = keep;
}

/*
 * A block for at least n bytes at the front. Blocks double up to a size, so a
 * small message costs one small block and a large one few.
 */
static struct arena_block *arena_add_block(struct arena *a, size_t n)
{
	size_t size = a->head ? a->head->size * 2 : ARENA_BLOCK_FIRST;
	struct arena_block *block;

	size = MAX(MIN(size, (size_t)ARENA_BLOCK_MAX), n);
	block = calloc(1, sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = size;
	block->next = a->head;
	a->head = block;
	return block;
}

void *arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *block = a->head;
	void *p;

	if (n > PTRDIFF_MAX / 2)
		return NULL;
	n = (MAX(n, (size_t)1) + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (a->cap && (n > a->cap || a->used > a->cap - n))
		return NULL;
	if (!block || block->size - block->used < n)
		block = arena_add_block(a, n);
	if (!block)
		return NULL;
	p = block->data + block->used;
	block->used += n;
	a->used += n;
	return p;
}

char *arena_dup(struct arena *a, struct str s)
{
	char *copy = arena_alloc(a, s.n + 1);

	if (copy && s.n)
		memcpy(copy, s.p, s.n);
	return copy;
}
