/* SPDX-License-Identifier: MIT */
/*
 * store.c - the quarantine of a workspace, for the verbs that use it
 */
#include "cli/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "cli/output.h"
#include "trash/list.h"

static int report(int r, const char *path)
{
	if (r == -ENOENT)
		return r;
	return r < 0 ? fail_errno(r, "open trash %s", path) : 0;
}

/* An empty directory of that name is a copy of one, not a store. */
static bool is_store(const struct buf *dir)
{
	static const char *const parts[] = { TRASH_STORE_SUBDIR, "manifest" };
	bool found = false;

	for (size_t i = 0; !found && i < ARRAY_LEN(parts); i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		buf_printf(&b, "%s/%s", buf_cstr(dir), parts[i]);
		found = b.error == 0 && access(buf_cstr(&b), F_OK) == 0;
	}
	return found;
}

/* The nearest store above the current directory. */
static bool find_above(struct buf *out)
{
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	struct str dir = cwd ? str_from(cwd) : STR_NONE;

	while (dir.n > 0) {
		ptrdiff_t slash = str_rindex(dir, '/');

		buf_reset(out);
		buf_put_str(out, dir);
		if (dir.n > 1)
			buf_putc(out, '/');
		buf_puts(out, TRASH_DEFAULT_DIR);
		if (is_store(out))
			return true;
		if (dir.n == 1 || slash < 0)
			break;
		dir = str_from_n(dir.p, slash ? (size_t)slash : 1);
	}
	return false;
}

/* The store of a directory that is the workspace: `dir`. */
static int open_of(const char *dir, const char *trash_path,
		   struct trash_options *o, struct trash **ret)
{
	_cleanup_close_ int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(-errno, "workspace %s", dir);
	/* Opening for restore must not make a store where there is none. */
	if (faccessat(fd, trash_path, F_OK, 0) < 0)
		return -ENOENT;
	o->dir = trash_path;
	return trash_open(fd, o, ret);
}

static int open_above(const struct buf *store, struct trash_options *o,
		      struct trash **ret)
{
	_cleanup_free_ char *dir =
		strndup(buf_cstr(store),
			buf_str(store).n - (sizeof(TRASH_DEFAULT_DIR) - 1));
	int r;

	if (!dir)
		return fail_errno(-ENOMEM, "open trash");
	o->only_own = true;
	r = open_of(dir, TRASH_DEFAULT_DIR, o, ret);
	if (r == -EXDEV)
		return fail("%s was made for another directory, which is still "
			    "there; go there, or name the workspace: "
			    "--root %s",
			    buf_cstr(store), dir);
	return report(r, buf_cstr(store));
}

int store_open(const struct cli *c, bool read_only, struct trash **ret)
{
	const char *path = flag_text(&c->flags, "trash-path");
	const char *root = flag_text(&c->flags, "root");
	_cleanup_buf_ struct buf found = BUF_INIT;
	struct trash_options o = { .read_only = read_only };

	if (root[0])
		return report(open_of(root, path, &o, ret), path);
	if (!flag_given(&c->flags, "trash-path") && find_above(&found))
		return open_above(&found, &o, ret);
	if (access(path, F_OK) < 0)
		return -ENOENT;
	return report(trash_open_path(path, &o, ret), path);
}

int store_open_workspace(const char *dir, bool read_only, struct trash **ret)
{
	struct trash_options o = { .read_only = read_only };
	_cleanup_close_ int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(-errno, "workspace %s", dir);
	return report(trash_open(fd, &o, ret), dir);
}

void store_put_age(struct buf *out, int64_t when_ns)
{
	int64_t second = 1000000000;
	int64_t ns = clock_realtime_ns() - when_ns;

	num_format_duration(out, (ns + second / 2) / second * second);
}

void store_put_size(struct buf *out, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes;
	size_t u = 0;

	if (bytes < 1024) {
		buf_printf(out, "%llu bytes", (unsigned long long)bytes);
		return;
	}
	for (v /= 1024; v >= 1024 && u + 1 < ARRAY_LEN(units); u++)
		v /= 1024;
	buf_printf(out, "%.1f %s", v, units[u]);
}

int store_parse_since(const char *flag, const char *text, int64_t *ret_ns)
{
	int64_t ns = 0;

	*ret_ns = 0;
	if (text[0] == '\0')
		return 0;
	if (clock_parse_rfc3339(str_from(text), ret_ns) == 0)
		return 0;
	if (num_parse_duration(str_from(text), &ns) < 0)
		return fail("invalid --%s \"%s\" (expected RFC 3339 or a "
			    "duration ago, such as 10m)",
			    flag, text);
	*ret_ns = clock_realtime_ns() - ns;
	return 0;
}

struct search {
	struct str word;
	struct buf *ret, others;
	unsigned int n;
};

static int on_group(void *arg, const struct trash_group_info *g)
{
	struct search *s = arg;
	struct str rest = g->command;

	if (str_eq(g->command, s->word)) {
		buf_reset(s->ret);
		buf_put_str(s->ret, g->command);
		s->n = 1;
		return 1;
	}
	if (!str_starts(rest, s->word) && str_starts(rest, STR("cmd-")))
		rest = str_skip(rest, 4);
	if (!str_starts(rest, s->word) || str_eq(buf_str(s->ret), g->command))
		return 0;
	if (s->n++ == 0)
		buf_put_str(s->ret, g->command);
	if (s->n <= 8)
		buf_printf(&s->others, "\n  " STR_FMT, STR_ARG(g->command));
	return 0;
}

int store_find_command(struct trash *t, struct str word, struct buf *ret)
{
	struct search s = { .word = word, .ret = ret };
	int r;

	if (word.n == 0)
		return fail("no command is named");
	r = trash_list_groups(t, NULL, on_group, &s);
	if (r < 0)
		r = fail_errno(r, "look for command " STR_FMT, STR_ARG(word));
	else if (s.n == 0)
		r = fail("no command " STR_FMT " on record here (agentsh undo "
			 "status lists them)",
			 STR_ARG(word));
	else if (s.n > 1)
		r = fail(STR_FMT " is short for several commands:%s",
			 STR_ARG(word), buf_cstr(&s.others));
	else
		r = 0;
	buf_done(&s.others);
	return r;
}
