/* SPDX-License-Identifier: MIT */
/*
 * project.c - where the project around a workspace begins
 *
 * Interface reference 4.3: the nearest directory with a language marker is the
 * project root; the nearest with .git is the git root, the project root too if
 * no marker was seen yet, and where the walk ends.
 */
#include "server/project.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"

static bool has(struct str dir, struct str name)
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	buf_put_str(&path, dir);
	buf_putc(&path, '/');
	buf_put_str(&path, name);
	return !path.error && access(buf_cstr(&path), F_OK) == 0;
}

static bool has_marker(const struct settings *cfg, struct str dir)
{
	for (size_t i = 0; i < cfg->project_markers.n; i++) {
		struct str m = cfg->project_markers.data[i];

		if (!str_eq_c(m, ".git") && has(dir, m))
			return true;
	}
	return false;
}

int project_detect(const struct settings *cfg, const char *dir,
		   char **ret_project, char **ret_git)
{
	struct str at = str_from(dir), project = STR_NONE, git = STR_NONE;
	_cleanup_free_ char *project_copy = NULL, *git_copy = NULL;

	while (at.n > 1 && git.n == 0) {
		ptrdiff_t slash;

		if (project.n == 0 && has_marker(cfg, at))
			project = at;
		if (has(at, STR(".git")))
			git = at;
		slash = str_rindex(at, '/');
		at.n = slash > 0 ? (size_t)slash : 1;
	}
	if (project.n == 0)
		project = git.n ? git : str_from(dir);
	project_copy = str_dup(project);
	git_copy = str_dup(git);
	if (!project_copy || !git_copy)
		return -ENOMEM;
	*ret_project = TAKE(project_copy);
	*ret_git = TAKE(git_copy);
	return 0;
}
