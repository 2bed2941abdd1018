/* SPDX-License-Identifier: MIT */
/*
 * writer.c - assembles a policy image section by section
 */
#include "policy/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN8(n) (((n) + 7U) & ~(size_t)7U)

void writer_done(struct writer *w)
{
	for (size_t i = 0; i < SEC_MAX; i++)
		buf_done(&w->sec[i]);
}

static void fail(struct writer *w, int error)
{
	if (w->error == 0)
		w->error = error;
}

uint32_t writer_count(const struct writer *w, enum image_section sec)
{
	return (uint32_t)(w->sec[sec].len / img_element_size[sec]);
}

uint32_t writer_add(struct writer *w, enum image_section sec, const void *elem)
{
	uint32_t index = writer_count(w, sec);
	struct buf *b = &w->sec[sec];

	if (b->len > IMAGE_MAX) {
		fail(w, -E2BIG);
		return 0;
	}
	buf_put(b, elem, img_element_size[sec]);
	if (b->error)
		fail(w, b->error);
	return index;
}

struct img_str writer_str(struct writer *w, struct str s)
{
	struct buf *b = &w->sec[SEC_BYTES];
	struct img_str ret = { (uint32_t)b->len, (uint32_t)s.n };

	if (s.n > IMAGE_MAX || b->len + s.n > IMAGE_MAX) {
		fail(w, -E2BIG);
		return (struct img_str){ 0, 0 };
	}
	if (s.n == 0)
		return (struct img_str){ 0, 0 };
	buf_put_str(b, s);
	if (b->error)
		fail(w, b->error);
	return ret;
}

uint32_t writer_add_str(struct writer *w, struct str s)
{
	struct img_str ref = writer_str(w, s);

	return writer_add(w, SEC_STRS, &ref);
}

struct img_span writer_since(const struct writer *w, enum image_section sec,
			     uint32_t first)
{
	return (struct img_span){ first, writer_count(w, sec) - first };
}

struct img_prog writer_prog(struct writer *w, const struct nfa *prog)
{
	uint32_t inst = writer_count(w, SEC_INSTS);
	uint32_t range = writer_count(w, SEC_RANGES);

	for (uint32_t i = 0; i < prog->n_insts; i++)
		(void)writer_add(w, SEC_INSTS, &prog->insts[i]);
	for (uint32_t i = 0; i < prog->n_ranges; i++)
		(void)writer_add(w, SEC_RANGES, &prog->ranges[i]);
	return (struct img_prog){ writer_since(w, SEC_INSTS, inst),
				  writer_since(w, SEC_RANGES, range) };
}

uint32_t writer_add_pat(struct writer *w, const struct glob *g)
{
	struct img_pat pat = { .shape = g->shape,
			       .sep = (unsigned char)g->sep,
			       .prefix = writer_str(w, g->prefix),
			       .suffix = writer_str(w, g->suffix),
			       .tokens = writer_str(w, g->tokens),
			       .prog = writer_prog(w, &g->prog) };

	return writer_add(w, SEC_PATS, &pat);
}

int writer_finish(struct writer *w, void **ret_block, size_t *ret_size)
{
	size_t total = ALIGN8(sizeof(w->h));
	struct img_header *h;
	char *block;

	if (w->error)
		return w->error;
	for (size_t i = 0; i < SEC_MAX; i++) {
		w->h.sec[i].off = (uint32_t)total;
		w->h.sec[i].n = writer_count(w, (enum image_section)i);
		total += ALIGN8(w->sec[i].len);
		if (total > IMAGE_MAX)
			return -E2BIG;
	}
	block = calloc(1, total);
	if (!block)
		return -ENOMEM;
	w->h.magic = IMAGE_MAGIC;
	w->h.version = IMAGE_VERSION;
	w->h.total = (uint32_t)total;
	w->h.build_id = img_build_id();
	memcpy(block, &w->h, sizeof(w->h));
	for (size_t i = 0; i < SEC_MAX; i++) {
		if (w->sec[i].len > 0)
			memcpy(block + w->h.sec[i].off, w->sec[i].data,
			       w->sec[i].len);
	}
	h = (struct img_header *)(void *)block;
	h->checksum = img_checksum(block, total);
	*ret_block = block;
	*ret_size = total;
	return 0;
}
