/* SPDX-License-Identifier: MIT */
/*
 * log.c - daemon log on stderr, one line per message
 *
 * A line goes out in one write(2), so lines of several processes that share a
 * stderr do not mix. Control bytes are escaped: what a message quotes may come
 * from the agent and must not forge log lines or drive a terminal.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"

#define LOG_LINE_MAX 2048

static struct {
	const char *ident;
	enum log_level max;
} state = { "agentsh", LOG_LEVEL_INFO };

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void log_init(const char *ident, enum log_level max)
{
	state.ident = ident;
	state.max = max;
}

int log_level_from_string(const char *s, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++)
		if (strcmp(s, level_names[i]) == 0) {
			*ret = (enum log_level)i;
			return 0;
		}
	return -EINVAL;
}

/* Appends at *at, never beyond the room for the final newline. */
static _printf_(3, 0) void append(char *line, size_t *at, const char *fmt,
				  va_list ap)
{
	size_t room = LOG_LINE_MAX - 1 - *at;
	int n = vsnprintf(line + *at, room, fmt, ap);

	if (n > 0)
		*at += MIN((size_t)n, room - 1);
}

static _printf_(3, 4) void append_f(char *line, size_t *at, const char *fmt,
				    ...)
{
	va_list ap;

	va_start(ap, fmt);
	append(line, at, fmt, ap);
	va_end(ap);
}

void log_write(enum log_level level, int error, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	int saved_errno = errno;
	size_t n = 0;
	va_list ap;

	if (level > state.max)
		return;
	append_f(line, &n, "%s: %s: ", state.ident, level_names[level]);
	va_start(ap, fmt);
	append(line, &n, fmt, ap);
	va_end(ap);
	if (error)
		append_f(line, &n, ": %s", strerrordesc_np(abs(error)) ?: "?");
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	/* A lost log line must not fail what is being logged. */
	(void)fd_write_full(STDERR_FILENO, line, n);
	errno = saved_errno;
}
