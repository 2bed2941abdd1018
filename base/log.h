/* SPDX-License-Identifier: MIT */
/*
 * log.h - daemon log on stderr, one line per message
 *
 * Libraries (L0-L2) log at debug only. `log_error_errno(r, ...)` returns r, so
 * an error is logged and returned in one statement.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/macro.h"

enum log_level {
	LOG_LEVEL_ERROR = 0,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* ident is borrowed for the life of the process, e.g. "agentsh-tracer". */
void log_init(const char *ident, enum log_level max);

enum log_form {
	LOG_FORM_TEXT = 0, /* program: level: message */
	LOG_FORM_STAMPED,  /* the same after an RFC 3339 time */
	LOG_FORM_JSON,     /* an object per line: time, level, program, msg */
};
void log_set_form(enum log_form form);
/*
 * A program of ours that another one starts logs as that one does:
 * log_bequeath() puts level and form into the environment (0, or -ENOMEM),
 * log_inherit() is log_init() from there. Not for use beside other threads.
 */
int log_bequeath(void);
void log_inherit(const char *ident);
void log_write(enum log_level level, int error, const char *fmt, ...)
	_printf_(3, 4);

#define log_debug(...) log_write(LOG_LEVEL_DEBUG, 0, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, 0, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, 0, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, 0, __VA_ARGS__)
/* r is a negative errno; appends its text. */
#define log_error_errno(r, ...)                                  \
	({                                                       \
		int log_r_ = (r);                                \
		log_write(LOG_LEVEL_ERROR, log_r_, __VA_ARGS__); \
		log_r_;                                          \
	})
#define log_warn_errno(r, ...)                                  \
	({                                                      \
		int log_r_ = (r);                               \
		log_write(LOG_LEVEL_WARN, log_r_, __VA_ARGS__); \
		log_r_;                                         \
	})

#endif
