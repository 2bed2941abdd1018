/* SPDX-License-Identifier: MIT */
/*
 * session_priv.h - shared by the session's own files
 */
#ifndef SERVER_SESSION_PRIV_H
#define SERVER_SESSION_PRIV_H

#include "server/session.h"

struct json_writer;
struct worker_start;

/* Why a session could not be made: for its caller. */
struct session_failure {
	unsigned int status; /* of HTTP */
	struct buf *text;
};

/* Fills f. Return: r. */
int session_fail(struct session_failure *f, unsigned int status, int r,
		 const char *fmt, ...) _printf_(4, 5);

void session_free(struct session *s);
/* The namespaces of the session's commands, for a worker's hello. */
void session_put_namespaces(const struct session *s, struct worker_start *o);
void session_forget_namespaces(struct session *s);
/* Finds profile and mounts, if rq asks for a profile. 0, or -errno and f. */
int session_find_profile(struct session *s, const struct session_request *rq,
			 struct session_failure *f);
/* Reads and compiles policy `name` ("": the default one), or that of the
 * profile. 0, or -errno and f. */
int session_load_policy(struct session *s, struct str name,
			struct session_failure *f);
/* The array `mounts` of the Session object. */
void session_put_mounts(const struct session *s, struct json_writer *w);
/*
 * Reads and compiles the session's policy again, as the next generation.
 * 1 = it is another one now, 0 = unchanged, -errno = the old one stays and err
 * may say why.
 */
int session_reload_policy(struct session *s, struct buf *err);
DEFINE_CLEANUP(session_free, struct session *)

#endif
