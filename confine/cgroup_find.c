/* SPDX-License-Identifier: MIT */
/*
 * cgroup_find.c - which cgroup hierarchies are mounted, and where we sit
 *
 * Text in, structures out: the kernel's two files are the only source, never
 * a path such as /sys/fs/cgroup.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/macro.h"
#include "confine/cgroup.h"

static uint32_t controller_bit(struct str name)
{
	if (str_eq_c(name, "memory"))
		return CGROUP_MEMORY;
	if (str_eq_c(name, "pids"))
		return CGROUP_PIDS;
	if (str_eq_c(name, "cpu"))
		return CGROUP_CPU;
	return str_eq_c(name, "freezer") ? CGROUP_FREEZER : 0;
}

static uint32_t controller_bits(struct str list)
{
	uint32_t bits = 0;
	struct str name;

	while (str_split(&list, ',', &name))
		bits |= controller_bit(name);
	return bits;
}

/* mountinfo writes space, tab, newline and backslash as \ooo. */
static char *unescape(struct str s)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 3 < s.n) {
			buf_putc(&b, (char)((s.p[i + 1] - '0') * 64 +
					    (s.p[i + 2] - '0') * 8 +
					    (s.p[i + 3] - '0')));
			i += 3;
		} else {
			buf_putc(&b, s.p[i]);
		}
	}
	if (b.len == 0)
		buf_puts(&b, "/");
	return buf_take(&b);
}

/* Our path in the hierarchy with these v1 controllers, or in v2 (0). */
static char *own_path(struct str self, uint32_t controllers)
{
	struct str line, id, list;

	while (str_split(&self, '\n', &line)) {
		if (!str_split(&line, ':', &id) ||
		    !str_split(&line, ':', &list) || line.n == 0)
			continue;
		if (controllers ? (controller_bits(list) & controllers) != 0
				: str_eq_c(id, "0") && list.n == 0)
			return str_dup(line);
	}
	return str_dup(STR("/"));
}

/*
 * The mount shows the subtree `root` of the hierarchy at `point`. A path that
 * does not lie in it (a cgroup namespace entered later shows "/../x") leaves
 * the mount's top as the only place to try.
 */
static char *own_dir(const char *point, const char *root, const char *path)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);

	buf_puts(&b, point);
	if (strncmp(path, root, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0') && !strstr(path, "/..") &&
	    strcmp(path + n, "/") != 0)
		buf_puts(&b, path + n);
	return buf_take(&b);
}

/* A worker of ours was here before and made room: our place is one up. */
static bool cut_self(char *path)
{
	size_t n = strlen(path), tail = strlen("/" CGROUP_SELF);

	if (n < tail || strcmp(path + n - tail, "/" CGROUP_SELF) != 0)
		return false;
	path[n == tail ? 1 : n - tail] = '\0';
	return true;
}

struct mount_line {
	struct str root, point, type, options;
};

/* "36 25 0:31 ROOT POINT rw,relatime [tags...] - TYPE SOURCE OPTIONS" */
static bool mount_line_parse(struct str line, struct mount_line *ret)
{
	struct str field = STR_NONE;

	for (unsigned int i = 0; i < 5; i++) {
		if (!str_split(&line, ' ', &field))
			return false;
		if (i == 3)
			ret->root = field;
		if (i == 4)
			ret->point = field;
	}
	while (!str_eq_c(field, "-")) {
		if (!str_split(&line, ' ', &field))
			return false;
	}
	return str_split(&line, ' ', &ret->type) &&
	       str_split(&line, ' ', &field) &&
	       str_split(&line, ' ', &ret->options);
}

static bool mount_seen(const struct cgroup_mount *out, int n,
		       enum cgroup_kind kind, uint32_t controllers)
{
	for (int i = 0; i < n; i++) {
		if (out[i].kind == kind &&
		    (kind == CGROUP_V2 || (out[i].controllers & controllers)))
			return true;
	}
	return false;
}

static int mount_fill(const struct mount_line *l, struct str self,
		      enum cgroup_kind kind, uint32_t controllers,
		      struct cgroup_mount *ret)
{
	_cleanup_free_ char *root = unescape(l->root);
	struct cgroup_mount m = { .kind = kind, .controllers = controllers };

	m.point = unescape(l->point);
	m.path = own_path(self, controllers);
	if (kind == CGROUP_V2 && m.path)
		m.aside = cut_self(m.path);
	if (root && m.point && m.path)
		m.own = own_dir(m.point, root, m.path);
	if (!m.own) {
		cgroup_mounts_done(&m, 1);
		return -ENOMEM;
	}
	*ret = m;
	return 0;
}

int cgroup_mounts_parse(struct str mountinfo, struct str self,
			struct cgroup_mount out[CGROUP_MAX_MOUNTS])
{
	struct str line;
	int n = 0;

	while (n < CGROUP_MAX_MOUNTS && str_split(&mountinfo, '\n', &line)) {
		struct mount_line l = { 0 };
		enum cgroup_kind kind;
		uint32_t controllers = 0;
		int r;

		if (!mount_line_parse(line, &l))
			continue;
		if (str_eq_c(l.type, "cgroup2"))
			kind = CGROUP_V2;
		else if (str_eq_c(l.type, "cgroup"))
			kind = CGROUP_V1;
		else
			continue;
		if (kind == CGROUP_V1)
			controllers = controller_bits(l.options);
		if ((kind == CGROUP_V1 && controllers == 0) ||
		    mount_seen(out, n, kind, controllers))
			continue;
		r = mount_fill(&l, self, kind, controllers, &out[n]);
		if (r < 0) {
			cgroup_mounts_done(out, (size_t)n);
			return r;
		}
		n++;
	}
	return n;
}

void cgroup_mounts_done(struct cgroup_mount *m, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(m[i].point);
		free(m[i].own);
		free(m[i].path);
		m[i] = (struct cgroup_mount){ 0 };
	}
}
