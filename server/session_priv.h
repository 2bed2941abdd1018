/* SPDX-License-Identifier: MIT */
/*
 * session_priv.h - shared by session.c and session_new.c only
 */
#ifndef SERVER_SESSION_PRIV_H
#define SERVER_SESSION_PRIV_H

#include "server/session.h"

void session_free(struct session *s);
/*
 * Reads and compiles the session's policy again, as the next generation.
 * 1 = it is another one now, 0 = unchanged, -errno = the old one stays and err
 * may say why.
 */
int session_reload_policy(struct session *s, struct buf *err);
DEFINE_CLEANUP(session_free, struct session *)

#endif
