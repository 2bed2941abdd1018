/* SPDX-License-Identifier: MIT */
/*
 * ring.h - event transport: one writer process, one reader process
 *
 * A byte ring in a memfd that the server makes and both map. The records a
 * worker wrote survive its death, because the memory is the server's too. A
 * record is u32 length + bytes, published by a release store of `tail`; an
 * eventfd wakes the reader only when it said it sleeps. No syscall per event
 * in the steady state.
 *
 * Overload: a low-priority record that does not fit is dropped and counted;
 * the count is written into the stream before the next record that fits
 * (an `events_dropped` event made by the caller), so the audit log declares
 * its own gaps. A high-priority record (every denial) waits for room, and the
 * last eighth of the ring is kept free for it.
 *
 * One thread writes and one reads: a program whose threads all emit (vfs) puts
 * a lock around ring_write() and ring_take_dropped().
 */
#ifndef CORE_RING_H
#define CORE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct ring;

#define RING_DEFAULT_SIZE (1U << 20)

/*
 * Reader side: makes the memory and eventfd. *ret_memfd and *ret_eventfd are
 * owned by the ring; pass them to the writer process. size: power of two.
 */
int ring_create(uint32_t size, struct ring **ret, int *ret_memfd,
		int *ret_eventfd);
/*
 * Writer side: maps what it was born with; takes both descriptors on success.
 * -EBADF or -EBADMSG when they are no ring of ring_create().
 */
int ring_attach(int memfd, int eventfd, struct ring **ret);
struct ring *ring_free(struct ring *r);

/*
 * Return: 0; -EAGAIN no room now (the record counts as dropped); -E2BIG never
 * fits (more than half of the ring); -EPIPE the reader closed. must_keep: wait
 * up to timeout_ms for room.
 */
int ring_write(struct ring *r, struct str record, bool must_keep,
	       int timeout_ms);
/* Records dropped since the last call (writer side). */
uint64_t ring_take_dropped(struct ring *r);

/*
 * Next record, a private copy that is valid until the next ring_peek() or
 * ring_free(), whatever the writer does; the same one until ring_consume().
 * -EAGAIN when empty (the reader is then marked asleep: wait for the eventfd to
 * be readable, ring_peek() resets it), -EBADMSG when the writer corrupted the
 * ring (treat the writer as hostile; it stays that way), -ENOMEM.
 */
int ring_peek(struct ring *r, struct str *ret);
void ring_consume(struct ring *r);
/*
 * Reader: takes back that it sleeps (ring_peek says so when it finds nothing).
 * The writer makes no wake-ups then; the caller looks by itself.
 */
void ring_stay_awake(struct ring *r);
/*
 * True if ring_peek would give a record (or -EBADMSG). Unlike it, does not mark
 * the reader asleep: for a reader that looks again soon by itself.
 */
bool ring_pending(struct ring *r);
int ring_eventfd(const struct ring *r);

#endif
