/* SPDX-License-Identifier: MIT */
/*
 * reverse_look.c - what is there now, for a reversal
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trash/reverse_step.h"
#include "trash/work.h"

int reverse_conflict(struct undoing *u, const char *why)
{
	u->why = why;
	return REVERSE_CONFLICT;
}

int reverse_lost(struct undoing *u, const char *why)
{
	u->why = why;
	return REVERSE_LOST;
}

int reverse_skipped(struct undoing *u, const char *why)
{
	u->why = why;
	return REVERSE_SKIPPED;
}

static struct sim *sim_find(struct undoing *u, struct str path)
{
	for (size_t i = u->sims.n; i-- > 0;)
		if (str_eq_c(path, u->sims.data[i].path))
			return &u->sims.data[i];
	return NULL;
}

int reverse_sim_set(struct undoing *u, struct str path, bool present,
		    const struct record_stat *st)
{
	struct sim *s = sim_find(u, path), fresh = { .present = present };
	int r;

	if (s) {
		s->present = present;
		s->st = st ? *st : (struct record_stat){ 0 };
		return 0;
	}
	fresh.path = str_dup(path);
	if (!fresh.path)
		return -ENOMEM;
	if (st)
		fresh.st = *st;
	r = vec_push(&u->sims, fresh);
	if (r < 0)
		free(fresh.path);
	return r;
}

/* 0, or -ENOENT (no such name, or its directory is not there). */
int reverse_look(struct undoing *u, struct str path, struct record_stat *ret)
{
	const struct sim *s = u->sel->dry_run ? sim_find(u, path) : NULL;
	char name[NAME_MAX + 1];
	struct trash_at at;
	int r;

	if (s) {
		*ret = s->st;
		return s->present ? 0 : -ENOENT;
	}
	r = place_at(&u->place, path, false /* make */, name, &at);
	if (r == 0)
		r = store_stat(at.dirfd, name, ret);
	return r == -ENOTDIR || r == -ELOOP ? -ENOENT : r;
}

void reverse_touch(struct undoing *u, const struct record_stat *st)
{
	if (links_get(&u->touched, st->dev, st->ino) == 0)
		links_add(&u->touched, st->dev, st->ino, 1);
}

int64_t reverse_ctime(struct undoing *u, struct str path)
{
	char name[NAME_MAX + 1];
	struct trash_at at;
	struct stat st;

	if (place_at(&u->place, path, false /* make */, name, &at) < 0 ||
	    fstatat(at.dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (int64_t)st.st_ctim.tv_sec * 1000000000LL + st.st_ctim.tv_nsec;
}

/* NULL if the object is as the command left it, else what is wrong. */
const char *reverse_changed(struct undoing *u, struct str recorded,
			    struct str now, const struct record_stat *st)
{
	const struct index_group *g = plan_group(&u->plan, u->item, &u->op);
	const struct plan_later *l = plan_later(&u->plan, recorded);
	const struct plan_later *i = plan_later_inode(&u->plan, st);
	int64_t limit;

	if ((l && l->seq > u->op.seq) || (i && i->seq > u->op.seq))
		return "changed by a later command";
	if (links_get(&u->touched, st->dev, st->ino) > 0)
		return NULL;
	if (!g || !g->ended)
		return NULL; /* still running, or killed: nothing to tell by */
	if (S_ISDIR(st->mode))
		return NULL; /* files come and go in it: its ctime says nothing */
	limit = g->end_ns;
	if (l)
		limit = MAX(limit, l->undone_ns);
	if (i)
		limit = MAX(limit, i->undone_ns);
	if (u->sel->dry_run && sim_find(u, now))
		return NULL;
	return reverse_ctime(u, now) > limit ? "changed since the command ended"
					     : NULL;
}

bool reverse_same_object(const struct undoing *u, const struct record_stat *now)
{
	const struct record_stat *then = &u->op.st;

	return plan_was_remade(&u->plan, then, now) || then->ino == 0 ||
	       now->ino == 0 || record_same_object(then, now) ||
	       links_get(&u->remade, now->dev, now->ino) > 0;
}

/* The same of the inode number that a rename has on record. */
bool reverse_same_inode(const struct undoing *u, const struct record_stat *now)
{
	struct record_stat then = { .dev = u->op.st.dev, .ino = u->op.arg };

	if (plan_was_remade(&u->plan, &then, now))
		return true;
	return S_ISDIR(now->mode) || now->ino == 0 || now->ino == u->op.arg ||
	       links_get(&u->remade, now->dev, now->ino) > 0;
}

bool reverse_has_payload(struct undoing *u)
{
	char name[SLOT_NAME_MAX + 1];
	_cleanup_close_ int dirfd = -1;

	if (u->item->flags & INDEX_GONE)
		return false;
	if (!op_has_payload(&u->op))
		return u->op.how == TRASH_HOW_RECORD;
	if (index_payload(&u->plan.ix, u->item, &u->op, &dirfd, name) < 0)
		return false;
	return faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
