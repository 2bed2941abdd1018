/* SPDX-License-Identifier: MIT */
/*
 * making.c - what is being made at this moment
 */
#include "trash/making.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "trash/store.h"

#define MAKING_FILE    "making"
#define MAKING_LONGEST 2000000000LL /* from the place to the inode's birth */
#define PROBES         4U

static int64_t coarse_now(void)
{
	struct timespec ts;

	/* What the kernel takes for an inode's times. Since 6.13 it may take the
	 * exact time: what was born up to a tick before can seem to be later. */
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (int64_t)ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static struct making *map(int wfd)
{
	_cleanup_close_ int fd = -1;
	struct making *m;

	fd = openat(wfd, MAKING_FILE,
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return NULL;
	/* A mapping of what has no blocks is a SIGBUS on a full disk. */
	m = fallocate(fd, 0, 0, sizeof(*m)) < 0
		    ? MAP_FAILED
		    : mmap(NULL, sizeof(*m), PROT_READ | PROT_WRITE, MAP_SHARED,
			   fd, 0);
	if (m == MAP_FAILED) {
		(void)unlinkat(wfd, MAKING_FILE, 0);
		return NULL;
	}
	m->places = MAKING_PLACES;
	m->magic = MAKING_MAGIC;
	return m;
}

static size_t first_probe(uint32_t group, struct str name)
{
	uint32_t h = 2166136261U ^ group;

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (uint8_t)name.p[i]) * 16777619U;
	return (h ^ h >> 16) % MAKING_PLACES;
}

static struct making_place *probe(struct making *m, size_t first, size_t i)
{
	return &m->place[(first + i) % MAKING_PLACES];
}

/* Empty, or that of a making which must have failed. */
static struct making_place *find_free(struct making *m, size_t first,
				      int64_t now)
{
	for (size_t i = 0; i < PROBES; i++) {
		struct making_place *p = probe(m, first, i);

		if (p->group == 0 || now - p->when_ns > MAKING_LONGEST ||
		    now < p->when_ns)
			return p;
	}
	return NULL;
}

void making_begin(struct trash *t, uint32_t group, uint32_t dir,
		  struct str name)
{
	struct making_place *p;
	int64_t now;

	if (!t->making && !t->no_making) {
		t->making = map(t->wfd);
		t->no_making = !t->making;
	}
	if (!t->making || name.n > NAME_MAX || name.n == 0)
		return;
	now = coarse_now();
	p = find_free(t->making, first_probe(group, name), now);
	if (!p)
		return;
	/* Whole before it counts: a kill may come at any instruction. */
	__atomic_store_n(&p->group, 0, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	p->dir = dir;
	p->when_ns = now;
	p->seq = __atomic_load_n(&t->state->clock, __ATOMIC_RELAXED);
	p->len = (uint16_t)name.n;
	memcpy(p->name, name.p, name.n);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&p->group, group, __ATOMIC_RELAXED);
}

void making_done(struct trash *t, uint32_t group, uint32_t dir, struct str name)
{
	size_t first = first_probe(group, name);

	for (size_t i = 0; t->making && i < PROBES; i++) {
		struct making_place *p = probe(t->making, first, i);

		if (p->group == group && p->dir == dir && p->len == name.n &&
		    memcmp(p->name, name.p, name.n) == 0)
			__atomic_store_n(&p->group, 0, __ATOMIC_RELAXED);
	}
}

void making_close(struct trash *t)
{
	if (!t->making)
		return;
	(void)munmap(t->making, sizeof(*t->making));
	t->making = NULL;
	making_remove(t->wfd);
}

void making_remove(int wfd)
{
	(void)unlinkat(wfd, MAKING_FILE, 0);
}

int making_load(int wfd, struct making *ret)
{
	_cleanup_close_ int fd = -1;

	fd = openat(wfd, MAKING_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (pread(fd, ret, sizeof(*ret), 0) != (ssize_t)sizeof(*ret))
		return -EBADMSG;
	if (ret->magic != MAKING_MAGIC || ret->places != MAKING_PLACES)
		return -EBADMSG;
	return 0;
}

static bool at_that_moment(const struct making_place *p, int64_t ns)
{
	return ns >= p->when_ns && ns - p->when_ns <= MAKING_LONGEST;
}

static enum trash_verb verb_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return TRASH_VERB_MKDIR;
	if (S_ISLNK(mode))
		return TRASH_VERB_SYMLINK;
	return S_ISREG(mode) ? TRASH_VERB_CREATE : TRASH_VERB_MKNOD;
}

bool making_fits(const struct making_place *p, int parent, const char *name,
		 struct record_stat *ret, enum trash_verb *ret_verb)
{
	struct stat st;
	int64_t ctime_ns;

	if (store_stat(parent, name, ret) < 0 ||
	    fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	ctime_ns =
		(int64_t)st.st_ctim.tv_sec * 1000000000LL + st.st_ctim.tv_nsec;
	/* Without times of birth the last change has to do. */
	if (at_that_moment(p, ret->btime_ns ? ret->btime_ns : ctime_ns)) {
		*ret_verb = verb_of(ret->mode);
		return true;
	}
	*ret_verb = TRASH_VERB_LINK;
	return !S_ISDIR(ret->mode) && ret->nlink > 1 &&
	       at_that_moment(p, ctime_ns);
}
