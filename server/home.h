/* SPDX-License-Identifier: MIT */
/*
 * home.h - directories that build tools would make in a home directory
 */
#ifndef SERVER_HOME_H
#define SERVER_HOME_H

#include "server/session.h"

/*
 * Makes those that are missing and that the session's policy lets commands make
 * and fill: Landlock grants only what is there when a command starts. Notes
 * them in the session. What cannot be made is left out; nothing is said.
 */
void home_prepare(struct session *s);
/* Takes away what home_prepare() made and nobody put anything into. */
void home_tidy(const struct session *s);

#endif
