/* SPDX-License-Identifier: MIT */
/*
 * cgroup_above.c - a place for our directories above our own cgroup (v2)
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "base/num.h"
#include "confine/cgroup_root.h"

static void cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		slash[slash == path] = '\0';
}

bool cgroup_mount_up(struct cgroup_mount *m)
{
	if (strcmp(m->own, m->point) == 0 || strcmp(m->path, "/") == 0)
		return false;
	cut_last(m->own);
	cut_last(m->path);
	return true;
}

/* The first number of a limit file; UINT64_MAX for "max". */
static int bound_read(int dir, const char *file, uint64_t *ret)
{
	char text[64];
	struct str rest, word;
	int r = cgroup_read(dir, file, text, sizeof(text));

	if (r < 0)
		return r;
	rest = str_trim(str_from(text));
	if (!str_split(&rest, ' ', &word))
		return -EINVAL;
	*ret = UINT64_MAX;
	return str_eq_c(word, "max") ? 0 : num_parse_u64(word, ret);
}

/* A file that `from` has not bounds nothing there. */
static int bound_lower(int from, int to, const char *file)
{
	uint64_t wanted, have;
	char text[64];

	if (bound_read(from, file, &wanted) < 0 || wanted == UINT64_MAX)
		return 0;
	if (bound_read(to, file, &have) == 0 && have <= wanted)
		return 0;
	/* with cpu.max's period, and whatever else is on its line */
	if (cgroup_read(from, file, text, sizeof(text)) < 0)
		return -EIO;
	return cgroup_write(to, file, text);
}

/* Processors, nodes and devices are not ours to hand on. */
static bool is_bound_otherwise(int dir)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems",
					     "io.max" };
	char text[64];

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (cgroup_read(dir, files[i], text, sizeof(text)) == 0 &&
		    str_trim(str_from(text)).n > 0)
			return true;
	return false;
}

static int copy_bounds_of(const char *path, int to)
{
	static const char *const files[] = { "memory.max", "memory.high",
					     "memory.swap.max", "pids.max",
					     "cpu.max" };
	_cleanup_close_ int from =
		open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (from < 0)
		return -errno;
	if (is_bound_otherwise(from))
		return -EPERM;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(files); i++)
		r = bound_lower(from, to, files[i]);
	return r;
}

int cgroup_copy_bounds(const char *from, const char *above, int to)
{
	_cleanup_free_ char *path = str_dup(str_from(from));
	int r = path ? 0 : -ENOMEM;

	while (r == 0 && strcmp(path, above) != 0 && strlen(path) > 1) {
		r = copy_bounds_of(path, to);
		cut_last(path);
	}
	return r;
}
