/* SPDX-License-Identifier: MIT */
/*
 * state.h - sessions outlive the server that made them
 *
 * Each session is written down as <sessions.base_dir>/<id>/session.json (0600)
 * whenever it changes, and removed when it ends. A server that starts reads
 * them, tells from the audit log how its predecessor ended, and declares there
 * what was lost.
 */
#ifndef SERVER_STATE_H
#define SERVER_STATE_H

#include "server/session.h"

/* Writes it at the end of this turn of the loop. */
void state_changed(struct session *s);
/* Now: before somebody is told that it is so, and may kill us for it. */
void state_write(struct app *app);
void state_remove(const struct session *s);
/*
 * At start, before anybody is served: restores sessions, closes in the log the
 * commands that died with the last server, records server_started. 0, or -errno
 * when that cannot be recorded.
 */
int state_recover(struct app *app);
/* At the end of an orderly stop: records server_stopped. */
void state_stopped(struct app *app);

#endif
