/* SPDX-License-Identifier: MIT */
/*
 * attribution.c - who a thread acts for
 *
 * A command's entry is written before its generation, and its generation is
 * zeroed before it is written again: a reader that finds the same generation
 * before and after copying has a whole entry.
 */
#include "core/attribution.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/macro.h"

#define MAGIC    0x6174747231ULL /* "attr1" */
#define COMMANDS 1024U
#define THREADS  128U
#define N_TOTALS 7U

struct entry {
	_Atomic uint64_t generation; /* 0: free or being written */
	_Atomic int32_t first;
	uint32_t unused;
	_Atomic uint64_t totals[N_TOTALS]; /* in the order of the struct */
	char id[ATTRIBUTION_ID_MAX];
	char words[ATTRIBUTION_LINE_MAX];
};
_Static_assert(sizeof(struct attribution_totals) == N_TOTALS * 8,
	       "all of it are numbers");

struct thread {
	_Atomic int32_t tid; /* 0: free */
	_Atomic int32_t caller;
	_Atomic uint32_t place;
	_Atomic uint32_t own; /* not a forked child's */
};

struct attribution {
	uint64_t magic;
	_Atomic uint64_t changes; /* also the next generation */
	_Atomic uint32_t used;    /* entries ever used: what to look through */
	_Atomic uint32_t n_threads;
	struct thread threads[THREADS];
	struct entry entries[COMMANDS];
};

static _Thread_local struct thread *mine;
static bool forked;

int attribution_create(int *ret_fd)
{
	static const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	const uint64_t magic = MAGIC;
	_cleanup_close_ int fd = memfd_create("agentsh-attribution",
					      MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, sizeof(struct attribution)) < 0 ||
	    pwrite(fd, &magic, sizeof(magic), 0) != sizeof(magic) ||
	    fcntl(fd, F_ADD_SEALS, seals) < 0)
		return -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int attribution_map(int fd, struct attribution **ret)
{
	struct attribution *a;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size != (off_t)sizeof(*a))
		return -EBADMSG;
	a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (a == MAP_FAILED)
		return -errno;
	if (a->magic != MAGIC) {
		(void)munmap(a, sizeof(*a));
		return -EBADMSG;
	}
	*ret = a;
	return 0;
}

struct attribution *attribution_unmap(struct attribution *a)
{
	if (a)
		(void)munmap(a, sizeof(*a));
	mine = NULL;
	return NULL;
}

static void put(char *to, size_t room, struct str s)
{
	size_t n = MIN(s.n, room - 1);

	memcpy(to, s.p ? s.p : "", n);
	to[n] = '\0';
}

int attribution_add(struct attribution *a, struct str id, struct str words,
		    pid_t first, uint32_t *ret_place)
{
	struct entry *e;
	uint32_t i = 0;

	while (i < COMMANDS && atomic_load(&a->entries[i].generation) != 0)
		i++;
	if (i == COMMANDS)
		return -ENOSPC;
	e = &a->entries[i];
	put(e->id, sizeof(e->id), id);
	put(e->words, sizeof(e->words), words);
	for (uint32_t k = 0; k < N_TOTALS; k++)
		atomic_store(&e->totals[k], 0);
	atomic_store(&e->first, first);
	if (i >= atomic_load(&a->used))
		atomic_store(&a->used, i + 1);
	atomic_store(&e->generation, atomic_fetch_add(&a->changes, 1) + 1);
	*ret_place = i;
	return 0;
}

void attribution_set_first(struct attribution *a, uint32_t place, pid_t first)
{
	if (place >= COMMANDS)
		return;
	atomic_store(&a->entries[place].first, first);
	atomic_fetch_add(&a->changes, 1);
}

void attribution_remove(struct attribution *a, uint32_t place)
{
	if (place >= COMMANDS)
		return;
	atomic_store(&a->entries[place].first, 0);
	atomic_store(&a->entries[place].generation, 0);
	atomic_fetch_add(&a->changes, 1);
}

static struct thread *claim(struct attribution *a, pid_t tid)
{
	for (uint32_t i = 0; i < THREADS; i++) {
		struct thread *t = &a->threads[i];
		int32_t holder = atomic_load(&t->tid);

		/* What a dead one left is free. */
		if (holder != 0 && holder != tid &&
		    (kill(holder, 0) == 0 || errno != ESRCH))
			continue;
		if (!atomic_compare_exchange_strong(&t->tid, &holder, tid))
			continue;
		atomic_store(&t->own, !forked);
		if (i >= atomic_load(&a->n_threads))
			atomic_store(&a->n_threads, i + 1);
		return t;
	}
	return NULL;
}

void attribution_reset(struct attribution *a)
{
	for (uint32_t i = 0; i < COMMANDS; i++)
		if (atomic_load(&a->entries[i].generation) != 0)
			attribution_remove(a, i);
	for (uint32_t i = 0; i < THREADS; i++)
		atomic_store(&a->threads[i].tid, 0);
	mine = NULL;
}

void attribution_forked(void)
{
	forked = true;
	mine = NULL;
}

void attribution_act(struct attribution *a, uint32_t place, pid_t caller)
{
	if (!mine)
		mine = claim(a, (pid_t)syscall(SYS_gettid));
	if (!mine)
		return;
	atomic_store_explicit(&mine->place, place, memory_order_relaxed);
	atomic_store_explicit(&mine->caller, caller, memory_order_release);
}

void attribution_leave(void)
{
	if (mine)
		atomic_store(&mine->tid, 0);
	mine = NULL;
}

static uint64_t generation_of(const struct attribution *a, uint32_t place)
{
	return place < COMMANDS ? atomic_load(&a->entries[place].generation)
				: 0;
}

uint64_t attribution_of_thread(const struct attribution *a, pid_t tid,
			       uint32_t *ret_place, pid_t *ret_caller,
			       bool *ret_own)
{
	uint32_t n = MIN(atomic_load(&a->n_threads), THREADS);

	for (uint32_t i = 0; i < n; i++) {
		const struct thread *t = &a->threads[i];

		if (atomic_load_explicit(&t->tid, memory_order_relaxed) != tid)
			continue;
		*ret_caller =
			atomic_load_explicit(&t->caller, memory_order_acquire);
		*ret_place =
			atomic_load_explicit(&t->place, memory_order_relaxed);
		*ret_own = atomic_load_explicit(&t->own, memory_order_relaxed);
		return generation_of(a, *ret_place);
	}
	return 0;
}

uint64_t attribution_of_first(const struct attribution *a, pid_t pid,
			      uint32_t *ret_place)
{
	uint32_t n = MIN(atomic_load(&a->used), COMMANDS);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t g = generation_of(a, i);

		if (g != 0 && atomic_load(&a->entries[i].first) == pid) {
			*ret_place = i;
			return g;
		}
	}
	return 0;
}

uint64_t attribution_of_only(const struct attribution *a, uint32_t *ret_place)
{
	uint32_t n = MIN(atomic_load(&a->used), COMMANDS);
	uint64_t found = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t g = generation_of(a, i);

		if (g != 0 && found != 0)
			return 0;
		if (g == 0)
			continue;
		found = g;
		*ret_place = i;
	}
	return found;
}

int attribution_get(const struct attribution *a, uint32_t place,
		    uint64_t generation, struct attributed *ret)
{
	const struct entry *e;

	if (generation == 0 || generation_of(a, place) != generation)
		return -ESTALE;
	e = &a->entries[place];
	memcpy(ret->id, e->id, sizeof(ret->id));
	memcpy(ret->words, e->words, sizeof(ret->words));
	ret->id[sizeof(ret->id) - 1] = '\0';
	ret->words[sizeof(ret->words) - 1] = '\0';
	atomic_thread_fence(memory_order_acquire);
	return generation_of(a, place) == generation ? 0 : -ESTALE;
}

void attribution_put_totals(struct attribution *a, uint32_t place,
			    uint64_t generation,
			    const struct attribution_totals *t)
{
	uint64_t v[N_TOTALS];

	if (generation == 0 || generation_of(a, place) != generation)
		return;
	memcpy(v, t, sizeof(v));
	for (uint32_t k = 0; k < N_TOTALS; k++)
		atomic_store_explicit(&a->entries[place].totals[k], v[k],
				      memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

void attribution_get_totals(const struct attribution *a, uint32_t place,
			    struct attribution_totals *ret)
{
	uint64_t v[N_TOTALS] = { 0 };

	atomic_thread_fence(memory_order_acquire);
	for (uint32_t k = 0; place < COMMANDS && k < N_TOTALS; k++)
		v[k] = atomic_load_explicit(&a->entries[place].totals[k],
					    memory_order_relaxed);
	memcpy(ret, v, sizeof(v));
}

uint64_t attribution_changes(const struct attribution *a)
{
	return atomic_load(&a->changes);
}
