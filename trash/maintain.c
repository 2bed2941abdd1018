/* SPDX-License-Identifier: MIT */
/*
 * maintain.c - background work and figures
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/fd.h"
#include "trash/copy.h"
#include "trash/index.h"
#include "trash/restore.h"

#define NSEC_PER_MSEC  1000000ULL
#define PURGE_EVERY_NS (600LL * 1000000000)
#define READ_AHEAD     (256U << 10)

static int add_writer(struct trash *t, const char *name, struct trash_usage *u)
{
	_cleanup_close_ int fd = -1;
	char path[NAME_MAX + sizeof("/journal")];
	struct stat st;

	if (strncmp(name, STORE_WRITER_PREFIX, 2) != 0 || strlen(name) > 32)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/journal", name);
	fd = openat(t->base_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	u->writers++;
	u->live_writers += store_journal_live(fd);
	u->journal_bytes += (uint64_t)st.st_size;
	return 0;
}

#define MOUNTED "mounted" /* locked while it is so */

void trash_set_mounted(struct trash *t)
{
	if (t->mounted_fd < 0)
		t->mounted_fd =
			openat(t->base_fd, MOUNTED,
			       O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (t->mounted_fd >= 0)
		(void)store_own_journal(t->mounted_fd);
}

static bool is_mounted(const struct trash *t)
{
	_cleanup_close_ int fd =
		openat(t->base_fd, MOUNTED, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && store_journal_live(fd);
}

int trash_usage(struct trash *t, struct trash_usage *ret)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct trash_usage u = {
		.max_bytes = t->opt.max_bytes,
		.max_entries = t->opt.max_entries,
	};
	struct dirent *e;
	int r;

	if (t->base_fd < 0) {
		*ret = u;
		return 0;
	}
	if (!t->opt.sets_budget) {
		u.max_bytes = t->state->max_bytes;
		u.max_entries = t->state->max_entries;
	}
	u.bytes = __atomic_load_n(&t->state->bytes, __ATOMIC_RELAXED);
	u.entries = __atomic_load_n(&t->state->entries, __ATOMIC_RELAXED);
	u.mounted = is_mounted(t);
	r = fd_opendir(t->base_fd, ".", &d);
	if (r < 0)
		return r;
	while ((e = readdir(d)))
		(void)add_writer(t, e->d_name, &u);
	*ret = u;
	return 0;
}

/* Hash of what one record keeps, if it is a small file. */
static void hash_one(struct trash *t, const struct record_op *op)
{
	_cleanup_close_ int fd = -1, data = -1;
	char path[SLOT_NAME_MAX + 32], name[SLOT_NAME_MAX + 1], dir[16];
	struct record_ref ref = { .seq = op->seq };
	bool target = op->verb == TRASH_VERB_RENAME;

	if (!op_has_payload(op) || !S_ISREG(op->st.mode) ||
	    op->st.size > t->opt.hash_under)
		return;
	slot_dir_name(dir, target ? op->dir2 : op->dir);
	slot_name(name, op->seq, op->how, target ? op->name2 : op->name);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = openat(t->wfd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	data = fd < 0 ? -1 : copy_open(fd);
	if (data >= 0 && digest_sha256_fd(data, ref.hash) == 0)
		journal_ref(t, RECORD_SUM, &ref);
}

/* Walks our own journal from where the last call stopped. 1: more to do. */
static int hash_some(struct trash *t, uint64_t deadline)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct str rest, payload;
	enum record_type type;
	uint64_t end, start = t->hashed;
	ssize_t n;
	char *p;

	(void)pthread_mutex_lock(&t->lock);
	end = t->joff;
	(void)pthread_mutex_unlock(&t->lock);
	if (!t->writer || t->opt.hash_under == 0 || start >= end)
		return 0;
	p = buf_reserve(&b, MIN(end - start, RECORD_MAX + READ_AHEAD));
	if (!p)
		return b.error;
	n = pread(t->jfd, p, MIN(end - start, RECORD_MAX + READ_AHEAD),
		  (off_t)start);
	if (n <= 0)
		return 0;
	rest = str_from_n(p, (size_t)n);
	while (record_next(&rest, &type, &payload) == 1) {
		struct record_op op;

		if (type == RECORD_OP && record_get_op(payload, &op) == 0)
			hash_one(t, &op);
		t->hashed = start + (uint64_t)n - rest.n;
		if (clock_monotonic_ns() > deadline)
			return 1;
	}
	return t->hashed < end;
}

int trash_maintain(struct trash *t, unsigned int budget_ms)
{
	uint64_t deadline = clock_monotonic_ns() + budget_ms * NSEC_PER_MSEC;
	struct purge_options o = PURGE_OPTIONS_INIT;
	struct purge_result purged;
	int r;

	if (t->opt.read_only)
		return -EROFS;
	reserve_make(t);
	do {
		r = hash_some(t, deadline);
	} while (r > 0 && clock_monotonic_ns() < deadline);
	if (r != 0 || t->opt.max_age_ns <= 0)
		return r;
	/* Reads every journal: seldom. */
	if (t->purged_ns &&
	    (int64_t)clock_monotonic_ns() - t->purged_ns < PURGE_EVERY_NS)
		return 0;
	t->purged_ns = (int64_t)clock_monotonic_ns();
	o.ttl_ns = t->opt.max_age_ns;
	return trash_purge(t, &o, &purged);
}
