/* SPDX-License-Identifier: MIT */
/*
 * cwd.c - working directories of callers, held for some milliseconds
 *
 * Most opens are relative to the working directory; opening /proc/TID/cwd and
 * reading its name for each of them costs as much as the open itself. What is
 * held here is an object (a descriptor) and its name.
 *
 * The object is the wrong one once the caller, or a thread that shares its
 * working directory, has changed it. chdir and fchdir are therefore notified.
 * They go on (nothing is decided about them), so the change happens after we
 * looked: until the thread makes its next call, nothing of its process is held
 * anew. A wrong object would harm nobody but the caller itself: what is judged
 * is what is opened.
 *
 * The name is the wrong one once the directory or one above has been renamed.
 * Renames by commands of this session are made by us, who forget all names
 * then. Renames by others (the host, another session) show after HOLD_NS at
 * the latest; until then an open is judged as if it had come just before the
 * rename.
 */
#include "tracer/cwd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/loop.h"
#include "tracer/backend.h"
#include "tracer/identity.h"
#include "tracer/notify.h"
#include "tracer/ownfd.h"
#include "tracer/tracer.h"

#define HOLD_NS     5000000U    /* 5 ms */
#define MOVE_MAX_NS 1000000000U /* no chdir() takes longer */

static void drop(struct cwd *c)
{
	if (c->tid)
		(void)close(c->fd);
	c->tid = 0;
}

static bool moves(const struct cwd_cache *cache, pid_t pid, uint64_t now)
{
	for (size_t i = 0; i < cache->n_moving; i++)
		if (cache->moving[i].pid == pid &&
		    now - cache->moving[i].since_ns < MOVE_MAX_NS)
			return true;
	return false;
}

static int look(struct cwd *c, pid_t tid)
{
	_cleanup_identity_ struct identity *was = identity_look();
	char path[48];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/cwd", tid);
	c->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->fd < 0)
		return -errno;
	buf_reset(&c->path);
	r = ownfd_path(c->fd, &c->path);
	if (r < 0)
		(void)close(c->fd);
	return r;
}

const struct cwd *cwd_of(const struct request *q)
{
	struct cwd_cache *cache = &q->tracer->cwds;
	struct cwd *c = &cache->slots[(unsigned int)q->tid % CWD_SLOTS];
	uint64_t now = loop_now(q->tracer->loop);

	if (!q->backend->tells_chdir)
		return NULL;
	if (c->tid == q->tid && c->pid == q->pid && now < c->until_ns)
		return c;
	drop(c);
	if (cache->n_moving && moves(cache, q->pid, now))
		return NULL;
	if (look(c, q->tid) < 0)
		return NULL;
	c->tid = q->tid;
	c->pid = q->pid;
	c->until_ns = now + HOLD_NS;
	/* Was it the caller we looked at, and does the directory exist? */
	if (request_valid(q) && c->path.len && c->path.data[0] == '/' &&
	    !str_ends(buf_str(&c->path), STR(" (deleted)")))
		return c;
	drop(c);
	return NULL;
}

void cwd_arrived(struct tracer *t, pid_t tid)
{
	struct cwd_cache *cache = &t->cwds;

	for (size_t i = 0; i < cache->n_moving; i++)
		if (cache->moving[i].tid == tid)
			cache->moving[i] = (struct cwd_moving){ 0 };
	while (cache->n_moving && !cache->moving[cache->n_moving - 1].tid)
		cache->n_moving--;
}

void cwd_moves(struct request *q)
{
	struct cwd_cache *cache = &q->tracer->cwds;
	struct cwd_moving *m = &cache->moving[0];

	for (size_t i = 0; i < CWD_SLOTS; i++)
		if (cache->slots[i].pid == q->pid)
			drop(&cache->slots[i]);
	/* A free place, or that of the oldest: it is most likely over. */
	for (size_t i = 0; i < CWD_MOVING && m->tid; i++)
		if (!cache->moving[i].tid ||
		    cache->moving[i].since_ns < m->since_ns)
			m = &cache->moving[i];
	*m = (struct cwd_moving){ q->tid, q->pid, loop_now(q->tracer->loop) };
	cache->n_moving = MAX(cache->n_moving, (size_t)(m - cache->moving) + 1);
}

void cwd_renamed(struct tracer *t)
{
	for (size_t i = 0; i < CWD_SLOTS; i++)
		drop(&t->cwds.slots[i]);
	dirfd_renamed(t);
}

void cwd_done(struct tracer *t)
{
	cwd_renamed(t);
	for (size_t i = 0; i < CWD_SLOTS; i++)
		buf_done(&t->cwds.slots[i].path);
}

void decode_chdir(struct request *q)
{
	cwd_moves(q);
	request_continue(q);
}
