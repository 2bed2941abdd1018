/* SPDX-License-Identifier: MIT */
/*
 * wire.h - bytes between our own processes: little-endian, bounded
 *
 * A message is a sequence of primitives in a fixed order per message type.
 * str = u32 length + bytes. The reader never trusts a length: the first error
 * sticks in `error` (-EBADMSG) and further reads give zeros, so a decoder
 * reads all and checks once, and that nothing is left over.
 */
#ifndef CORE_WIRE_H
#define CORE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

void wire_put_u8(struct buf *b, uint8_t v);
void wire_put_u16(struct buf *b, uint16_t v);
void wire_put_u32(struct buf *b, uint32_t v);
void wire_put_u64(struct buf *b, uint64_t v);
void wire_put_i64(struct buf *b, int64_t v);
void wire_put_bool(struct buf *b, bool v);
void wire_put_str(struct buf *b, struct str s);
/* u32 count + that many str. */
void wire_put_strs(struct buf *b, const struct str *s, size_t n);

struct wire_reader {
	struct str rest;
	int error;
};

static inline struct wire_reader wire_reader_init(struct str bytes)
{
	return (struct wire_reader){ bytes, 0 };
}

uint8_t wire_get_u8(struct wire_reader *r);
uint16_t wire_get_u16(struct wire_reader *r);
uint32_t wire_get_u32(struct wire_reader *r);
uint64_t wire_get_u64(struct wire_reader *r);
int64_t wire_get_i64(struct wire_reader *r);
/* One byte, 0 or 1; anything else is an error. */
bool wire_get_bool(struct wire_reader *r);
/* Borrows from the message. */
struct str wire_get_str(struct wire_reader *r);
/*
 * A count for elements of at least elem_min bytes each: an error when the
 * message cannot hold so many, so what is allocated from it is bounded by the
 * message's own size.
 */
uint32_t wire_get_count(struct wire_reader *r, size_t elem_min);
/* Array in a, strings borrowed from the message; error -ENOMEM when full. */
const struct str *wire_get_strs(struct wire_reader *r, struct arena *a,
				uint32_t *ret_n);
/* 0 if all was read without error, else the error (-EBADMSG, -ENOMEM). */
int wire_finish(const struct wire_reader *r);

#endif
