/* SPDX-License-Identifier: MIT */
/*
 * grant.c - what the floor may let through, as data
 */
#include "core/grant.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/str.h"

int grant_set_add(struct grant_set *g, const char *path, uint32_t access,
		  bool expand)
{
	_cleanup_free_ char *copy = NULL;
	int r;

	if (path[0] != '/')
		return -EINVAL;
	for (size_t i = 0; i < g->fs.n; i++) {
		struct fs_grant *have = &g->fs.data[i];

		if (have->expand == expand && strcmp(have->path, path) == 0) {
			have->access |= access;
			return 0;
		}
	}
	copy = str_dup(str_from(path));
	if (!copy)
		return -ENOMEM;
	r = vec_push(&g->fs, (struct fs_grant){ .path = copy,
						.access = access,
						.expand = expand });
	if (r == 0)
		(void)TAKE(copy); /* the set owns it now */
	return r;
}

int grant_set_add_hole(struct grant_set *g, const char *path)
{
	_cleanup_free_ char *copy = NULL;
	int r;

	if (path[0] != '/')
		return -EINVAL;
	if (g->no_holes)
		return 0;
	for (size_t i = 0; i < g->holes.n; i++)
		if (strcmp(g->holes.data[i], path) == 0)
			return 0;
	copy = str_dup(str_from(path));
	if (!copy)
		return -ENOMEM;
	r = vec_push(&g->holes, copy);
	if (r == 0)
		(void)TAKE(copy); /* the set owns it now */
	return r;
}

void grant_set_done(struct grant_set *g)
{
	for (size_t i = 0; i < g->fs.n; i++)
		free(g->fs.data[i].path);
	for (size_t i = 0; i < g->holes.n; i++)
		free(g->holes.data[i]);
	vec_done(&g->fs);
	vec_done(&g->holes);
	vec_done(&g->tcp_connect_ports);
	vec_done(&g->tcp_bind_ports);
}
