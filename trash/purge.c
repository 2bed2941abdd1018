/* SPDX-License-Identifier: MIT */
/*
 * purge.c - dropping kept things for good
 *
 * The payload goes first, then the `gone` entry: killed between the two, the
 * record points at nothing, which readers take for gone as well.
 */
#include "trash/purge.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/progress.h"
#include "trash/legacy.h"
#include "trash/restore.h"

struct purging {
	struct trash *t;
	const struct purge_options *o;
	struct purge_result *ret;
	int64_t before_ns; /* older than this goes; INT64_MIN = not set */
	bool everything;
	uint64_t left; /* bytes still kept of what was selected */
};

int purge_item(struct index *ix, struct index_item *item,
	       const struct record_op *op)
{
	char name[SLOT_NAME_MAX + 1];
	_cleanup_close_ int dirfd = -1;
	int r;

	r = index_payload(ix, item, op, &dirfd, name);
	if (r == 0 && unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	if (r < 0 && r != -ENOENT)
		return r;
	if (op_has_payload(op))
		budget_give(ix->t, op->st.bytes, 1);
	return index_mark_gone(ix, item, op, 0);
}

static bool selected(const struct purging *p, const struct index *ix,
		     const struct index_item *item, const struct record_op *op)
{
	const struct index_group *g;

	if (item->flags & (INDEX_GONE | INDEX_ABORTED) || !op_is_kept(op))
		return false;
	g = index_group(ix, item->writer, op->group);
	if (!g)
		return false;
	if (!trash_token_is_zero(p->o->token)) {
		uint64_t seq = token_seq(p->o->token);

		return ix->writers.data[item->writer].id == p->o->token.lo &&
		       (seq == item->seq || seq == g->rec.seq);
	}
	return !p->o->session.n || str_eq(p->o->session, g->rec.session);
}

static int purge_one(struct purging *p, struct index *ix,
		     struct index_item *item, const struct record_op *op)
{
	int r = p->o->dry_run ? 0 : purge_item(ix, item, op);

	if (r < 0)
		return r;
	p->ret->entries++;
	p->ret->bytes += op->st.bytes;
	p->left -= MIN(p->left, op->st.bytes);
	return 0;
}

static int purge_ours(struct purging *p, struct index *ix)
{
	struct record_op op;

	for (size_t i = 0; i < ix->items.n; i++)
		if (index_op(ix, &ix->items.data[i], &op) == 0 &&
		    selected(p, ix, &ix->items.data[i], &op))
			p->left += op.st.bytes;
	for (size_t i = 0; i < ix->items.n; i++) {
		struct index_item *item = &ix->items.data[i];
		int r;

		progress_tell(i, ix->items.n);
		if (index_op(ix, item, &op) < 0 || !selected(p, ix, item, &op))
			continue;
		if (!p->everything && op.when_ns >= p->before_ns &&
		    p->left <= p->o->quota)
			continue;
		r = purge_one(p, ix, item, &op);
		if (r < 0)
			return r;
	}
	return 0;
}

static int purge_legacy(void *arg, const struct legacy_entry *e)
{
	struct purging *p = arg;
	int r;

	if (!trash_token_is_zero(p->o->token)) {
		if (e->token.lo != p->o->token.lo)
			return 0;
	} else if (p->o->session.n && !str_eq(p->o->session, e->session)) {
		return 0;
	}
	if (!p->everything && e->created_ns >= p->before_ns &&
	    p->left <= p->o->quota)
		return 0;
	r = p->o->dry_run ? 0 : legacy_remove(p->t, e->token, true);
	if (r < 0)
		return r;
	p->ret->entries++;
	p->ret->bytes += e->size;
	p->left -= MIN(p->left, e->size);
	return 0;
}

static int sum_legacy(void *arg, const struct legacy_entry *e)
{
	struct purging *p = arg;

	if (!p->o->session.n || str_eq(p->o->session, e->session))
		p->left += e->size;
	return 0;
}

static int remove_dir_and_files(int base, const char *name)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *e;
	int r;

	r = fd_opendir(base, name, &d);
	if (r < 0)
		return r;
	while ((e = readdir(d)))
		(void)unlinkat(dirfd(d), e->d_name, 0);
	return unlinkat(base, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static bool is_payload_dir(const char *name)
{
	return strlen(name) == 8 && strspn(name, "0123456789abcdef") == 8;
}

/* Payload directories that are empty but for their origin; then, if nothing
 * the journal says can be had back, the writer as a whole. */
static void sweep_writer(struct index *ix, size_t i, bool needed)
{
	struct index_writer *w = &ix->writers.data[i];
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *e;
	char name[32];

	if (w->live || w->id == ix->t->writer || fd_opendir(w->fd, ".", &d) < 0)
		return;
	while ((e = readdir(d))) {
		if (!is_payload_dir(e->d_name))
			continue;
		if (!needed)
			(void)remove_dir_and_files(w->fd, e->d_name);
		else
			(void)unlinkat(w->fd, e->d_name, AT_REMOVEDIR);
	}
	if (needed)
		return;
	(void)snprintf(name, sizeof(name), STORE_WRITER_PREFIX "%016llx",
		       (unsigned long long)w->id);
	(void)remove_dir_and_files(ix->t->base_fd, name);
}

/* What was created or renamed can still be undone until it is too old. */
static bool outlived(const struct purging *p, const struct index_writer *w)
{
	if (p->o->all)
		return true;
	for (size_t i = 0; i < w->groups.n; i++)
		if (w->groups.data[i].end_ns >= p->before_ns)
			return false;
	return true;
}

static void sweep(const struct purging *p, struct index *ix)
{
	VEC(bool) needed = VEC_INIT;
	struct record_op op;

	for (size_t i = 0; i < ix->writers.n; i++)
		if (vec_push(&needed, !outlived(p, &ix->writers.data[i])) < 0)
			goto out;
	for (size_t i = 0; i < ix->items.n; i++) {
		const struct index_item *item = &ix->items.data[i];

		if (!(item->flags & (INDEX_GONE | INDEX_ABORTED)) &&
		    item->writer < needed.n && index_op(ix, item, &op) == 0 &&
		    op_is_kept(&op))
			needed.data[item->writer] = true;
	}
	for (size_t i = 0; i < ix->writers.n; i++)
		sweep_writer(ix, i, needed.data[i]);
out:
	vec_done(&needed);
}

int trash_purge(struct trash *t, const struct purge_options *o,
		struct purge_result *ret)
{
	_cleanup_index_ struct index ix = { 0 };
	_cleanup_close_ int lock = -1;
	struct purging p = {
		.t = t, .o = o, .ret = ret, .before_ns = INT64_MIN
	};
	bool token = !trash_token_is_zero(o->token);
	int r;

	*ret = (struct purge_result){ 0 };
	if (o->ttl_ns > 0)
		p.before_ns = clock_realtime_ns() - o->ttl_ns;
	p.everything =
		o->all || token ||
		(o->session.n > 0 && o->ttl_ns <= 0 && o->quota == UINT64_MAX);
	if (t->opt.read_only && !o->dry_run)
		return -EROFS;
	if (t->base_fd >= 0) {
		lock = store_lock(t);
		if (lock < 0)
			return lock;
		r = index_load(t, 0, &ix);
		if (r < 0)
			return r;
	}
	r = legacy_walk(t, sum_legacy, &p);
	if (r == 0 && (!token || token_is_legacy(o->token)))
		r = legacy_walk(t, purge_legacy, &p);
	if (r == 0 && !token_is_legacy(o->token))
		r = purge_ours(&p, &ix);
	if (r == 0 && !o->dry_run && ret->entries > 0)
		sweep(&p, &ix);
	return r;
}
