/* SPDX-License-Identifier: MIT */
/*
 * webhook.h - audit.webhook: every event also goes to a URL, in batches
 *
 * A copy, not the record: what cannot be delivered for long is dropped, counted
 * (metrics) and told of in the log. The record itself never waits for it.
 */
#ifndef SERVER_WEBHOOK_H
#define SERVER_WEBHOOK_H

#include "base/str.h"

struct app;
struct webhook;

/* Does nothing when none is configured. 0, or -errno with words in err. */
int webhook_start(struct app *app, struct buf *err);
/* Gives what is left to the one who delivers; NULL is a no-op; returns NULL. */
struct webhook *webhook_stop(struct webhook *h);
/* json: one event as it was recorded. NULL is a no-op. */
void webhook_add(struct webhook *h, struct str json);
void webhook_metrics(const struct webhook *h, struct buf *out);

#endif
