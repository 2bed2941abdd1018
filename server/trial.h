/* SPDX-License-Identifier: MIT */
/*
 * trial.h - a throw-away session that is there to be broken out of
 *
 * Private to trial.c and to record.c, which hands events to it in place of the
 * audit log. `agentsh detect` enters by server_trial() of server.h.
 */
#ifndef SERVER_TRIAL_H
#define SERVER_TRIAL_H

#include "server/app.h"

struct trial {
	struct app app;
	struct session *session; /* in app's list */
	char dir[64];            /* workspace and control socket are in it */
	/* what there is to try; "" or NULL = nothing here */
	const char *secret, *address;
	char create[64], program[64], control[96];
	int control_fd;
	struct loop_source *io;
	struct buf report, error;
	uint64_t canary_end, report_end; /* monotonic ns; 0 = not yet */
	bool started;                    /* the canary was sent off */
	/* refusals that were recorded */
	bool saw_secret, saw_create, saw_program, saw_address;
};

/* An event of the trial's session. */
void trial_observe(struct trial *t, const struct event *e);

#endif
