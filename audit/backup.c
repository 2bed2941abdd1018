/* SPDX-License-Identifier: MIT */
/*
 * backup.c - a consistent copy of a database that is being written
 */
#include <errno.h>

#include "audit/internal.h"
#include "base/progress.h"

/* Pages per step: the writer gets its turn in between. */
#define STEP_PAGES 256
#define BUSY_MS    5000

static int copy_pages(sqlite3 *from, sqlite3 *to)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	int rc;

	if (!b)
		return sqlite_error(sqlite3_errcode(to));
	do {
		rc = sqlite3_backup_step(b, STEP_PAGES);
		progress_tell((uint64_t)(sqlite3_backup_pagecount(b) -
					 sqlite3_backup_remaining(b)),
			      (uint64_t)sqlite3_backup_pagecount(b));
		if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
			(void)sqlite3_sleep(50);
	} while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
	(void)sqlite3_backup_finish(b);
	return sqlite_error(rc);
}

int audit_backup(const char *sqlite_path, const char *copy_path)
{
	sqlite3 *from = NULL, *to = NULL;
	int r = sqlite_error(sqlite3_open_v2(sqlite_path, &from,
					     SQLITE_OPEN_READONLY, NULL));

	if (r == 0)
		r = sqlite_error(sqlite3_busy_timeout(from, BUSY_MS));
	if (r == 0)
		r = sqlite_error(sqlite3_open_v2(
			copy_path, &to,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL));
	if (r == 0)
		r = copy_pages(from, to);
	/* close reports what could not be written */
	if (to) {
		int closed = sqlite_error(sqlite3_close(to));

		r = r < 0 ? r : closed;
	}
	(void)sqlite3_close(from);
	return r;
}
