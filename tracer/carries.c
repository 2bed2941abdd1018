/* SPDX-License-Identifier: MIT */
/*
 * carries.c - what comes and goes with a directory or a link that gets a name
 *
 * Whoever makes files asks us as well, and one call is performed after the
 * other, so nothing comes into the directory between the walk and the renaming.
 * Where ptrace judges alone, the caller performs it, and a thread of its own
 * might be in time.
 */
#include <errno.h>
#include <stdio.h>

#include "tracer/exposes.h"
#include "tracer/file.h"

static int have_beneath(struct tracer *t)
{
	return t->beneath ? 0
			  : policy_beneath_new(guard_policy(t->guard),
					       &t->beneath);
}

/* A symbolic link at this path would lend names that rules keep from being
 * made. 1: f->inner is one; 0; -errno. */
static int link_lends(struct file_call *f, const struct file_target *at)
{
	const struct tracer *t = f->q->tracer;
	int r = have_beneath(f->q->tracer);

	return r < 0 ? r
		     : policy_beneath_named(t->beneath, guard_policy(t->guard),
					    FILE_CREATE, buf_str(&at->path),
					    &f->inner);
}

/* What is moved, and what comes and goes with it. 1: ret_verb of f->inner is
 * denied; 0; -errno: nobody knows. */
static int move_carries(struct file_call *f, const struct file_target *from,
			const struct file_target *to, enum file_verb *ret_verb)
{
	const struct tracer *t = f->q->tracer;
	struct exposure e = { .policy = guard_policy(t->guard),
			      .settings = &t->settings,
			      .path = buf_str(&from->path),
			      .other = buf_str(&to->path),
			      .reads = t->reads_on_behalf };
	int r;

	if (from->fd < 0 || str_eq(e.path, e.other))
		return 0;
	if (S_ISLNK(from->st.st_mode))
		return link_lends(f, to);
	if (!S_ISDIR(from->st.st_mode))
		return 0;
	r = have_beneath(f->q->tracer);
	if (r < 0)
		return r;
	e.beneath = t->beneath;
	e.moves = policy_beneath_may(t->beneath, FILE_RENAME, e.path) ||
		  policy_beneath_may(t->beneath, FILE_RENAME, e.other) ||
		  policy_beneath_may(t->beneath, FILE_CREATE, e.other);
	return e.reads || e.moves
		       ? exposes_find(&e, from->fd, &f->inner, ret_verb)
		       : 0;
}

int file_carries(struct file_call *f, enum file_verb *ret_verb)
{
	int r = 0;

	*ret_verb = FILE_CREATE;
	if (f->verb == FILE_SYMLINK)
		return link_lends(f, &f->a);
	if (f->verb == FILE_LINK)
		return S_ISLNK(f->a.st.st_mode) ? link_lends(f, &f->b) : 0;
	if (f->verb != FILE_RENAME)
		return 0;
	r = move_carries(f, &f->a, &f->b, ret_verb);
	if (r == 0 && f->flags & RENAME_EXCHANGE)
		r = move_carries(f, &f->b, &f->a, ret_verb);
	return r;
}
