/* SPDX-License-Identifier: MIT */
/*
 * store.c - the quarantine of a workspace, for the verbs that use it
 */
#include "cli/store.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/num.h"
#include "cli/output.h"

static int report(int r, const char *path)
{
	if (r == -ENOENT)
		return r;
	return r < 0 ? fail_errno(r, "open trash %s", path) : 0;
}

int store_open(const struct cli *c, bool read_only, struct trash **ret)
{
	const char *path = flag_text(&c->flags, "trash-path");
	struct trash_options o = { .read_only = read_only };

	/* Opening for restore must not make a store where there is none. */
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
