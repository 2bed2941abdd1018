/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ring.c - the reader over memory that a hostile writer filled
 *
 * Input: 8 bytes of tail, then bytes that are written over the whole shared
 * memory, header included, from the record area on. The reader must end, in
 * finitely many records, with "empty" or "corrupt".
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "core/ring.h"

#define SIZE   4096U
#define HEADER 4096U
#define TAIL   64U /* offset of the writer's counter, see ring.c */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct ring *r)
{
	struct str record;
	int rc, n = 0;

	while ((rc = ring_peek(r, &record)) == 0) {
		assert(record.n <= SIZE / 2);
		assert(n++ < (int)SIZE / 8);
		ring_consume(r);
	}
	assert(rc == -EAGAIN || rc == -EBADMSG);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ring *r = NULL;
	int memfd, eventfd;
	unsigned char *p;

	if (size < 8 || ring_create(SIZE, &r, &memfd, &eventfd) < 0)
		return 0;
	p = mmap(NULL, HEADER + SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd,
		 0);
	assert(p != MAP_FAILED);
	memcpy(p + HEADER, data + 8, MIN(size - 8, (size_t)SIZE));
	if (size - 8 > SIZE) /* and the header, but for tail */
		memcpy(p + TAIL + 8, data + 8 + SIZE,
		       MIN(size - 8 - SIZE, (size_t)(HEADER - TAIL - 8)));
	memcpy(p + TAIL, data, 8);
	read_all(r);
	(void)munmap(p, HEADER + SIZE);
	(void)ring_free(r);
	return 0;
}
