/* SPDX-License-Identifier: MIT */
/*
 * slot.c - payload directories: one per directory that something was kept from
 *
 * Per-directory payload directories beat one flat one by a fifth at 100,000
 * entries, and they carry their origin: the path is written as an extended
 * attribute (or a file .path where there are none) before the first rename into
 * it, so in the order of the file system's own journal. A journal lost in a
 * power cut is then not the only copy of where things belong.
 *
 * Open ones are cached, direct-mapped: a recursive removal works directory by
 * directory. A miss makes another payload directory for the same path, which is
 * harmless.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "trash/store.h"

#define SLOT_XATTR "user.agentsh.path"

void slot_dir_name(char out[16], uint32_t id)
{
	(void)snprintf(out, 16, "%08x", id);
}

void slot_name(char out[SLOT_NAME_MAX + 1], uint64_t seq, uint8_t how,
	       struct str name)
{
	char mark = how == TRASH_HOW_COPY || how == TRASH_HOW_REFLINK ? '^'
								      : '~';

	/* 200 bytes of the name are for people; the journal has it whole. */
	(void)snprintf(out, SLOT_NAME_MAX + 1, "%016llx%c" STR_FMT,
		       (unsigned long long)seq, mark,
		       (int)MIN(name.n, (size_t)200), name.n ? name.p : "");
}

static struct slotdir *slotdir_free(struct slotdir *s)
{
	if (!s)
		return NULL;
	cleanup_close_p(&s->fd);
	free(s->path);
	free(s);
	return NULL;
}
DEFINE_CLEANUP(slotdir_free, struct slotdir *)

static uint64_t hash_path(uint32_t group, struct str path)
{
	uint64_t h = 0xcbf29ce484222325ULL ^ group;

	for (size_t i = 0; i < path.n; i++)
		h = (h ^ (uint8_t)path.p[i]) * 0x100000001b3ULL;
	return h ^ (h >> 31);
}

static int write_origin(int dirfd, struct str path)
{
	_cleanup_close_ int fd = -1;

	if (fsetxattr(dirfd, SLOT_XATTR, path.n ? path.p : "", path.n, 0) == 0)
		return 0;
	fd = openat(dirfd, ".path", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return -errno;
	return fd_write_full(fd, path.p, path.n);
}

static int try_mkdir(struct trash *t, struct slotdir *s)
{
	_cleanup_close_ int fd = -1;
	char name[16];
	int r;

	slot_dir_name(name, s->id);
	TRASH_STEP("slot-mkdir");
	if (mkdirat(t->wfd, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(t->wfd, name,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	r = write_origin(fd, str_from(s->path));
	if (r < 0)
		return r;
	s->fd = TAKE_FD(fd);
	return 0;
}

static int slot_mkdir(struct trash *t, struct slotdir *s)
{
	int r = try_mkdir(t, s);

	return reserve_use(t, r) ? try_mkdir(t, s) : r;
}

static void drop_locked(struct slotdir *s)
{
	if (--s->refs == 0 && s->stale)
		(void)slotdir_free(s);
}

/* Makes room in a cache place. */
static void evict(struct trash *t, size_t i)
{
	struct slotdir *old = t->slots[i];

	t->slots[i] = NULL;
	if (!old)
		return;
	old->stale = true;
	if (old->refs == 0)
		(void)slotdir_free(old);
}

static int slot_new(struct trash *t, uint32_t group, uint64_t hash,
		    struct str path, int parent_fd, struct slotdir **ret)
{
	_cleanup_(slotdir_free_p) struct slotdir *s = calloc(1, sizeof(*s));
	struct record_dir rec = { .group = group, .path = path };
	int r;

	if (!s)
		return -ENOMEM;
	s->fd = -1;
	s->hash = hash;
	s->group = group;
	s->path = str_dup(path);
	if (!s->path)
		return -ENOMEM;
	store_settle(t, parent_fd);
	r = store_stat(parent_fd, "", &rec.st);
	if (r < 0)
		return r;
	s->id = rec.id = ++t->next_dir;
	record_put_dir(journal_scratch(t), &rec);
	r = journal_commit(t);
	if (r < 0)
		return r;
	*ret = TAKE(s);
	return 0;
}

static int slot_get_locked(struct trash *t, uint32_t group, struct str path,
			   int parent_fd, bool want_fd, struct slotdir **ret)
{
	uint64_t hash = hash_path(group, path);
	size_t i = hash % SLOT_CACHE;
	struct slotdir *s = t->slots[i];
	int r;

	if (!store_group(t, group))
		return -EINVAL;
	if (!s || s->hash != hash || s->group != group ||
	    !str_eq_c(path, s->path)) {
		r = slot_new(t, group, hash, path, parent_fd, &s);
		if (r < 0)
			return r;
		evict(t, i);
		t->slots[i] = s;
	}
	if (want_fd && s->fd < 0) {
		r = slot_mkdir(t, s);
		if (r < 0)
			return r;
	}
	s->refs++;
	*ret = s;
	return 0;
}

int slot_get(struct trash *t, uint32_t group, struct str path, int parent_fd,
	     bool want_fd, struct slotdir **ret)
{
	int r;

	(void)pthread_mutex_lock(&t->lock);
	r = slot_get_locked(t, group, path, parent_fd, want_fd, ret);
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

int slot_need_fd(struct trash *t, struct slotdir *s)
{
	int r = 0;

	(void)pthread_mutex_lock(&t->lock);
	if (s->fd < 0)
		r = slot_mkdir(t, s);
	(void)pthread_mutex_unlock(&t->lock);
	return r;
}

void slot_put(struct trash *t, struct slotdir *s)
{
	if (!s)
		return;
	(void)pthread_mutex_lock(&t->lock);
	drop_locked(s);
	(void)pthread_mutex_unlock(&t->lock);
}

void slot_forget(struct trash *t, struct slotdir *s)
{
	(void)pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < SLOT_CACHE; i++)
		if (t->slots[i] == s)
			evict(t, i);
	(void)pthread_mutex_unlock(&t->lock);
}

void slot_cache_done(struct trash *t)
{
	for (size_t i = 0; i < SLOT_CACHE; i++)
		evict(t, i);
}
