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
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "base/utf8.h"

#define LOG_LINE_MAX 2048
#define LOG_VARIABLE "AGENTSH_LOG" /* LEVEL:FORM, between our programs */

static struct {
	const char *ident;
	enum log_level max;
	enum log_form form;
} state = { "agentsh", LOG_LEVEL_INFO, LOG_FORM_TEXT };

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

void log_set_form(enum log_form form)
{
	state.form = form;
}

int log_bequeath(void)
{
	char value[] = { (char)('0' + state.max), ':', (char)('0' + state.form),
			 '\0' };

	return setenv(LOG_VARIABLE, value, 1) < 0 ? -ENOMEM : 0;
}

void log_inherit(const char *ident)
{
	const char *v = getenv(LOG_VARIABLE);

	log_init(ident, LOG_LEVEL_INFO);
	if (!v || strlen(v) != 3)
		return;
	if (v[0] >= '0' && v[0] <= '0' + (int)LOG_LEVEL_DEBUG)
		state.max = (enum log_level)(v[0] - '0');
	if (v[2] >= '0' && v[2] <= '0' + (int)LOG_FORM_JSON)
		state.form = (enum log_form)(v[2] - '0');
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

/* UTC with milliseconds. */
static void append_time(char *line, size_t *at)
{
	struct timespec now = { 0 };
	struct tm tm = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &tm);
	append_f(line, at, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min, tm.tm_sec, (int)(now.tv_nsec / 1000000));
}

/* msg has no control bytes; what is not UTF-8 in it becomes U+FFFD. */
static void append_json_text(char *line, size_t *at, struct str msg)
{
	while (msg.n > 0 && *at < LOG_LINE_MAX - 16) {
		uint32_t c;

		msg = str_skip(msg, utf8_next(msg, &c));
		if (c == '"' || c == '\\')
			line[(*at)++] = '\\';
		*at += utf8_put(line + *at, c);
	}
}

static void append_json(char *line, size_t *at, enum log_level level,
			struct str msg)
{
	append_f(line, at, "{\"time\":\"");
	append_time(line, at);
	append_f(line, at, "\",\"level\":\"%s\",\"program\":\"%s\",\"msg\":\"",
		 level_names[level], state.ident);
	append_json_text(line, at, msg);
	line[(*at)++] = '"';
	line[(*at)++] = '}';
}

static void append_text(char *line, size_t *at, enum log_level level,
			struct str msg)
{
	if (state.form == LOG_FORM_STAMPED) {
		append_time(line, at);
		append_f(line, at, " ");
	}
	append_f(line, at, "%s: %s: " STR_FMT, state.ident, level_names[level],
		 STR_ARG(msg));
}

void log_write(enum log_level level, int error, const char *fmt, ...)
{
	char msg[LOG_LINE_MAX], line[LOG_LINE_MAX];
	int saved_errno = errno;
	size_t m = 0, n = 0;
	va_list ap;

	if (level > state.max)
		return;
	va_start(ap, fmt);
	append(msg, &m, fmt, ap);
	va_end(ap);
	if (error)
		append_f(msg, &m, ": %s", strerrordesc_np(abs(error)) ?: "?");
	for (size_t i = 0; i < m; i++)
		if ((unsigned char)msg[i] < 0x20 || msg[i] == 0x7f)
			msg[i] = '?';
	if (state.form == LOG_FORM_JSON)
		append_json(line, &n, level, str_from_n(msg, m));
	else
		append_text(line, &n, level, str_from_n(msg, m));
	line[n++] = '\n';
	/* A lost log line must not fail what is being logged. */
	(void)fd_write_full(STDERR_FILENO, line, n);
	errno = saved_errno;
}
