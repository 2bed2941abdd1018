/* SPDX-License-Identifier: MIT */
/*
 * detect_trial.h - what the trial session of `agentsh detect` showed
 *
 * The trial is made by the server's own code (server/server.h), which this
 * directory cannot call: main.c lends the function.
 */
#ifndef CLI_DETECT_TRIAL_H
#define CLI_DETECT_TRIAL_H

#include "cli/detect.h"

typedef int detect_trial_fn(const char *config_path, struct buf *ret_json);
typedef int detect_judge_fn(struct str session_json, struct buf *ret_json);
/* NULL in a build without the server: then only the kernel is probed. */
extern detect_trial_fn *detect_trial;
extern detect_judge_fn *detect_judge;

/*
 * Fills d->trial from a throw-away session or, inside a session, from what its
 * server said of it. config: "" = the usual places. 0 or -errno.
 */
int detect_try(struct detect *d, const char *config, struct str session_json);
/* A layer of the trial session was in force. */
bool detect_layer(const struct detect *d, const char *name);
struct str detect_layer_detail(const struct detect *d, const char *name);
/* A canary got past: what its mechanism claims is not true here. */
bool detect_past(const struct detect *d, const char *name);
/* True if all nine guarantees hold. */
bool detect_all_held(const struct detect *d);
/* "held", "weaker" or "not held". */
struct str detect_state(const struct detect *d, const char *guarantee);
void detect_trial_text(const struct detect *d, struct buf *out);
/* Members `guarantees`, `canaries`, ... of the report. */
void detect_trial_json(const struct detect *d, struct json_writer *w);

#endif
