/* SPDX-License-Identifier: MIT */
/*
 * inner.h - texts written in other ways inside the text; for blob.c, hex.c,
 * wide.c
 */
#ifndef DLP_INNER_H
#define DLP_INNER_H

#include "dlp/priv.h"

/* What was found in decoded bytes, and what they become. */
struct dlp_edit {
	const char *plain;
	size_t n;      /* bytes of it */
	size_t accept; /* findings that begin behind it are another's */
	size_t from;   /* first byte changed, if found */
	size_t to;     /* behind the last one */
	bool found;
	unsigned int type;
	struct buf out; /* what [from, to) becomes */
};

/* A dlp_found_fn for nested scans of d->plain; arg: the struct dlp_edit. */
void dlp_edit_found(void *arg, const struct dlp_finding *f);
/*
 * Scans d->plain; 1: found something, and it goes to d->out; 0; -ENOMEM.
 */
int dlp_edit_scan(struct dlp_scan *s, struct dlp_edit *d);

/* Where the run of base64 in [start, end) begins: names in front of it end in
 * "=". */
size_t dlp_blob_start(const struct dlp_view *v, size_t start, size_t end);

/* Text, and nothing that a digest or a program has in it. */
static inline bool dlp_is_text(unsigned char c)
{
	return (c >= ' ' && c < 0x7f) || c == '\t' || c == '\n' || c == '\r';
}

#endif
