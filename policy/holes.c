/* SPDX-License-Identifier: MIT */
/*
 * holes.c - the files that a denial with wildcards covers, as they are now
 *
 * Landlock knows no patterns. A hole is made by granting the neighbours of
 * what is denied, and only those that are there: a name that appears later in
 * the same directory is not granted either. So a denial such as /home/?/.ssh
 * (with a star for the question mark) is held exactly by a hole for each match
 * there is, and one for the pattern itself as if it were a name: that nobody
 * has, but it makes each directory on the way one whose neighbours are granted
 * one by one.
 */
#include "policy/holes.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define MAX_NAMES 512 /* looked at for one pattern */

struct listing {
	char *path;        /* owned */
	int error;         /* -errno: cannot be listed */
	VEC(char *) names; /* owned */
};

struct expansion {
	struct listings *listings;
	holes_fn *fn;
	void *arg;
	char path[PATH_MAX];
	unsigned int n_names;
};

/* Stars and question marks within components, and "/" plus two stars last. */
static bool is_simple(struct str pattern)
{
	struct str part;

	if (memchr(pattern.p, '\\', pattern.n) ||
	    memchr(pattern.p, '[', pattern.n) ||
	    memchr(pattern.p, '{', pattern.n))
		return false;
	while (str_split(&pattern, '/', &part))
		if (memmem(part.p, part.n, "**", 2))
			return false;
	return true;
}

static bool has_wildcard(const char *name)
{
	return strpbrk(name, "*?") != NULL;
}

static int expand(struct expansion *x, size_t len, struct str rest);

static int append(struct expansion *x, size_t len, const char *name,
		  struct str rest)
{
	size_t n = strlen(name);

	if (len + n + 2 > sizeof(x->path))
		return -ENAMETOOLONG;
	x->path[len] = '/';
	memcpy(x->path + len + 1, name, n + 1);
	return expand(x, len + n + 1, rest);
}

static void listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->names.n; i++)
		free(l->names.data[i]);
	vec_done(&l->names);
	free(l->path);
	free(l);
}

void listings_done(struct listings *l)
{
	for (size_t i = 0; i < l->v.n; i++)
		listing_free(l->v.data[i]);
	vec_done(&l->v);
}

/* One more name than MAX_NAMES says that there are more. */
static int read_names(struct listing *l)
{
	DIR *d = opendir(l->path);
	const struct dirent *e;
	int r = 0;

	if (!d)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while (r == 0 && l->names.n <= MAX_NAMES && (e = readdir(d))) {
		char *name;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		name = strdup(e->d_name);
		r = name ? vec_push(&l->names, name) : -ENOMEM;
		if (r < 0)
			free(name);
	}
	(void)closedir(d);
	return r;
}

/* What the directory x->path holds. 0 or -ENOMEM. */
static int list(struct expansion *x, size_t len, const struct listing **ret)
{
	const char *path = len ? x->path : "/";
	struct listing *l;

	for (size_t i = 0; i < x->listings->v.n; i++) {
		*ret = x->listings->v.data[i];
		if (strcmp((*ret)->path, path) == 0)
			return 0;
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->path = strdup(path);
	if (!l->path || vec_push(&x->listings->v, l) < 0) {
		listing_free(l);
		return -ENOMEM;
	}
	l->error = read_names(l);
	*ret = l;
	return 0;
}

/* All names in the directory x->path that match. */
static int each_match(struct expansion *x, size_t len, const char *pattern,
		      struct str rest)
{
	const struct listing *l;
	int r = list(x, len, &l);

	if (r == 0)
		r = l->error;
	for (size_t i = 0; r == 0 && i < l->names.n; i++) {
		if (++x->n_names > MAX_NAMES)
			r = -E2BIG;
		else if (fnmatch(pattern, l->names.data[i], 0) == 0)
			r = append(x, len, l->names.data[i], rest);
	}
	return r;
}

/* What is at x->path[0..len) is fixed. */
static int expand(struct expansion *x, size_t len, struct str rest)
{
	char name[NAME_MAX + 1];
	struct str part;
	int r;

	x->path[len] = 0;
	do {
		if (!str_split(&rest, '/', &part))
			return x->fn(x->arg, x->path);
	} while (part.n == 0);
	if (part.n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, part.p, part.n);
	name[part.n] = 0;
	if (!has_wildcard(name))
		return append(x, len, name, rest);
	r = append(x, len, name, rest); /* as a name */
	x->path[len] = 0;
	return r < 0 ? r : each_match(x, len, name, rest);
}

int holes_expand(struct str pattern, struct listings *l, holes_fn *fn,
		 void *arg)
{
	struct expansion x = { .listings = l, .fn = fn, .arg = arg };

	if (str_ends(pattern, STR("/**")))
		pattern.n -= 3;
	if (pattern.n < 2 || pattern.p[0] != '/' || !is_simple(pattern))
		return 0;
	return expand(&x, 0, pattern) < 0 ? 0 : 1;
}
