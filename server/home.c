/* SPDX-License-Identifier: MIT */
/*
 * home.c - directories that build tools would make in a home directory
 *
 * On a fresh account `npm install` begins with ~/.npm. The policy allows that,
 * but a Landlock rule needs a directory to be on, and one on the home directory
 * would cover all of it. So the directories are made first, and go again with
 * the session when they are still empty.
 */
#include "server/home.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/limits.h"
#include "policy/policy.h"

/* Caches only: an empty ~/.pyenv or ~/.nvm would pass for an installation. A
 * parent stands before what is in it. */
static const char *const DIRS[] = {
	".cache",      ".npm",         ".yarn",
	".pnpm-store", ".cargo",       ".cargo/registry",
	".cargo/git",  ".gradle",      ".m2",
	".nuget",      ".gem",         ".bundle",
	".local",      ".local/share", "go",
};

_Static_assert(ARRAY_LEN(DIRS) <= 32, "a bit each in home_made");

static bool full_path(const struct session *s, size_t i, const char *below,
		      char out[LIMIT_PATH])
{
	int n = snprintf(out, LIMIT_PATH, "%s/%s%s", s->home, DIRS[i], below);

	return n > 0 && n < LIMIT_PATH;
}

static bool allows(const struct session *s, enum file_verb verb,
		   const char *path)
{
	struct op op = { .kind = OP_FILE };
	enum verdict_kind kind;

	op.file.verb = verb;
	op.file.path = str_from(path);
	kind = policy_decide(s->policy, &op).kind;
	return kind == VERDICT_ALLOW || kind == VERDICT_AUDIT ||
	       kind == VERDICT_SOFT_DELETE;
}

/* One of them is wanted, or something that is in it. */
static bool wanted(const struct session *s, size_t i)
{
	char path[LIMIT_PATH];

	for (size_t k = i; k < ARRAY_LEN(DIRS); k++) {
		bool same = k == i ||
			    (str_starts(str_from(DIRS[k]), str_from(DIRS[i])) &&
			     DIRS[k][strlen(DIRS[i])] == '/');

		if (same && full_path(s, k, "/x", path) &&
		    allows(s, FILE_CREATE, path))
			return true;
	}
	return false;
}

static bool is_ours(const char *dir)
{
	struct stat st;

	return dir[0] == '/' && dir[1] && stat(dir, &st) == 0 &&
	       S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

void home_prepare(struct session *s)
{
	char path[LIMIT_PATH];

	if (s->app->trial || !is_ours(s->home))
		return;
	for (size_t i = 0; i < ARRAY_LEN(DIRS); i++)
		if (wanted(s, i) && full_path(s, i, "", path) &&
		    mkdir(path, 0700) == 0)
			s->home_made |= 1U << i;
}

void home_tidy(const struct session *s)
{
	char path[LIMIT_PATH];

	for (size_t i = ARRAY_LEN(DIRS); i-- > 0;)
		if (s->home_made & 1U << i && full_path(s, i, "", path))
			(void)rmdir(path); /* stays when it is of use */
}
