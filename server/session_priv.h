/* SPDX-License-Identifier: MIT */
/*
 * session_priv.h - shared by the session's own files
 */
#ifndef SERVER_SESSION_PRIV_H
#define SERVER_SESSION_PRIV_H

#include "server/session.h"

struct worker_start;

void session_free(struct session *s);
/* The namespaces of the session's commands, for a worker's hello. */
void session_put_namespaces(const struct session *s, struct worker_start *o);
void session_forget_namespaces(struct session *s);
/*
 * Reads and compiles the session's policy again, as the next generation.
 * 1 = it is another one now, 0 = unchanged, -errno = the old one stays and err
 * may say why.
 */
int session_reload_policy(struct session *s, struct buf *err);
DEFINE_CLEANUP(session_free, struct session *)

#endif
