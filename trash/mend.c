/* SPDX-License-Identifier: MIT */
/*
 * mend.c - what a power cut leaves of a store's files
 *
 * Records are appended without fsync, so after a power cut any sectors of a
 * journal may be missing (zeros) while later ones are there. Reading stops at
 * the first record that does not check; here the next whole one is looked for,
 * and what lies between is skipped from then on. Records that name a directory
 * or group of the lost part lead nowhere and are ignored; the inodes kept by
 * them are found by what their payload directories say (recover.c).
 */
#include "trash/mend.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "trash/index.h"

/* Offset of the next whole record behind `from`, or the end. */
static size_t next_whole(struct str journal, size_t from)
{
	for (size_t at = from; at < journal.n; at++) {
		struct str rest = str_skip(journal, at), payload;
		enum record_type type;

		if (record_next(&rest, &type, &payload) == 1 && type > 0 &&
		    type < RECORD_TYPE_MAX)
			return at;
	}
	return journal.n;
}

static int put_skip(struct trash *t, int fd, size_t from, size_t n)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	ssize_t w;

	record_put_skip(&b, n);
	if (b.error)
		return b.error;
	do
		w = pwrite(fd, b.data, b.len, (off_t)from);
	while (w < 0 && reserve_use(t, -errno));
	return w == (ssize_t)b.len ? 0 : w < 0 ? -errno : -ENOSPC;
}

/* SKIP records over [from, end), each as long as a record may be. */
static int skip_over(struct trash *t, int fd, size_t from, size_t end)
{
	const size_t least = RECORD_FRAME + 1, most = RECORD_MAX;
	int r = 0;

	while (r == 0 && end - from >= least) {
		size_t n = MIN(end - from, most);

		/* What is left must hold one as well. */
		if (end - from - n > 0 && end - from - n < least)
			n -= least;
		r = put_skip(t, fd, from, n);
		from += n;
	}
	return r;
}

static int mend_mapped(struct trash *t, int fd, struct str journal)
{
	struct str rest = journal, payload;
	enum record_type type;
	int r = 1;

	while (r >= 0 && rest.n > 0) {
		size_t at = journal.n - rest.n, next;

		r = record_next(&rest, &type, &payload);
		if (r >= 0)
			continue;
		next = next_whole(journal, at + RECORD_FRAME + 1);
		if (next == journal.n)
			return 0; /* the rest is the end: recover.c */
		r = skip_over(t, fd, at, next);
		rest = str_skip(journal, next);
	}
	return MIN(r, 0);
}

int mend_journal(struct trash *t, int wfd)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	void *p;
	int r;

	fd = openat(wfd, "journal", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return 0;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	r = mend_mapped(t, fd, str_from_n(p, (size_t)st.st_size));
	(void)munmap(p, (size_t)st.st_size);
	return r;
}

static uint64_t last_seq(const struct index *ix)
{
	uint64_t seq = ix->items.n ? ix->items.data[ix->items.n - 1].seq : 0;

	for (size_t i = 0; i < ix->writers.n; i++)
		for (size_t k = 0; k < ix->writers.data[i].groups.n; k++)
			seq = MAX(seq,
				  ix->writers.data[i].groups.data[k].rec.seq);
	return seq;
}

int mend_state(struct trash *t)
{
	_cleanup_index_ struct index ix = { 0 };
	struct trash_state *s = t->state;
	uint64_t bytes = 0, entries = 0;
	int r = index_load(t, 0, &ix);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ix.items.n; i++) {
		const struct index_item *item = &ix.items.data[i];
		struct record_op op;

		if (item->flags & (INDEX_ABORTED | INDEX_GONE) ||
		    index_op(&ix, item, &op) < 0 || !op_has_payload(&op))
			continue;
		bytes += op.st.bytes;
		entries++;
	}
	__atomic_store_n(&s->bytes, bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&s->entries, entries, __ATOMIC_RELAXED);
	if (s->clock < last_seq(&ix))
		__atomic_store_n(&s->clock, last_seq(&ix), __ATOMIC_RELAXED);
	return 0;
}
