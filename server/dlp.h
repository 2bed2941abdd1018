/* SPDX-License-Identifier: MIT */
/*
 * dlp.h - secrets in what the server stores and passes on
 */
#ifndef SERVER_DLP_H
#define SERVER_DLP_H

#include "core/event.h"
#include "dlp/dlp.h"
#include "server/app.h"

struct server_dlp;

/*
 * Compiles what the settings ask for into app->dlp, before the audit log is
 * opened. Return: 0, -ENOMEM, -EINVAL.
 */
int server_dlp_open(struct app *app);
struct server_dlp *server_dlp_free(struct server_dlp *d);

/* What is done to the output of commands; NULL when dlp.redact_output is off */
const struct dlp_engine *server_dlp_output(const struct app *app);

/*
 * Everything that is stored goes through these. audit_filter_fn: an event's
 * strings with secrets are replaced; they live until the next call.
 */
int server_dlp_event(void *arg, struct event *e);
/* Appends text without its secrets. 0 or -ENOMEM. */
int server_dlp_text(const struct app *app, struct str text, struct buf *out);

#endif
