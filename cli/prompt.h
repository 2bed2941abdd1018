/* SPDX-License-Identifier: MIT */
/*
 * prompt.h - approvals asked at the terminal of whoever waits for a command
 * (approvals.mode: local_tty)
 *
 * The terminal is ours while a command runs: the command has one of its own, or
 * pipes. Its processes cannot type into ours; what its output makes a terminal
 * answer by itself (status reports) cannot contain the number that is asked
 * for, which is new each time and shown only here.
 */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/client.h"
#include "cli/tty.h"

#define PROMPT_MAX_KNOWN 64

struct prompt {
	const struct client *client;      /* borrowed */
	const char *session;              /* borrowed */
	const char *command;              /* borrowed: only its own questions */
	int tty;                          /* owned; -1: nobody can be asked */
	uint64_t next_look;               /* monotonic ns; 0 = never */
	char known[PROMPT_MAX_KNOWN][64]; /* asked already */
	unsigned int n_known;
};

/* Finds the terminal; where there is none in front of us, nothing is asked. */
void prompt_init(struct prompt *p, const struct client *client,
		 const char *session, const char *command);
void prompt_done(struct prompt *p);
/* Milliseconds until prompt_look() is due; -1 = never. */
int prompt_wait_ms(const struct prompt *p);
/*
 * Asks about what waits for an approval, if it is time to look. raw: our
 * terminal's raw mode, left while a question is open; may be inactive.
 */
void prompt_look(struct prompt *p, struct tty_raw *raw);

#endif
