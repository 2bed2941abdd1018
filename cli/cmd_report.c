/* SPDX-License-Identifier: MIT */
/*
 * cmd_report.c - report: a session's events as Markdown
 */
#include <fcntl.h>

#include "base/clock.h"
#include "base/fd.h"
#include "cli/history.h"
#include "cli/output.h"
#include "cli/report.h"

static int write_report(const struct cli *c, const struct buf *b)
{
	const char *path = flag_text(&c->flags, "output");
	int r;

	if (!path[0])
		return out_buf(b);
	r = fd_write_file_atomic(AT_FDCWD, path, buf_str(b), 0644);
	if (r < 0)
		return fail_errno(r, "write %s", path);
	return out_line("Report written to %s", path);
}

int cmd_report(struct cli *c)
{
	_cleanup_arena_ struct arena a = ARENA_INIT(1U << 30);
	_cleanup_buf_ struct buf id = BUF_INIT, b = BUF_INIT;
	const char *level = flag_text(&c->flags, "level");
	struct report_input in = { .now_ns = clock_realtime_ns() };
	int status;

	in.detailed = strcmp(level, "detailed") == 0;
	if (!in.detailed && strcmp(level, "summary") != 0)
		return fail("invalid --level \"%s\" (expected "
			    "summary|detailed)",
			    level);
	status = history_load(c, &a, &id, &in.events);
	if (status)
		return status;
	in.session = buf_cstr(&id);
	report_render(&in, &b);
	return write_report(c, &b);
}
