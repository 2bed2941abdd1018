/* SPDX-License-Identifier: MIT */
/*
 * index.h - from a text to the first rule whose pattern matches it (private)
 */
#ifndef POLICY_INDEX_H
#define POLICY_INDEX_H

#include "base/arena.h"
#include "base/vec.h"
#include "policy/image.h"
#include "policy/writer.h"

/* --- finding -------------------------------------------------------------- */

typedef bool lookup_accept_fn(void *arg, uint32_t rule);

/*
 * best: number of the first rule found so far within its family, IMAGE_NONE
 * at the start. Only rules before it, with a bit of mask and for which accept
 * (if any) says yes replace it. One lookup can go through several indexes.
 */
struct lookup {
	const struct policy *p;
	uint32_t mask;
	uint32_t best;
	lookup_accept_fn *accept;
	void *arg;
};

/*
 * l->best becomes the lowest rule whose pattern matches text, whose mask meets
 * l->mask and which l->accept, if any, takes; a lower one that is there stays.
 */
void index_find(struct lookup *l, const struct img_index *ix, struct str text);
/* The items of an exact key only. */
void index_find_key(struct lookup *l, const struct img_index *ix,
		    struct str key);
/* Items without pattern: rules that have no selector. */
void index_find_always(struct lookup *l, struct img_span items);

/* --- building ------------------------------------------------------------- */

struct index_entry {
	struct img_item item;
	struct str head, tail; /* of the pattern; owned by the index_build */
	struct str inner;
	bool exact; /* head is the whole text */
};

struct index_build {
	VEC(struct index_entry) entries;
	struct arena arena; /* holds the entries' texts */
	char sep;
};

void index_build_done(struct index_build *b);
/*
 * Adds one pattern of rule; braces are expanded. Return: 0, -EINVAL for a bad
 * pattern, -E2BIG, -ENOMEM.
 */
int index_add(struct index_build *b, struct writer *w, struct str pattern,
	      uint32_t rule, uint32_t mask);
/* Adds a key that is not a pattern. */
int index_add_exact(struct index_build *b, struct str key, uint32_t rule,
		    uint32_t mask);
/* Writes the tables. 0 or -ENOMEM; the writer has its own error. */
int index_write(struct index_build *b, struct writer *w, struct img_index *ret);

#endif
