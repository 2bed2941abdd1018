/* SPDX-License-Identifier: MIT */
/*
 * journal.c - this process's journal: append, summarise, close
 *
 * One pwrite(2) per record: it survives a kill of the process (page cache), and
 * a torn one is at the end and told by its check sum. There is no fsync per
 * record: after a power cut the last records may be missing while the renames
 * are there; the payload directories carry their origin (slot.c), so recovery
 * can still tell where their files belong.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/fd.h"
#include "trash/making.h"
#include "trash/store.h"

#define JOURNAL_AHEAD (256U << 10) /* so that removing works on a full disk */
#define SUMMARY_EVERY 4096U

static int writer_mkdir(struct trash *t)
{
	char name[32];
	uint64_t id = 0;

	for (int tries = 0; tries < 8; tries++) {
		if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
			return -EIO;
		if (id == 0)
			continue;
		(void)snprintf(name, sizeof(name),
			       STORE_WRITER_PREFIX "%016llx",
			       (unsigned long long)id);
		if (mkdirat(t->base_fd, name, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return -errno;
		}
		t->wfd =
			openat(t->base_fd, name,
			       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (t->wfd < 0)
			return -errno;
		t->writer = id;
		return 0;
	}
	return -EEXIST;
}

static int writer_files(struct trash *t)
{
	int r;

	t->jfd = openat(t->wfd, "journal",
			O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (t->jfd < 0)
		return -errno;
	r = store_own_journal(t->jfd);
	if (r < 0)
		return r;
	t->gfd = openat(t->wfd, "groups",
			O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	return t->gfd < 0 ? -errno : 0;
}

static void writer_undo(struct trash *t)
{
	cleanup_close_p(&t->wfd);
	cleanup_close_p(&t->jfd);
	cleanup_close_p(&t->gfd);
	t->wfd = t->jfd = t->gfd = -1;
	t->writer = 0;
}

int journal_ready(struct trash *t)
{
	_cleanup_close_ int lock = -1;
	int r;

	if (t->writer)
		return 0;
	if (t->opt.read_only || t->base_fd < 0)
		return -EROFS;
	/* Recovery must not find a journal that is not locked yet. */
	lock = store_lock(t);
	if (lock < 0)
		return lock;
	r = writer_mkdir(t);
	if (reserve_use(t, r))
		r = writer_mkdir(t);
	if (r == 0)
		r = writer_files(t);
	if (reserve_use(t, r)) {
		(void)unlinkat(t->wfd, "journal", 0);
		cleanup_close_p(&t->jfd);
		r = writer_files(t);
	}
	if (r == 0) {
		record_put_head(journal_scratch(t),
				&(struct record_head){
					.writer = t->writer,
					.when_ns = clock_realtime_ns(),
					.pid = (uint32_t)getpid(),
					.root = buf_str(&t->root_path),
				});
		r = journal_commit(t);
	}
	if (r < 0)
		writer_undo(t);
	return r;
}

struct buf *journal_scratch(struct trash *t)
{
	buf_reset(&t->scratch);
	return &t->scratch;
}

/* Not on a disk that is nearly full: the little that is left serves better. */
static void allocate_ahead(struct trash *t, uint64_t end)
{
	struct statvfs v;

	if (fstatvfs(t->jfd, &v) < 0 ||
	    v.f_bavail * v.f_frsize < 16 * (uint64_t)JOURNAL_AHEAD)
		return;
	if (fallocate(t->jfd, FALLOC_FL_KEEP_SIZE, (off_t)t->joff,
		      (off_t)(end - t->joff + JOURNAL_AHEAD)) == 0)
		t->jalloc = end + JOURNAL_AHEAD;
}

int journal_commit(struct trash *t)
{
	struct str s = buf_str(&t->scratch);
	uint64_t end = t->joff + s.n;

	if (t->scratch.error)
		return t->scratch.error;
	if (end > t->jalloc)
		allocate_ahead(t, end);
	TRASH_STEP("journal");
	for (size_t done = 0; done < s.n;) {
		ssize_t n = pwrite(t->jfd, s.p + done, s.n - done,
				   (off_t)(t->joff + done));

		if (n < 0 && errno == EINTR)
			continue;
		/* What was written is overwritten by the next record. */
		if (n <= 0) {
			int r = n < 0 ? -errno : -ENOSPC;

			if (reserve_use(t, r))
				continue;
			return r;
		}
		done += (size_t)n;
	}
	t->joff = end;
	if (++t->since_summary >= SUMMARY_EVERY)
		(void)journal_summarise(t);
	return 0;
}

/*
 * Appends the state of every group that changed, then how much of the journal
 * that covers, in one write: a torn batch is ignored by readers, which then
 * read a longer tail of the journal.
 */
int journal_summarise(struct trash *t)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	size_t start;

	if (t->gfd < 0)
		return 0;
	for (size_t i = 0; i < t->groups.n; i++)
		if (t->groups.data[i]->dirty)
			group_put(&b, t->groups.data[i]);
	start = record_begin(&b, RECORD_COVERED);
	buf_put(&b, &t->joff, sizeof(t->joff));
	record_end(&b, start);
	if (b.error)
		return b.error;
	t->since_summary = 0;
	if (write(t->gfd, b.data, b.len) != (ssize_t)b.len)
		return -EIO;
	for (size_t i = 0; i < t->groups.n; i++)
		t->groups.data[i]->dirty = false;
	return 0;
}

void journal_ref(struct trash *t, enum record_type type,
		 const struct record_ref *ref)
{
	(void)pthread_mutex_lock(&t->lock);
	if (journal_ready(t) == 0) {
		record_put_ref(journal_scratch(t), type, ref);
		if (journal_commit(t) == 0)
			t->n_ops++;
	}
	(void)pthread_mutex_unlock(&t->lock);
}

/* Commands that are cut short: they wrote to what they have open until now. */
static void close_groups(struct trash *t)
{
	int64_t now = clock_realtime_ns();

	for (size_t i = 0; i < t->groups.n; i++) {
		struct group *g = t->groups.data[i];

		if (g->ended)
			continue;
		g->ended = true;
		g->end_ns = MAX(g->end_ns, now);
		g->dirty = true;
		record_put_ref(journal_scratch(t), RECORD_END,
			       &(struct record_ref){ .by = g->id,
						     .when_ns = g->end_ns });
		(void)journal_commit(t);
	}
}

/* Commands that did nothing leave nothing. */
static void remove_writer(struct trash *t)
{
	char name[32];

	(void)snprintf(name, sizeof(name), STORE_WRITER_PREFIX "%016llx",
		       (unsigned long long)t->writer);
	making_close(t);
	(void)unlinkat(t->wfd, "groups", 0);
	(void)unlinkat(t->wfd, "journal", 0);
	(void)unlinkat(t->base_fd, name, AT_REMOVEDIR);
}

void journal_close(struct trash *t)
{
	_cleanup_close_ int fd = -1;

	if (!t->writer)
		return;
	if (t->n_ops == 0) {
		remove_writer(t);
		return;
	}
	making_close(t);
	close_groups(t);
	if (journal_summarise(t) < 0)
		return; /* the next to open it recovers */
	/* Blocks set aside beyond the end are given back. */
	if (ftruncate(t->jfd, (off_t)t->joff) < 0)
		return;
	(void)fdatasync(t->jfd);
	fd = openat(t->wfd, "closed", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}
