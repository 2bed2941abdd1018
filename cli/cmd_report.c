/* SPDX-License-Identifier: MIT */
/*
 * cmd_report.c - report: a session's events as Markdown
 */
#include "base/clock.h"
#include "cli/history.h"
#include "cli/output.h"
#include "cli/report.h"

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
	return out_file(flag_text(&c->flags, "output"), "Report", &b);
}
