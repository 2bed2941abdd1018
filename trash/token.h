/* SPDX-License-Identifier: MIT */
/*
 * token.h - how tokens are made (private to trash/)
 */
#ifndef TRASH_TOKEN_H
#define TRASH_TOKEN_H

#include "trash/trash.h"

/* writer is never 0. */
struct trash_token token_make(uint64_t writer, uint64_t seq);
/* The sequence number in a token of ours (hi != 0). */
uint64_t token_seq(struct trash_token t);
/* A token of the Go program: a number of nanoseconds. */
static inline bool token_is_legacy(struct trash_token t)
{
	return t.hi == 0 && t.lo != 0;
}

#endif
