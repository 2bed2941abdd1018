/* SPDX-License-Identifier: MIT */
/*
 * approvals.h - questions that wait for a person
 *
 * Two askers: a command's pre-check (answered with command_approved) and a
 * worker (answered with PROTO_APPROVAL under the request's id).
 */
#ifndef SERVER_APPROVALS_H
#define SERVER_APPROVALS_H

#include "core/channel.h"
#include "server/exec.h"

struct approval_ask {
	struct session *session;
	struct command *command; /* pre-check; NULL for a worker's question */
	struct str command_id, kind, target, rule, message;
	int64_t timeout_ns;      /* 0 = configured default */
	struct worker *worker;   /* which of the session's it is */
	uint32_t worker_request; /* id to answer under */
};

/*
 * Records approval_requested. *ret_id (64 bytes) gets the id.
 * 0, -EBUSY (too many pending), -EOPNOTSUPP (nobody can answer), -errno.
 */
int approval_ask(const struct approval_ask *o, char ret_id[64]);
/*
 * A worker's PROTO_APPROVAL_ASK; one that cannot be put to anybody is answered
 * with no. 0, or -EBADMSG.
 */
int approval_from_worker(struct session *s, struct worker *w,
			 const struct channel_msg *m);
/* 0 or -ENOENT. */
int approval_resolve(struct app *app, struct str id, bool approved,
		     struct str reason);
/* session: only this one's; empty = all. */
void approvals_to_json(const struct app *app, struct str session,
		       struct json_writer *w);
bool approval_to_json(const struct app *app, struct str id,
		      struct json_writer *w);
/* The asker is going away: no answer, recorded as cancelled. */
void approvals_drop_command(struct app *app, const struct command *c);
/* A worker has died: its questions are answered with no. */
void approvals_drop_worker(struct app *app, const struct session *s,
			   const struct worker *w);
void approvals_drop_session(struct app *app, const struct session *s);

#endif
