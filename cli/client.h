/* SPDX-License-Identifier: MIT */
/*
 * client.h - calls to the server's HTTP API
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/command.h"
#include "cli/conn.h"
#include "cli/url.h"

#define CLIENT_TIMEOUT_NS (30 * INT64_C(1000000000))

struct client {
	struct server_url url;
	const char *text;    /* the URL as given; borrowed */
	const char *api_key; /* borrowed; may be "" */
	uint64_t timeout_ns; /* --client-timeout, or 30 s */
	bool timeout_given;
};

/*
 * From the global flags and their variables. Prints what is wrong.
 * Return: 0, or the exit status.
 */
int client_init(struct client *cl, const struct cli *c);
/* Monotonic time at which a call that starts now has taken too long. */
uint64_t client_deadline(uint64_t timeout_ns);
/*
 * One exchange, 30 s at most; any HTTP status is an answer.
 * Return: 0 or -errno (nothing is printed).
 */
int client_call(const struct client *cl, const struct conn_request *rq,
		struct conn *ret);
/*
 * client_call(), and prints what went wrong: no connection, or a status other
 * than 2xx ("METHOD PATH: STATUS: BODY"). Return: 0, or the exit status.
 */
int client_do(const struct client *cl, const char *method, const char *target,
	      struct str body, struct conn *ret);
/* client_init() and client_do() of a GET; the body printed as JSON. */
int client_show(const struct cli *c, const char *target);
/* Messages of the two kinds above. Return: 1. */
int client_fail_connect(const struct client *cl, const char *method,
			const char *target, int r);
int client_fail_status(const char *method, const char *target,
		       const struct conn *answer);
/* "/api/v1/sessions/ID" + rest, escaped; into out. */
void client_session_path(struct buf *out, const char *session,
			 const char *rest);
/*
 * A session's id: name itself, or for "latest" the one created last.
 * Prints. Return: 0, or the exit status.
 */
int client_session(const struct client *cl, const char *name, struct buf *ret);
/*
 * path made absolute against $PWD or the current directory: the server's own
 * directory is another one. Symbolic links are left to the server.
 */
void client_absolute(const char *path, struct buf *out);
/* "1", "true", "t", "yes", "y", "on": the words of $AGENTSH_NO_AUTO. */
bool env_truthy(const char *name);
/* Value of a variable, or dflt when unset or empty. */
const char *env_or(const char *name, const char *dflt);

#endif
