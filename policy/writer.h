/* SPDX-License-Identifier: MIT */
/*
 * writer.h - assembles a policy image section by section (private)
 *
 * Every add function returns what to store as reference. Failures are sticky:
 * w->error is checked once, by writer_finish().
 */
#ifndef POLICY_WRITER_H
#define POLICY_WRITER_H

#include "base/glob.h"
#include "base/str.h"
#include "policy/image.h"

struct writer {
	struct img_header h;
	struct buf sec[SEC_MAX]; /* owned */
	int error;               /* 0 or the first negative errno */
};

void writer_done(struct writer *w);

/* Elements of a section so far: the index the next one will get. */
uint32_t writer_count(const struct writer *w, enum image_section sec);
/* Appends one element of the section's type. Return: its index. */
uint32_t writer_add(struct writer *w, enum image_section sec, const void *elem);
struct img_str writer_str(struct writer *w, struct str s);
/* Appends to SEC_STRS. */
uint32_t writer_add_str(struct writer *w, struct str s);
struct img_prog writer_prog(struct writer *w, const struct nfa *prog);
uint32_t writer_add_pat(struct writer *w, const struct glob *g);
/* Span from `first` up to the section's end. */
struct img_span writer_since(const struct writer *w, enum image_section sec,
			     uint32_t first);
/* Puts the block together: a heap copy with header and checksum in place. */
int writer_finish(struct writer *w, void **ret_block, size_t *ret_size);

#endif
