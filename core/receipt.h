/* SPDX-License-Identifier: MIT */
/*
 * receipt.h - what a command destroyed, and how to have it back
 */
#ifndef CORE_RECEIPT_H
#define CORE_RECEIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct event;

struct receipt {
	bool present;
	int64_t removed, changed, created, kept_bytes, not_kept;
};

/* Of an undo_receipt event. */
struct receipt receipt_of(const struct event *e);
/* The line for people; undo: what brings it back. */
void receipt_text(const struct receipt *r, struct str undo, struct buf *out);

#endif
