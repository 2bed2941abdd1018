/* SPDX-License-Identifier: MIT */
/*
 * session_priv.h - shared by session.c and session_new.c only
 */
#ifndef SERVER_SESSION_PRIV_H
#define SERVER_SESSION_PRIV_H

#include "server/session.h"

void session_free(struct session *s);
DEFINE_CLEANUP(session_free, struct session *)

#endif
