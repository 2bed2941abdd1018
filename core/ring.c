/* SPDX-License-Identifier: MIT */
/*
 * ring.c - event transport: one writer process, one reader process
 *
 * Memory: one page of shared words, then `size` bytes of data. head and tail
 * count bytes for ever; position = counter & (size - 1). A record is a u32
 * length and the bytes, padded to 8.
 *
 *	writer				reader
 *	------				------
 *	load head (acquire)		load tail (acquire)
 *	copy the record in		copy the record out
 *	store tail (release)		store head (release)
 *	fence, asleep? -> eventfd	empty: asleep = 1, fence, look again
 *
 * Both fences are sequentially consistent: of "writer publishes, then looks at
 * asleep" and "reader sets asleep, then looks at tail" at least one side sees
 * the other, so no wake-up is lost. Waiting for room is the same dance with
 * `waiting`, and a futex on `room`.
 *
 * Trust: the writer is a worker and may have been taken over. The reader keeps
 * head and size in its own memory, reads tail and each length once, checks
 * them against what it knows, and hands out a private copy. The memfd is
 * sealed against resizing, so touching the mapping cannot fault.
 */
#include "core/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/clock.h"
#include "base/fd.h"

#define RING_MAGIC    0x676e6972U /* "ring" */
#define RING_HEADER   4096U
#define RING_MIN_SIZE 4096U
#define RING_MAX_SIZE (256U << 20)
#define RING_SEALS    (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define NS_PER_MS     1000000ULL
#define LINE          64 /* cache line: words of the two sides stay apart */

/* The shared words. Only ever accessed by __atomic builtins. */
struct ring_shared {
	uint32_t magic;
	uint32_t size;
	_Alignas(LINE) uint64_t tail; /* writer: end of what is published */
	uint32_t waiting;             /* writer: wants room */
	_Alignas(LINE) uint64_t head; /* reader: end of what is consumed */
	uint32_t asleep;              /* reader: wants a wake-up */
	uint32_t room;                /* reader: futex, bumped for a waiter */
	uint32_t closed;              /* reader is gone */
};

struct ring {
	struct ring_shared *shared; /* mapped */
	unsigned char *data;        /* mapped, behind the header */
	uint32_t size;
	int memfd, eventfd; /* owned */
	bool reader;
	/* reader's own words */
	uint64_t head;
	uint64_t seen_tail;
	uint64_t pending; /* padded size of the record handed out; 0 = none */
	size_t pending_len;
	struct buf copy;
	bool armed; /* asleep was set: eventfd may hold a wake-up */
	bool bad;
	/* writer's own words */
	uint64_t tail;
	uint64_t dropped;
};

static uint64_t padded(uint64_t len)
{
	return (sizeof(uint32_t) + len + 7) & ~(uint64_t)7;
}

static int map_memory(struct ring *r)
{
	void *p = mmap(NULL, RING_HEADER + (size_t)r->size,
		       PROT_READ | PROT_WRITE, MAP_SHARED, r->memfd, 0);

	if (p == MAP_FAILED)
		return -errno;
	r->shared = p;
	r->data = (unsigned char *)p + RING_HEADER;
	return 0;
}

static struct ring *ring_alloc(void)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (r)
		r->memfd = r->eventfd = -1;
	return r;
}

static int create_memory(struct ring *r)
{
	int rc;

	r->memfd =
		memfd_create("agentsh-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (r->memfd < 0)
		return -errno;
	if (ftruncate(r->memfd, (off_t)RING_HEADER + r->size) < 0)
		return -errno;
	if (fcntl(r->memfd, F_ADD_SEALS, RING_SEALS) < 0)
		return -errno;
	r->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->eventfd < 0)
		return -errno;
	rc = map_memory(r);
	if (rc < 0)
		return rc;
	__atomic_store_n(&r->shared->size, r->size, __ATOMIC_RELAXED);
	__atomic_store_n(&r->shared->magic, RING_MAGIC, __ATOMIC_RELEASE);
	return 0;
}

int ring_create(uint32_t size, struct ring **ret, int *ret_memfd,
		int *ret_eventfd)
{
	struct ring *r;
	int rc;

	if (size < RING_MIN_SIZE || size > RING_MAX_SIZE || (size & (size - 1)))
		return -EINVAL;
	r = ring_alloc();
	if (!r)
		return -ENOMEM;
	r->reader = true;
	r->size = size;
	rc = create_memory(r);
	if (rc < 0) {
		(void)ring_free(r);
		return rc;
	}
	*ret_memfd = r->memfd;
	*ret_eventfd = r->eventfd;
	*ret = r;
	return 0;
}

/* Size of the data part of a ring's memfd, or -errno. */
static int64_t checked_size(int memfd)
{
	struct stat st;
	int64_t size;
	int seals = fcntl(memfd, F_GET_SEALS);

	if (seals < 0)
		return errno == EBADF ? -EBADF : -EBADMSG;
	if ((seals & RING_SEALS) != RING_SEALS || fstat(memfd, &st) < 0)
		return -EBADMSG;
	size = st.st_size - (int64_t)RING_HEADER;
	if (size < RING_MIN_SIZE || size > RING_MAX_SIZE || (size & (size - 1)))
		return -EBADMSG;
	return size;
}

int ring_attach(int memfd, int eventfd, struct ring **ret)
{
	int64_t size = checked_size(memfd);
	struct ring *r;
	int rc;

	if (size < 0)
		return (int)size;
	if (fcntl(eventfd, F_GETFD) < 0)
		return -errno;
	r = ring_alloc();
	if (!r)
		return -ENOMEM;
	r->size = (uint32_t)size;
	r->memfd = memfd;
	rc = map_memory(r);
	if (rc == 0 &&
	    __atomic_load_n(&r->shared->magic, __ATOMIC_ACQUIRE) != RING_MAGIC)
		rc = -EBADMSG;
	if (rc < 0) {
		r->memfd = -1; /* still the caller's */
		(void)ring_free(r);
		return rc;
	}
	r->eventfd = eventfd;
	r->tail = __atomic_load_n(&r->shared->tail, __ATOMIC_RELAXED);
	*ret = r;
	return 0;
}

static void futex_wake(uint32_t *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void wake_writer(struct ring *r)
{
	__atomic_store_n(&r->shared->waiting, 0, __ATOMIC_RELAXED);
	(void)__atomic_fetch_add(&r->shared->room, 1, __ATOMIC_SEQ_CST);
	futex_wake(&r->shared->room);
}

struct ring *ring_free(struct ring *r)
{
	if (!r)
		return NULL;
	if (r->shared && r->reader) {
		__atomic_store_n(&r->shared->closed, 1, __ATOMIC_SEQ_CST);
		wake_writer(r);
	}
	if (r->shared)
		(void)munmap(r->shared, RING_HEADER + (size_t)r->size);
	if (r->memfd >= 0)
		(void)close(r->memfd);
	if (r->eventfd >= 0)
		(void)close(r->eventfd);
	buf_done(&r->copy);
	free(r);
	return NULL;
}

static void copy_in(struct ring *r, uint64_t at, const void *p, size_t n)
{
	size_t pos = (size_t)(at & (r->size - 1));
	size_t part = MIN(n, r->size - pos);

	if (n == 0)
		return;
	memcpy(r->data + pos, p, part);
	memcpy(r->data, (const char *)p + part, n - part);
}

static void copy_out(const struct ring *r, uint64_t at, void *p, size_t n)
{
	size_t pos = (size_t)(at & (r->size - 1));
	size_t part = MIN(n, r->size - pos);

	if (n == 0)
		return;
	memcpy(p, r->data + pos, part);
	memcpy((char *)p + part, r->data, n - part);
}

/* True when `need` more bytes keep the fill level within `limit`. */
static bool has_room(const struct ring *r, uint64_t need, uint64_t limit)
{
	uint64_t head = __atomic_load_n(&r->shared->head, __ATOMIC_ACQUIRE);
	uint64_t used = r->tail - head;

	return used <= limit && need <= limit - used;
}

/* One sleep for room until the deadline. 0: look again; -EAGAIN: time over. */
static int sleep_for_room(struct ring *r, uint64_t need, uint64_t deadline)
{
	uint64_t now = clock_monotonic_ns();
	uint32_t seen;
	struct timespec t;

	if (now >= deadline)
		return -EAGAIN;
	seen = __atomic_load_n(&r->shared->room, __ATOMIC_RELAXED);
	__atomic_store_n(&r->shared->waiting, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (has_room(r, need, r->size) ||
	    __atomic_load_n(&r->shared->closed, __ATOMIC_RELAXED))
		return 0;
	t.tv_sec = (time_t)((deadline - now) / 1000000000U);
	t.tv_nsec = (long)((deadline - now) % 1000000000U);
	/* Whatever the answer (woken, changed, interrupted): look again. */
	(void)syscall(SYS_futex, &r->shared->room, FUTEX_WAIT, seen, &t, NULL,
		      0);
	return 0;
}

static int wait_for_room(struct ring *r, uint64_t need, int timeout_ms)
{
	uint64_t wait_ms = timeout_ms > 0 ? (uint64_t)timeout_ms : 0;
	uint64_t deadline = clock_monotonic_ns() + wait_ms * NS_PER_MS;

	while (!has_room(r, need, r->size)) {
		int rc;

		if (__atomic_load_n(&r->shared->closed, __ATOMIC_RELAXED))
			return -EPIPE;
		rc = sleep_for_room(r, need, deadline);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void wake_reader(struct ring *r)
{
	static const uint64_t one = 1;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&r->shared->asleep, __ATOMIC_RELAXED))
		return;
	if (!__atomic_exchange_n(&r->shared->asleep, 0, __ATOMIC_SEQ_CST))
		return;
	/* Fails only when the counter is full, and then it is readable. */
	(void)!write(r->eventfd, &one, sizeof(one));
}

int ring_write(struct ring *r, struct str record, bool must_keep,
	       int timeout_ms)
{
	uint64_t need = padded(record.n);
	uint32_t len = (uint32_t)record.n;
	int rc = 0;

	if (record.n > r->size / 2 - sizeof(len))
		return -E2BIG;
	if (__atomic_load_n(&r->shared->closed, __ATOMIC_RELAXED))
		return -EPIPE;
	if (!has_room(r, need, r->size - r->size / 8))
		rc = must_keep ? wait_for_room(r, need, timeout_ms) : -EAGAIN;
	if (rc == -EAGAIN)
		r->dropped++;
	if (rc < 0)
		return rc;
	copy_in(r, r->tail, &len, sizeof(len));
	copy_in(r, r->tail + sizeof(len), record.p, record.n);
	r->tail += need;
	__atomic_store_n(&r->shared->tail, r->tail, __ATOMIC_RELEASE);
	wake_reader(r);
	return 0;
}

uint64_t ring_take_dropped(struct ring *r)
{
	uint64_t n = r->dropped;

	r->dropped = 0;
	return n;
}

static int corrupt(struct ring *r)
{
	r->bad = true;
	return -EBADMSG;
}

/* How many published bytes there are; -EBADMSG when tail cannot be true. */
static int64_t readable(struct ring *r)
{
	uint64_t tail = __atomic_load_n(&r->shared->tail, __ATOMIC_ACQUIRE);
	uint64_t n = tail - r->head;

	if (n > r->size || n % 8 || tail - r->seen_tail > r->size)
		return corrupt(r);
	r->seen_tail = tail;
	return (int64_t)n;
}

/* Takes back the sleep mark and a wake-up that may have come of it. */
static void wake_up(struct ring *r)
{
	uint64_t count;

	if (!r->armed)
		return;
	r->armed = false;
	__atomic_store_n(&r->shared->asleep, 0, __ATOMIC_RELAXED);
	(void)!read(r->eventfd, &count, sizeof(count));
}

/* Says that the reader sleeps, and what there is to read after that. */
static int64_t go_to_sleep(struct ring *r)
{
	r->armed = true;
	__atomic_store_n(&r->shared->asleep, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return readable(r);
}

/* Copies the record at head out of the ring; avail bytes are published. */
static int take_record(struct ring *r, uint64_t avail)
{
	uint32_t len;

	/* Read once: the writer may change it under our eyes. */
	copy_out(r, r->head, &len, sizeof(len));
	if (len > r->size / 2 - sizeof(len) || padded(len) > avail)
		return corrupt(r);
	buf_reset(&r->copy);
	if (!buf_reserve(&r->copy, len))
		return r->copy.error;
	copy_out(r, r->head + sizeof(len), r->copy.data, len);
	r->pending = padded(len);
	r->pending_len = len;
	return 0;
}

int ring_peek(struct ring *r, struct str *ret)
{
	int64_t avail;
	int rc;

	if (r->bad)
		return -EBADMSG;
	if (r->pending == 0) {
		wake_up(r);
		avail = readable(r);
		if (avail == 0)
			avail = go_to_sleep(r);
		if (avail < 0)
			return (int)avail;
		if (avail == 0)
			return -EAGAIN;
		rc = take_record(r, (uint64_t)avail);
		if (rc < 0)
			return rc;
	}
	*ret = str_from_n(r->copy.data, r->pending_len);
	return 0;
}

void ring_stay_awake(struct ring *r)
{
	wake_up(r);
}

bool ring_pending(struct ring *r)
{
	return r->bad || r->pending || readable(r) != 0;
}

void ring_consume(struct ring *r)
{
	if (r->pending == 0)
		return;
	r->head += r->pending;
	r->pending = 0;
	__atomic_store_n(&r->shared->head, r->head, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&r->shared->waiting, __ATOMIC_RELAXED))
		wake_writer(r);
}

int ring_eventfd(const struct ring *r)
{
	return r->eventfd;
}
