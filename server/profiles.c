/* SPDX-License-Identifier: MIT */
/*
 * profiles.c - mount_profiles: one session, several policies, by directory
 */
#include "server/profiles.h"

#include <errno.h>

#include "base/json.h"

static int refuse(struct diag *diag, const char *profile, const char *why)
{
	diag_error(diag, "config", 0, 0, "mount_profiles.%s: %s", profile, why);
	return -EINVAL;
}

static int check(const struct config_profile *p, struct diag *diag)
{
	if (p->n_mounts == 0)
		return refuse(diag, p->name,
			      "no mounts; write mounts: [{path: /DIRECTORY, "
			      "policy: NAME}]");
	for (size_t i = 0; i < p->n_mounts; i++) {
		const struct config_mount *m = &p->mounts[i];

		if (!m->path || m->path[0] != '/')
			return refuse(diag, p->name,
				      "each mount needs a path that begins "
				      "with /");
		if (!m->policy || !m->policy[0])
			return refuse(diag, p->name,
				      "each mount needs the name of a policy");
	}
	return 0;
}

static int copy(struct settings *s, const struct config_profile *p)
{
	struct setting_profile out = {
		.name = arena_dup(&s->arena, str_from(p->name)),
		.base_policy = arena_dup(&s->arena, str_from(p->base_policy)),
		.mounts = arena_alloc(&s->arena,
				      p->n_mounts * sizeof(*out.mounts)),
	};

	if (!out.name || !out.base_policy || !out.mounts)
		return -ENOMEM;
	for (; out.n_mounts < p->n_mounts; out.n_mounts++) {
		const struct config_mount *m = &p->mounts[out.n_mounts];

		out.mounts[out.n_mounts] = (struct setting_mount){
			.path = arena_dup(&s->arena, str_from(m->path)),
			.policy = arena_dup(&s->arena, str_from(m->policy)),
		};
		if (!out.mounts[out.n_mounts].path ||
		    !out.mounts[out.n_mounts].policy)
			return -ENOMEM;
	}
	return vec_push(&s->profiles, out);
}

int profiles_set(struct settings *s, const struct config *c, struct diag *diag)
{
	int r = 0;

	for (size_t i = 0; i < c->mount_profiles.n && r == 0; i++) {
		r = check(&c->mount_profiles.v[i], diag);
		if (r == 0)
			r = copy(s, &c->mount_profiles.v[i]);
	}
	return r;
}

const struct setting_profile *profiles_find(const struct settings *s,
					    struct str name)
{
	for (size_t i = 0; i < s->profiles.n; i++) {
		if (str_eq_c(name, s->profiles.data[i].name))
			return &s->profiles.data[i];
	}
	return NULL;
}

static void put_profile(const struct setting_profile *p, struct json_writer *w)
{
	json_begin_object(w);
	json_kv_cstr(w, "name", p->name);
	json_kv_cstr(w, "base_policy", p->base_policy);
	json_key(w, "mounts");
	json_begin_array(w);
	for (size_t i = 0; i < p->n_mounts; i++) {
		json_begin_object(w);
		json_kv_cstr(w, "path", p->mounts[i].path);
		json_kv_cstr(w, "policy", p->mounts[i].policy);
		json_end_object(w);
	}
	json_end_array(w);
	json_end_object(w);
}

void profiles_to_json(const struct settings *s, struct json_writer *w)
{
	json_begin_array(w);
	for (size_t i = 0; i < s->profiles.n; i++)
		put_profile(&s->profiles.data[i], w);
	json_end_array(w);
}
