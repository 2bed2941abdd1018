/* SPDX-License-Identifier: MIT */
/*
 * history.h - every event of one session, from the server or the database
 */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include "base/json.h"
#include "cli/command.h"

/*
 * Reads the events of the session that args[0] names ("latest": the newest).
 * The verb has the flags --direct-db and --db-path. The tree lives in a, which
 * must be large. Prints; a session without events is one that is not known.
 * Return: 0 (ret_id: the session; ret_events: an array, oldest first) or the
 * exit status.
 */
int history_load(const struct cli *c, struct arena *a, struct buf *ret_id,
		 struct json **ret_events);

#endif
