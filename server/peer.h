/* SPDX-License-Identifier: MIT */
/*
 * peer.h - who is calling: a person's tool, or a command of a session
 */
#ifndef SERVER_PEER_H
#define SERVER_PEER_H

#include "server/app.h"

/* A command has ended: what it has sent may still be on its way. */
void peer_commands_changed(struct app *app);
/*
 * Fills peer->in_session and ->session, once per connection. A loopback TCP
 * caller that cannot be told to be outside counts as inside.
 */
void peer_check(struct app *app, struct http_peer *peer);
/* The session that process pid belongs to, or NULL. */
struct session *peer_session_of(struct app *app, pid_t pid);

#endif
