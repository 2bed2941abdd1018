/* SPDX-License-Identifier: MIT */
/*
 * fake_server.h - a server that answers from a script, and a way to run the
 * agentsh program against it
 */
#ifndef UNIT_CLI_FAKE_SERVER_H
#define UNIT_CLI_FAKE_SERVER_H

#include <pthread.h>
#include <stdbool.h>

#include "base/str.h"

struct fake_step {
	const char *answer; /* raw bytes; NULL: close without one */
	const char *to_fd1; /* written to the second descriptor received */
	const char *to_fd2;
	const char *read_fd0; /* expected there before answering */
	unsigned int delay_ms;
};

#define FAKE_STEPS 8

struct fake {
	struct fake_step steps[FAKE_STEPS]; /* one per connection */
	size_t n_steps;
	/* what came: requests[i] is the raw text of the i-th */
	struct buf requests[FAKE_STEPS];
	size_t n_fds[FAKE_STEPS];
	bool input_ok;
	size_t n; /* connections served */
	int listener;
	char url[160];
	char path[108]; /* unix socket, or "" */
	pthread_t thread;
};

/* unix_socket: listen on one, else on a free port of 127.0.0.1. */
void fake_start(struct fake *f, bool unix_socket);
/* Stops, joins. Requests stay until fake_done(). */
void fake_stop(struct fake *f);
void fake_done(struct fake *f);

struct run {
	int status; /* exit status, or 128 + signal */
	struct buf out, err;
};

/*
 * Runs agentsh with these words (NULL-terminated) against f's URL, which is
 * put into the environment. stdin: text, or NULL for /dev/null.
 */
void run_agentsh(struct run *r, const struct fake *f, const char *input,
		 const char *const *words);
/* Same with a terminal of its own as standard input, output and error. */
void run_agentsh_tty(struct run *r, const struct fake *f, const char *typed,
		     const char *const *words);
void run_done(struct run *r);

/* Path of the program under test. */
extern const char *agentsh_path;

#endif
