/* SPDX-License-Identifier: MIT */
/*
 * mounts.c - directories with policies of their own
 *
 * There is one policy image, so that everything that reads one (the decision,
 * Landlock rules, explain) needs to know nothing of mounts. A mount's file
 * rules are put in front of the others with the mount's directory noted; when
 * they are compiled, each of their patterns is replaced by the part of it that
 * lies in that directory (glob_below).
 */
#include "policy/mounts.h"

#include <errno.h>
#include <stdlib.h>

#include "core/op.h"
#include "policy/parse.h"

/* Longer first, so that a mount inside another one comes before it. */
static int by_depth(const void *a, const void *b)
{
	const struct policy_mount *const *x = a, *const *y = b;

	if ((*x)->path.n != (*y)->path.n)
		return (*x)->path.n < (*y)->path.n ? 1 : -1;
	return str_cmp((*x)->path, (*y)->path);
}

static int refuse_twice(const struct policy_source *src,
			const struct policy_mount *const *sorted,
			struct diag *diag)
{
	for (size_t i = 1; i < src->n_mounts; i++) {
		if (!str_eq(sorted[i - 1]->path, sorted[i]->path))
			continue;
		diag_error(diag, src->file, 0, 0,
			   "two mounts at " STR_FMT "; leave one of them out",
			   STR_ARG(sorted[i]->path));
		return -EINVAL;
	}
	return 0;
}

static int read_verbs(struct arena *arena, struct rule_list *ret)
{
	struct rule_text *v = arena_alloc(arena, FILE_VERB_MAX * sizeof(*v));

	if (!v)
		return -ENOMEM;
	*ret = (struct rule_list){ .v = v, .present = true };
	for (unsigned int i = 0; i < FILE_VERB_MAX; i++) {
		if (file_verb_is_read((enum file_verb)i))
			v[ret->n++] = (struct rule_text){
				.s = str_from(
					file_verb_to_string((enum file_verb)i))
			};
	}
	return 0;
}

/* What no rule of the mount speaks of, as file_rules_verdict() has it. */
static int rest_of(const struct policy_mount *m, struct arena *arena,
		   struct file_rule ret[2])
{
	static struct rule_text everything = { .s = { "**", 2 } };
	const struct file_rule any = {
		.c.decision_valid = true,
		.below = m->path,
		.file = m->file,
		.paths = { .v = &everything, .n = 1, .present = true },
	};

	ret[0] = ret[1] = any;
	ret[0].c.name = STR("default-allow-reads");
	ret[0].c.decision = VERDICT_ALLOW;
	ret[1].c.name = STR("default-deny-files");
	ret[1].c.decision = VERDICT_DENY;
	return read_verbs(arena, &ret[0].operations);
}

static int append(struct arena *arena, struct policy_rules *rules,
		  const struct file_rule *more, size_t n)
{
	struct file_rule *v =
		arena_alloc(arena, (rules->n_files + n + 1) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < rules->n_files; i++)
		v[i] = rules->files[i];
	for (size_t i = 0; i < n; i++)
		v[rules->n_files + i] = more[i];
	rules->files = v;
	rules->n_files += n;
	return 0;
}

static int add_mount(const struct policy_mount *m, struct arena *arena,
		     struct policy_rules *to, struct diag *diag)
{
	struct policy_rules own = { 0 };
	struct file_rule rest[2];
	int r = policy_parse(m->file, m->yaml, arena, &own, diag);

	if (r == 0)
		r = rest_of(m, arena, rest);
	if (r < 0)
		return r;
	for (size_t i = 0; i < own.n_files; i++) {
		own.files[i].below = m->path;
		own.files[i].file = m->file;
		own.files[i].c.pos.line = 0; /* of another file */
	}
	r = append(arena, to, own.files, own.n_files);
	return r == 0 ? append(arena, to, rest, ARRAY_LEN(rest)) : r;
}

int mounts_add(const struct policy_source *src, struct arena *arena,
	       struct policy_rules *rules, struct diag *diag)
{
	_cleanup_free_ const struct policy_mount **sorted = NULL;
	struct policy_rules all = { 0 };
	int r;

	if (src->n_mounts == 0)
		return 0;
	sorted = calloc(src->n_mounts, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < src->n_mounts; i++)
		sorted[i] = &src->mounts[i];
	qsort(sorted, src->n_mounts, sizeof(*sorted), by_depth);
	r = refuse_twice(src, sorted, diag);
	for (size_t i = 0; i < src->n_mounts && r == 0; i++)
		r = add_mount(sorted[i], arena, &all, diag);
	if (r == 0)
		r = append(arena, &all, rules->files, rules->n_files);
	if (r < 0)
		return r;
	rules->files = all.files;
	rules->n_files = all.n_files;
	return 0;
}
