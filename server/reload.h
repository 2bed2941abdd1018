/* SPDX-License-Identifier: MIT */
/*
 * reload.h - a changed policy file reaches the sessions that run under it
 */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "server/session.h"

enum reload_result {
	RELOAD_UNCHANGED = 0, /* the file says what it said */
	RELOAD_DONE,
	RELOAD_REFUSED, /* the old generation stays; err says why */
};

/* Reads the session's policy again. err: one line, for RELOAD_REFUSED. */
enum reload_result reload_session(struct session *s, struct buf *err);
void reload_all(struct app *app);
/*
 * Watches policies.dir (inotify, and every reload_interval where one is
 * configured) and SIGHUP. 0 or -errno.
 */
int reload_watch(struct app *app);
void reload_done(struct app *app);
/*
 * Before a command is started: an idle session whose floor is of an older
 * policy gets a new tracer.
 */
void reload_renew_floor(struct session *s);

#endif
