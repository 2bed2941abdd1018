/* SPDX-License-Identifier: MIT */
/*
 * report.h - a session's events as a Markdown report
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "base/json.h"

struct report_input {
	const char *session;
	struct json *events; /* array, oldest first */
	int64_t now_ns;
	bool detailed;
};

/* The text of interface reference 1.13. */
void report_render(const struct report_input *in, struct buf *out);

#endif
