/* SPDX-License-Identifier: MIT */
/*
 * logfile.h - where the daemon's log goes, and what becomes of old ones
 */
#ifndef SERVER_LOGFILE_H
#define SERVER_LOGFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

struct app;

/* Of logging.*; strings are the settings'. */
struct logfile_options {
	enum log_level level;
	enum log_form form;
	const char *path; /* "" = leave stderr alone */
	bool to_stdout;
	uint64_t rotate_bytes; /* 0 = never */
	unsigned int max_backups;
	int64_t max_age_ns; /* of rotated files; 0 = any */
};

/*
 * From here on stderr, ours and that of the workers started later, is what the
 * options say. -errno if the file cannot be opened, with stderr as it was.
 */
int logfile_start(const struct logfile_options *o);
/* Has the loop look at its size now and then. 0 or -errno. */
int logfile_watch(struct app *app);
/*
 * Removes PATH.1, PATH.2, ... older than max_age_ns; best effort. For the
 * JSON lines of the audit too.
 */
void logfile_expire(const char *path, unsigned int max_backups,
		    int64_t max_age_ns);

#endif
